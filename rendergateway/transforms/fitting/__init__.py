"""
Fits of transforms to pairs of points: least squares in closed form, splines, RANSAC.

They import ``transforms.base`` and ``transforms.classes``.
"""
