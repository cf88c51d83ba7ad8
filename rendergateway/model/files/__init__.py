"""
Files of tile specs, shared transforms and transform changes, plain or gzipped.

Imports the other folders of ``model``, ``wire`` and anything below them.
"""
