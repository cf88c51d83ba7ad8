"""
HTTP: request bodies, handler arguments, content negotiation, replies and the access log.

Imports `base`, `store` and `domain` of the service, and `endpoints` and `wire`.
"""
