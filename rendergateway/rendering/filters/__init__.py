"""
Image filters with the pixels of the service's own: one module per family, and the registry of all.

Imports `base` of rendering. Facts and formulas are those of ImageJ and mpicbg, which the service calls.
"""
