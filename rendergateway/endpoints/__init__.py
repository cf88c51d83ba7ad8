"""The HTTP endpoints of render-ws: what both the client and the embedded service agree on."""

from rendergateway.endpoints.endpoint import Endpoint, QueryValue
from rendergateway.endpoints.routing import Route, candidates, route
from rendergateway.endpoints.table import ENDPOINTS

__all__ = ["ENDPOINTS", "Endpoint", "QueryValue", "Route", "candidates", "route"]
