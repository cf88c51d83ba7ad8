"""Tile texts in bulk: outlines, boxes, kinds, limits and edits."""
