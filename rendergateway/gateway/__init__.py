"""The gateway: one service and the objects in it."""

from rendergateway.gateway.gateway import Gateway

__all__ = ["Gateway"]
