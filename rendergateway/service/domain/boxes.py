"""The box of a tile from its size and transforms (contract, 7.3)."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, border_points, service_box
from rendergateway.service.base.refusals import IllegalArgument, IllegalState
from rendergateway.transforms import AffineModel2D, Transform, from_spec
from rendergateway.wire import Interpolated, Leaf, Reference, Spec, SpecList, TileSpec

__all__ = ["Map", "affine_numbers", "derive_box", "instantiate", "leaf_transform", "map_of"]

_AFFINE_NUMBERS = 6
_PLAIN = re.compile(r"[-+0-9.eE\s]+")

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


def affine_numbers(spec: Leaf) -> tuple[float, ...] | None:
    """Return m00, m10, m01, m11, tx, ty of a plainly written affine; None for all else, right or wrong."""
    words = (spec.dataString or "").split() if spec.className == AffineModel2D.JAVA_NAME else []
    if len(words) != _AFFINE_NUMBERS or not _PLAIN.fullmatch(spec.dataString or ""):
        return None
    try:
        return tuple(map(float, words))
    except ValueError:
        return None


def _affine(m00: float, m10: float, m01: float, m11: float, tx: float, ty: float) -> Map:
    def apply(points: FloatArray) -> FloatArray:
        x, y = points[:, 0], points[:, 1]
        return np.stack([m00 * x + m01 * y + tx, m10 * x + m11 * y + ty], axis=1)

    return apply


def map_of(spec: Spec | None, shared: Mapping[str, Spec]) -> Map:
    """
    Return what carries points through *spec*, references looked up in *shared*.

    Raises
    ------
    IllegalArgument
        If a part of it is no transform, or is not known.
    """
    if isinstance(spec, Leaf):
        numbers = affine_numbers(spec)
        if numbers is not None:
            return _affine(*numbers)
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
    affine = _only_affine(tile.transforms)
    if affine is not None:
        box = _affine_box(affine, float(tile.width), float(tile.height))
        tile.minX, tile.minY, tile.maxX, tile.maxY = box
        return
    border = _border(float(tile.width), float(tile.height), float(tile.meshCellSize or 64.0))
    tile.minX, tile.minY, tile.maxX, tile.maxY = service_box(instantiate(tile, shared)(border))


def _only_affine(spec: SpecList | None) -> tuple[float, ...] | None:
    specs = spec.specList if spec else []
    only = specs[0] if len(specs) == 1 else None
    return affine_numbers(only) if isinstance(only, Leaf) else None


def _affine_box(affine: tuple[float, ...], width: float, height: float) -> tuple[float, float, float, float]:
    """Return what `service_box` does of `border_points`: an affine has its extremes at the outermost of these."""
    m00, m10, m01, m11, tx, ty = affine
    x, y = _outermost(m00, m01, tx, width, height), _outermost(m10, m11, ty, width, height)
    min_x, min_y = min(x), min(y)
    if not (math.isfinite(sum(x)) and math.isfinite(sum(y))):
        raise IllegalArgument("the transform carries the tile beyond all numbers")
    left, top = math.trunc(min_x), math.trunc(min_y)
    return float(left), float(top), float(left + math.ceil(max(x) - min_x)), float(top + math.ceil(max(y) - min_y))


def _outermost(by_x: float, by_y: float, shift: float, width: float, height: float) -> tuple[float, ...]:
    """Return one coordinate of the outermost border points: written out, as each tile that is saved comes here."""
    right, far_right = by_x * (width - 1), by_x * width
    bottom, far_bottom = by_y * (height - 1), by_y * height
    return (
        shift, right + shift, far_bottom + shift, right + far_bottom + shift,
        bottom + shift, far_right + shift, far_right + bottom + shift,
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _border(width: float, height: float, cell_size: float) -> FloatArray:
    return border_points(width, height, cell_size)
