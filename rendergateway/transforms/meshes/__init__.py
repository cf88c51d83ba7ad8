"""
The service's triangle mesh over a tile, its inverse, and the bounding boxes the service derives.

They import ``transforms.base`` and ``transforms.classes``.
"""
