"""
Tile pairs, and point matches: selected, uploaded, measured, and derived from pictures.

Imports ``wrappers.reading`` and below, not the other features.
"""
