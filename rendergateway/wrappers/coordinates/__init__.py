"""
Maps points between tiles and the world, by the service or locally.

Imports ``wrappers.reading`` and below, not the other features.
"""
