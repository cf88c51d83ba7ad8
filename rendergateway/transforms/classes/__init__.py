"""
The transform classes: their contract, `Transform`, and one module per family.

They import ``transforms.base``, and one another downwards: ``transform``, ``newton``, ``leaf``, ``affine``, the rest.
"""
