"""
Pixel arithmetic: sampling, intensity, filters, patches and the canvas.

Imports `base` of rendering only.
"""
