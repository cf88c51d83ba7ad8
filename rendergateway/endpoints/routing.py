"""Routing: from a path to its endpoint."""

from __future__ import annotations

import functools
from typing import Any

import attrs

from rendergateway.endpoints.endpoint import Endpoint
from rendergateway.endpoints.table import ENDPOINTS

__all__ = ["Route", "candidates", "route"]

_VALUE = "{}"


@attrs.frozen
class Route:
    """An endpoint with the values of its path."""

    endpoint: Endpoint
    values: dict[str, Any]


def candidates(path: str) -> dict[str, Endpoint]:
    """
    Return method → endpoint for a decoded *path* below ``/v1``; empty if no endpoint matches.

    A path with more literal text takes precedence: ``…/z/{z}/tile-specs`` over ``…/{id}/{other}/…``.
    """
    path = path.removesuffix("/")
    parents, _, last = path.rpartition("/")
    depth = parents.count("/")
    shapes = _by_shape()
    found: dict[str, Endpoint] = {}
    for endpoint in (*shapes.get((depth, last), ()), *shapes.get((depth, _VALUE), ())):
        if endpoint.pattern.fullmatch(path):
            found.setdefault(endpoint.method, endpoint)
    return found


def route(method: str, path: str) -> Route | None:
    """
    Return the endpoint for *method* and a decoded *path* below ``/v1``, with its values; None if there is none.

    Raises
    ------
    ValueError
        If a value in the path is not of its type.
    """
    endpoint = candidates(path).get(method)
    if endpoint is None:
        return None
    return Route(endpoint, endpoint.parse(path.removesuffix("/")) or {})


@functools.cache
def _by_shape() -> dict[tuple[int, str], list[Endpoint]]:
    """Return endpoints by depth and last segment (`_VALUE` for a value), most literal text first."""
    shapes: dict[tuple[int, str], list[Endpoint]] = {}
    for endpoint in sorted(ENDPOINTS.values(), key=lambda endpoint: -endpoint.literal_length):
        parents, _, last = endpoint.path.rpartition("/")
        shapes.setdefault((parents.count("/"), _VALUE if "{" in last else last), []).append(endpoint)
    return shapes
