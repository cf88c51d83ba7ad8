"""Edits of a tile's text: transforms, group and bounding box; all other text is preserved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.json_slices import (
    Raw,
    Text,
    copy_of,
    cut_list,
    cut_object,
    decode,
    encode,
    join_list,
    join_object,
)
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import BOX_SIDES, BOX_SOURCES, TileRecord
from rendergateway.model.tables.last_transforms import AFFINE_CLASS, affine_words
from rendergateway.transforms import Transform, from_spec

__all__ = [
    "WAYS",
    "affine_texts",
    "changed_transforms",
    "reference_text",
    "with_group",
    "without_last_transforms",
    "without_stale_box",
]

_EMPTY = b'{"type":"list","specList":[]}'
_Items = list[Raw | bytes]


def _replace_last(items: _Items, new: bytes) -> _Items:
    return [*items[:-1], new]


# Names and semantics of the Java clients' methods. concatenate_last is separate: it needs the old transform's numbers.
_ORDERS: Mapping[str, Callable[[_Items, bytes], _Items]] = {
    "append": lambda items, new: [*items, new],
    "prepend": lambda items, new: [new, *items],
    "insert_before_last": lambda items, new: [*items[:-1], new, *items[-1:]],
    "replace_last": _replace_last,
    "replace_all": lambda items, new: [new],
}
WAYS = (*_ORDERS, "concatenate_last")


def changed_transforms(text: Text, how: str, new: bytes, shared: Mapping[str, Transform]) -> bytes:
    """
    Return a tile's text with its transforms changed.

    Parameters
    ----------
    text : JSON text
        The tile.
    how : str
        A value of `WAYS`; ``concatenate_last`` replaces the last transform with one affine, the last transform
        followed by the new one.
    new : JSON text
        The transform.
    shared : mapping of str to Transform
        Shared transforms by id, used by ``concatenate_last`` to resolve a reference.

    Raises
    ------
    RecordError
        If the tile has no transform to concatenate to, or one of the two is not affine.
    """
    members: dict[str, Text] = dict(cut_object(text))
    transforms: dict[str, Text] = dict(cut_object(members.get("transforms", _EMPTY)))
    items: _Items = list(cut_list(transforms.get("specList", b"[]")))
    if how == "concatenate_last":
        items = _replace_last(items, _concatenated(members, items, new, shared))
    else:
        items = _ORDERS[how](items, new)
    members["transforms"] = join_object({**transforms, "specList": join_list(items)})
    return join_object(members)


def without_last_transforms(text: Text, count: int) -> bytes:
    """Return a tile's text without its last *count* transforms; without any if it has fewer."""
    members: dict[str, Text] = dict(cut_object(text))
    transforms: dict[str, Text] = dict(cut_object(members.get("transforms", _EMPTY)))
    items = cut_list(transforms.get("specList", b"[]"))
    members["transforms"] = join_object({**transforms, "specList": join_list(items[: max(0, len(items) - count)])})
    return join_object(members)


def _concatenated(members: Mapping[str, Text], items: _Items, new: bytes, shared: Mapping[str, Transform]) -> bytes:
    tile_id: object = decode(members.get("tileId", b'""'))
    if not items:
        raise RecordError(f"tile {tile_id!r} has no transform to concatenate to")
    try:
        last = from_spec(decode(items[-1])).resolve(shared).as_affine()
        return to_text(from_spec(decode(new)).as_affine() @ last)
    except TransformError as error:
        raise RecordError(f"cannot concatenate to the last transform of tile {tile_id!r}: {error}") from error


def reference_text(transform_id: str) -> bytes:
    """Return a reference to a shared transform as JSON text."""
    return encode({"type": "ref", "refId": transform_id})


def affine_texts(matrices: npt.ArrayLike, tile_ids: Sequence[str]) -> dict[str, bytes]:
    """
    Return matrices as affine transforms in JSON text, by tile id.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        One per tile.
    tile_ids : sequence of str
        Unique ids.

    Raises
    ------
    RecordError
        If shapes differ, an id is a duplicate or a number is not finite.
    """
    affines = np.asarray(matrices, dtype=np.float64)
    if affines.shape != (len(tile_ids), 2, 3):
        raise RecordError(f"the matrices have shape {affines.shape}; expected ({len(tile_ids)}, 2, 3), one per tile id")
    bad = np.flatnonzero(~np.isfinite(affines).all(axis=(1, 2)))
    if bad.size:
        raise RecordError(f"the matrix of tile {tile_ids[int(bad[0])]!r} contains numbers that are not finite")
    head = b'{"type":"leaf","className":"%b","dataString":"' % AFFINE_CLASS.encode()
    texts = {str(tile_id): head + words + b'"}' for tile_id, words in zip(tile_ids, affine_words(affines), strict=True)}
    if len(texts) != len(tile_ids):
        duplicate = next(tile_id for row, tile_id in enumerate(tile_ids) if tile_id in tile_ids[:row])
        raise RecordError(f"duplicate tile id {duplicate!r}; expected one transform per tile")
    return texts


def with_group(text: Text, group_id: str | None) -> bytes:
    """Return a tile's text with another group id, or without one."""
    members: dict[str, Text] = dict(cut_object(text))
    members.pop("groupId", None)
    return join_object(members if group_id is None else {**members, "groupId": encode(group_id)})


def without_stale_box(old: Text, new: Text) -> Text:
    """
    Return a changed tile's text, without its bounding box if size or transforms changed but the box did not.

    Parameters
    ----------
    old, new : JSON text
        The tile before and after.
    """
    before, after = cut_object(old), cut_object(new)
    if all(_same(before, after, name) for name in map(_wire_name, BOX_SOURCES)):
        return new
    sides = tuple(map(_wire_name, BOX_SIDES))
    if not all(_same(before, after, name) for name in sides):
        return new
    return join_object({name: text for name, text in after.items() if name not in sides})


def _wire_name(field: str) -> str:
    return TileRecord.FIELDS[field].wire_name


def _same(before: Mapping[str, Raw], after: Mapping[str, Raw], name: str) -> bool:
    old, new = before.get(name), after.get(name)
    return (old is None) == (new is None) and (old is None or copy_of(old) == copy_of(new or b""))
