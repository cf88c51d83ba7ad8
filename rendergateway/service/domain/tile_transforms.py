"""Transforms of a tile, with refusals in the words of the real service."""

from __future__ import annotations

from collections.abc import Mapping

from rendergateway.errors import TransformError
from rendergateway.service.base.refusals import IllegalArgument
from rendergateway.transforms import Transform, TransformList
from rendergateway.wire import Spec, TileSpec
from rendergateway.wire.to_transform import to_transform

__all__ = ["service_message", "transform_of", "world_from_local"]

_NONE_SHARED: Mapping[str, Spec] = {}


def service_message(error: TransformError) -> str:
    """Return the part of a message that is the same in the real service."""
    return str(error).partition("; ")[0]


def transform_of(spec: Spec | None, shared: Mapping[str, Spec] = _NONE_SHARED) -> Transform:
    """
    Return the transform of a specification; references are looked up in *shared*.

    Raises
    ------
    IllegalArgument
        If a part of it is missing, malformed, of an unknown class or an unresolved reference.
    """
    try:
        return to_transform(spec, shared, applicable=True)
    except TransformError as error:
        raise IllegalArgument(service_message(error)) from error


def world_from_local(tile: TileSpec, shared: Mapping[str, Spec] = _NONE_SHARED) -> Transform:
    """Return the transform from local pixels of *tile* to world pixels; the identity if it has none."""
    return transform_of(tile.transforms, shared) if tile.transforms else TransformList()
