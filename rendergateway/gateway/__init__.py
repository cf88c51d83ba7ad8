"""
The gateway: one service and the objects in it.

``Gateway`` has a ``Client`` and an ``ObjectSpace``; ``Openers`` are its methods that open objects by name. Imports
everything of the client half.
"""

from rendergateway.gateway.gateway import Gateway

__all__ = ["Gateway"]
