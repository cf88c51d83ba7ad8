"""The OpenAPI 2.0 ("Swagger") description of the service."""

from __future__ import annotations

import functools
from typing import Any

from rendergateway.endpoints import ENDPOINTS, Endpoint
from rendergateway.service.handlers import HANDLERS
from rendergateway.service.http.negotiation import produced_by
from rendergateway.wire import encode

__all__ = ["description"]

_TYPES = {"number": "number", "int": "integer", "bool": "boolean"}


@functools.cache
def description() -> bytes:
    """Return the JSON description of all implemented endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS.values():
        if endpoint.name in HANDLERS:
            paths.setdefault("/v1" + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    title = "rendergateway embedded service"
    return encode(
        {"swagger": "2.0", "info": {"title": title, "version": "v1"}, "basePath": "/render-ws", "paths": paths}
    )


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "type": "string"} for name in endpoint.path_values
    ]
    for value in endpoint.query_values.values():
        kind = _TYPES.get(value.kind, "string")
        shape = (
            {"type": "array", "items": {"type": kind}, "collectionFormat": "multi"}
            if value.repeated
            else {"type": kind}
        )
        parameters.append({"name": value.wire_name, "in": "query", "required": False, **shape})
    if endpoint.body != "none":
        parameters.append({"name": "body", "in": "body", "schema": {}})
    produced = produced_by(endpoint)
    return {
        "operationId": endpoint.name,
        "tags": [endpoint.subject],
        "parameters": parameters,
        "produces": [produced] if produced else [],
        "responses": {"default": {"description": endpoint.answer}},
    }
