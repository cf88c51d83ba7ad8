"""
Common ground of rendering: recipes, threads and the byte-limited cache.

Imports `transforms` and the common modules of the package, nothing else of rendering.
"""
