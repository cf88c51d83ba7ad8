"""
Drawing: recipes from render parameters, the images of one tile, and the compositor of all tiles.

Imports `base`, `pixels`, `filters`, `images` and `placement` of rendering, and `wire`.
"""
