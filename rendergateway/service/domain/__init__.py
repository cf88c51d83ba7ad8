"""
Domain logic: boxes, coordinates, uploads, render parameters and images, without HTTP.

Imports `base` and `store` of the service, and `rendering`, `transforms` and `wire`.
"""
