"""The box of a tile from its size and transforms (contract, 7.3)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, border_points, service_box
from rendergateway.model.wire import Interpolated, Leaf, Reference, Spec, SpecList, TileSpec
from rendergateway.service.refusals import IllegalArgument, IllegalState
from rendergateway.transforms import Transform, from_spec

__all__ = ["Map", "derive_box", "instantiate", "leaf_transform", "map_of"]

Map = Callable[[FloatArray], FloatArray]

_IDENTITY: Map = lambda points: points  # noqa: E731


def _server_sentence(error: TransformError) -> str:
    return str(error).partition("; ")[0]


@functools.lru_cache(maxsize=4096)
def leaf_transform(class_name: str | None, data: str | None, name: str | None) -> Transform:
    """
    Return the transform that a leaf stands for.

    Raises
    ------
    IllegalArgument
        If the class is not known or the text does not fit it.
    """
    try:
        transform = from_spec({"type": "leaf", "id": name, "className": class_name, "dataString": data})
        transform.apply(np.zeros((1, 2)))
    except TransformError as error:
        raise IllegalArgument(_server_sentence(error)) from error
    return transform


def map_of(spec: Spec | None, shared: Mapping[str, Spec]) -> Map:
    """
    Return what carries points through *spec*, references looked up in *shared*.

    Raises
    ------
    IllegalArgument
        If a part of it is no transform, or is not known.
    """
    if isinstance(spec, Leaf):
        return leaf_transform(spec.className, spec.dataString, spec.id).apply
    if isinstance(spec, SpecList):
        return _in_turn([map_of(part, shared) for part in spec.specList])
    if isinstance(spec, Interpolated):
        return _blend(map_of(spec.a, shared), map_of(spec.b, shared), float(spec.lambda_ or 0.0))
    if isinstance(spec, Reference):
        if spec.refId is None or spec.refId not in shared:
            raise IllegalArgument(f"spec reference to id '{spec.refId}' has not been resolved")
        return map_of(shared[spec.refId], shared)
    raise IllegalArgument("a transform is missing")


def _in_turn(maps: list[Map]) -> Map:
    if len(maps) == 1:
        return maps[0]

    def apply(points: FloatArray) -> FloatArray:
        for one in maps:
            points = one(points)
        return points

    return apply


def _blend(a: Map, b: Map, share: float) -> Map:
    def apply(points: FloatArray) -> FloatArray:
        start = a(points)
        return start + (b(points) - start) * share

    return apply


def instantiate(tile: TileSpec, shared: Mapping[str, Spec] | None = None) -> Map:
    """Return what carries local points of *tile* into the world."""
    return map_of(tile.transforms, shared or {}) if tile.transforms else _IDENTITY


def derive_box(tile: TileSpec, shared: Mapping[str, Spec]) -> None:
    """
    Set the box of *tile* from its size and transforms.

    Raises
    ------
    IllegalState
        If its size is not known.
    IllegalArgument
        If a transform cannot be made.
    """
    if tile.width is None or tile.height is None:
        raise IllegalState("width and height must be set to create a bounding box")
    border = _border(float(tile.width), float(tile.height), float(tile.meshCellSize))
    box = service_box(instantiate(tile, shared)(border))
    tile.minX, tile.minY, tile.maxX, tile.maxY = box


@functools.lru_cache(maxsize=256)
def _border(width: float, height: float, cell_size: float) -> FloatArray:
    return border_points(width, height, cell_size)
