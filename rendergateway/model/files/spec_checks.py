"""Tile specs and shared transforms looked at before any of them is sent: a service would notice half-way."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.files.specs import FoundSpec
from rendergateway.model.records.json_slices import Raw, copy_of, decode
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.transforms import UnknownTransform, from_spec
from rendergateway.wire import Interpolated, Leaf, Spec, SpecList, TileSpec, decode_body, references

__all__ = ["checked_tile", "checked_transform", "has_box", "no_box", "references_of", "self_contained"]


def checked_tile(found: FoundSpec, z: float | None = None) -> tuple[bytes | Raw, float]:
    """
    Return the text of a tile that a service can store, and its z.

    Parameters
    ----------
    found : FoundSpec
        The tile.
    z : float, optional
        For a tile without z.

    Raises
    ------
    RecordError
        If a member is not of its type, a transform is broken, there is no z, or neither a box nor a size and
        transforms to derive it from.
    """
    spec = _read(found, TileSpec, "tile")
    if spec.transforms is None:
        raise RecordError(f"{found}: the transforms of tile {found.id!r} are null; expected an object with specList")
    leaves_known = [_is_known(leaf, found, "tile") for leaf in _leaves(spec.transforms)]
    if not _has_box(spec):
        _check_derivable(found, spec, all(leaves_known))
    if spec.z is not None:
        return found.text, float(spec.z)
    if z is None:
        raise RecordError(f"{found}: tile {found.id!r} has no z; z= (--z) gives one to all tiles without")
    return TileRecord.from_json(found.text).evolve(z=z).to_json(), float(z)


def checked_transform(found: FoundSpec) -> bool:
    """
    Check a shared transform; return whether all classes in it are known here.

    Raises
    ------
    RecordError
        If it is broken.
    """
    leaves_known = [_is_known(leaf, found, "transform") for leaf in _leaves(_read(found, Spec, "transform"))]
    return all(leaves_known)


def references_of(found: FoundSpec) -> set[str]:
    """Return the ids of the shared transforms that a checked tile refers to."""
    if b'"ref' not in copy_of(found.text):
        return set()
    return {name or "null" for name in references(_read(found, TileSpec, "tile").transforms)}


def has_box(found: FoundSpec) -> bool:
    """Tell whether a checked tile brings its box."""
    return _has_box(_read(found, TileSpec, "tile"))


def _has_box(spec: TileSpec) -> bool:
    return None not in (spec.minX, spec.minY, spec.maxX, spec.maxY)


def self_contained(transforms: Mapping[str, FoundSpec]) -> dict[str, bytes | Raw]:
    """
    Return shared transforms of which none refers to another: what one refers to is written into it.

    A service follows no reference within a shared transform.

    Raises
    ------
    RecordError
        If one refers to what is not there, or to itself.
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


def _is_known(leaf: Leaf, found: FoundSpec, what: str) -> bool:
    try:
        return _can_be_applied(leaf.className, leaf.dataString)
    except TransformError as error:
        raise RecordError(f"{found}: {what} {found.id!r} has a broken transform: {error}") from error


@functools.lru_cache(maxsize=1024)
def _can_be_applied(class_name: str | None, data: str | None) -> bool:
    return not isinstance(from_spec({"className": class_name, "dataString": data}), UnknownTransform)


def _check_derivable(found: FoundSpec, spec: TileSpec, is_known: bool) -> None:
    if spec.width is None or spec.height is None:
        raise RecordError(
            f"{found}: tile {found.id!r} has neither a box (minX, minY, maxX, maxY) nor the width and height to "
            "derive it from"
        )
    if not is_known:
        raise no_box(found)


def no_box(found: FoundSpec) -> RecordError:
    """Return the error for a tile without a box, of which none can be derived."""
    return RecordError(
        f"{found}: tile {found.id!r} has no box (minX, minY, maxX, maxY), and a transform of a class that is not known "
        "here, so that none can be derived"
    )
