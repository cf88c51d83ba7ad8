"""
Objects and collections of the service: lazy, one per key, fresh after a write.

``Bound`` is a key and a client, ``ObjectSpace`` has identity and invalidation, ``Registry`` the registered classes.
Imports ``transport``, ``endpoints``, ``model`` and the common modules.
"""
