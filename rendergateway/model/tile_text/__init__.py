"""
Tile texts in bulk: outlines for uploads, derived bounding boxes, kinds, limits and edits of the text.

Imports ``model.tables``, ``model.records`` and anything below them.
"""
