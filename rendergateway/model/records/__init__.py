"""
Records: one object of the service each, kept as its JSON text, with typed fields that decode when first read.

Imports no other folder of ``model``, only ``transforms``, ``geometry`` and ``errors`` below it.
"""
