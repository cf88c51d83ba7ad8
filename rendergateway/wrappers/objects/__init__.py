"""
The wrappers of owner, project, stack, section, tile, tile group, shared transform, match collection, group and pair.

Their public methods call the features. Imports all other folders of ``wrappers``, and is imported by ``gateway``.
"""
