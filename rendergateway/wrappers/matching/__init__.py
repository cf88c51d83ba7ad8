"""
Selects, uploads and measures point matches.

Imports ``wrappers.reading`` and below, not the other features.
"""
