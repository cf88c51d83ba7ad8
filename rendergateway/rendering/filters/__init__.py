"""
Image filters with the pixels of the service's own: one module per family, and the registry of all.

Imports `base` of rendering, and `wire`. The service calls ImageJ and mpicbg; a docstring names the class it follows.
"""
