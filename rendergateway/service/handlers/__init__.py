"""
Endpoint handlers: one function per endpoint, named after it with an underscore instead of the dot.

Imports `base`, `store`, `domain` and `http` of the service, and `endpoints` and `wire`.
"""

from __future__ import annotations

from typing import Any

from rendergateway.endpoints import ENDPOINTS
from rendergateway.service.handlers import (
    clusters,
    coordinates,
    hierarchy,
    images,
    layout,
    matches,
    metadata,
    owners,
    render_parameters,
    sections,
    stacks,
    tile_changes,
    tiles,
    trials,
    validation,
)
from rendergateway.service.http.call import Call

__all__ = ["HANDLERS"]

_MODULES = (
    owners,
    stacks,
    metadata,
    sections,
    tiles,
    tile_changes,
    render_parameters,
    layout,
    coordinates,
    matches,
    clusters,
    hierarchy,
    images,
    trials,
    validation,
)


def _handlers() -> dict[str, Call]:
    functions: dict[str, Any] = {
        name: value for module in _MODULES for name, value in vars(module).items() if callable(value)
    }
    names = {name: name.replace(".", "_") for name in ENDPOINTS}
    return {name: Call(ENDPOINTS[name], functions[word]) for name, word in names.items() if word in functions}


HANDLERS = _handlers()
