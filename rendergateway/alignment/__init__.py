"""Tile pairs, feature matching, solving: arrays in, arrays out."""
