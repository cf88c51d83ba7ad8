"""Checks of tile specs and shared transforms before upload: the service would refuse them half-way."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.files.specs import FoundSpec
from rendergateway.model.records.json_slices import Raw, copy_of, decode
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tile_text.outlines import check_finite, maybe_not_finite
from rendergateway.transforms import CLASSES, AffineModel2D, LeafTransform, from_spec
from rendergateway.wire import Interpolated, Leaf, Spec, SpecList, TileSpec, decode_body, references

__all__ = ["checked_tile", "checked_transform", "has_box", "no_box", "references_of", "self_contained"]

_NUMBER = r"-?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?"
_SIX_NUMBERS = re.compile(rf"{_NUMBER}(?: {_NUMBER}){{5}}", re.ASCII)


def checked_tile(found: FoundSpec, z: float | None = None, *, allow_nan: bool = False) -> tuple[bytes | Raw, float]:
    """
    Return the text of a valid tile, ready for upload, and its z.

    Parameters
    ----------
    found : FoundSpec
        The tile.
    z : float, optional
        Default for a tile without z.
    allow_nan : bool
        Whether numbers that are not finite are allowed.

    Raises
    ------
    RecordError
        If a member has the wrong type or is not finite, a transform is malformed, z is missing, or the bounding box is
        missing and cannot be derived.
    """
    spec = _read(found, TileSpec, "tile")
    if spec.transforms is None:
        raise RecordError(f"{found}: the transforms of tile {found.id!r} are null; expected an object with specList")
    unknown = _unknown_classes(spec.transforms, found, "tile")
    if not allow_nan and maybe_not_finite(found.text, (leaf.dataString for leaf in _leaves(spec.transforms))):
        _check_finite(found)
    if not _has_box(spec):
        _check_derivable(found, spec, unknown)
    if spec.z is not None:
        return found.text, float(spec.z)
    if z is None:
        raise RecordError(f"{found}: tile {found.id!r} has no z; set a default with z=")
    return TileRecord.from_json(found.text).evolve(z=z).to_json(), float(z)


def _check_finite(found: FoundSpec) -> None:
    try:
        check_finite(found.text)
    except RecordError as error:
        raise RecordError(f"{found}: {error}") from error


def checked_transform(found: FoundSpec, *, allow_nan: bool = False) -> list[str]:
    """
    Check a shared transform; return the names of its classes that cannot be applied.

    Raises
    ------
    RecordError
        If it is malformed, or a parameter is not finite unless *allow_nan*.
    """
    spec = _read(found, Spec, "transform")
    unknown = _unknown_classes(spec, found, "transform")
    if not allow_nan and not all(
        from_spec({"className": leaf.className, "dataString": leaf.dataString}).is_finite for leaf in _leaves(spec)
    ):
        raise RecordError(f"{found}: transform {found.id!r} has parameters that are not finite, or pass allow_nan=True")
    return unknown


def references_of(found: FoundSpec) -> set[str]:
    """Return the ids of the shared transforms that a checked tile refers to."""
    if b'"ref' not in copy_of(found.text):
        return set()
    return {name or "null" for name in references(_read(found, TileSpec, "tile").transforms)}


def has_box(found: FoundSpec) -> bool:
    """Return whether a checked tile has a bounding box."""
    return _has_box(_read(found, TileSpec, "tile"))


def _has_box(spec: TileSpec) -> bool:
    return None not in (spec.minX, spec.minY, spec.maxX, spec.maxY)


def self_contained(transforms: Mapping[str, FoundSpec]) -> dict[str, bytes | Raw]:
    """
    Return shared transforms with the references between them resolved.

    The service does not follow references within a shared transform.

    Raises
    ------
    RecordError
        If a reference is missing or cyclic.
    """
    referring = {id: found for id, found in transforms.items() if b'"ref' in copy_of(found.text)}
    whole: dict[str, bytes | Raw] = {id: found.text for id, found in transforms.items()}
    if referring:
        values = {id: from_spec(decode(found.text)) for id, found in transforms.items()}
        for id, found in referring.items():
            try:
                whole[id] = to_text(values[id].resolve(values).evolve(id=id))
            except TransformError as error:
                raise RecordError(f"{found}: transform {id!r}: {error}") from error
    return whole


def _read(found: FoundSpec, kind: Any, what: str) -> Any:
    try:
        return decode_body(copy_of(found.text), kind)
    except RecordError as error:
        raise RecordError(f"{found}: {what} {found.id!r} cannot be read: {error}") from error


def _leaves(spec: Spec | None) -> Iterator[Leaf]:
    if isinstance(spec, Leaf):
        yield spec
    elif isinstance(spec, SpecList):
        for part in spec.specList:
            yield from _leaves(part)
    elif isinstance(spec, Interpolated):
        yield from _leaves(spec.a)
        yield from _leaves(spec.b)


def _unknown_classes(spec: Spec, found: FoundSpec, what: str) -> list[str]:
    try:
        return [str(leaf.className) for leaf in _leaves(spec) if not _can_be_applied(leaf.className, leaf.dataString)]
    except TransformError as error:
        raise RecordError(f"{found}: {what} {found.id!r} has a malformed transform: {error}") from error


def _can_be_applied(class_name: str | None, data: str | None) -> bool:
    """Return whether a service like the embedded one could apply a leaf."""
    # The class of nearly all transforms need not be built to see that six numbers are parameters of it.
    is_plain = class_name == AffineModel2D.JAVA_NAME and data is not None and _SIX_NUMBERS.fullmatch(data) is not None
    if is_plain and CLASSES.get(AffineModel2D.JAVA_NAME) is AffineModel2D:
        return True
    return _is_applicable(class_name, data, CLASSES.changes)


@functools.lru_cache(maxsize=1024)
def _is_applicable(class_name: str | None, data: str | None, changes: int) -> bool:
    """Return the same, after *changes* of the classes."""
    transform = from_spec({"className": class_name, "dataString": data})
    return isinstance(transform, LeafTransform) and not transform.READS_FILES


def _check_derivable(found: FoundSpec, spec: TileSpec, unknown: list[str]) -> None:
    if spec.width is None or spec.height is None:
        raise RecordError(
            f"{found}: tile {found.id!r} has no box (minX, minY, maxX, maxY) and no width and height to derive it"
        )
    if unknown:
        raise no_box(found, unknown[0])


def no_box(found: FoundSpec, class_name: str) -> RecordError:
    """Return the error for a tile whose bounding box is missing and cannot be derived."""
    return RecordError(
        f"{found}: tile {found.id!r} has no box (minX, minY, maxX, maxY), and it cannot be derived because a transform "
        f"has an unknown class: got {class_name}; add the box, or put() the tile into a service that knows the class"
    )
