"""
The HTTP endpoints of render-ws: the common ground of client and embedded service.

Imports the common modules of the package only.
"""

from rendergateway.endpoints.endpoint import Endpoint, QueryValue
from rendergateway.endpoints.routing import Route, candidates, route
from rendergateway.endpoints.table import ENDPOINTS

__all__ = ["ENDPOINTS", "Endpoint", "QueryValue", "Route", "candidates", "route"]
