"""
Placement: which pixels of an image an affine or a triangle mesh maps to the canvas.

Imports `base` and `pixels` of rendering and `transforms`, and not `images`.
"""
