"""
Tables: many records as numpy columns over their texts, and resolved tiles.

Imports ``model.records`` and anything below it; pandas only in ``pandas.py``, on use.
"""
