"""
Image files: locations, decoding, volumes, mipmap levels, and the cache of decoded images.

Imports `base` and `pixels` of rendering, and not `placement`.
"""
