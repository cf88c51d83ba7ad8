"""The last transform of each tile: affine matrices read and replaced for many tiles at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import (
    Raw,
    Text,
    copy_of,
    cut_list,
    cut_object,
    encode,
    join_list,
    join_object,
)
from rendergateway.model.records.number_arrays import flat_numbers
from rendergateway.model.records.tiles import BOX_SIDES, TileRecord
from rendergateway.model.records.view import view
from rendergateway.transforms import AffineModel2D, RigidModel2D, SimilarityModel2D, TranslationModel2D
from rendergateway.transforms.classes.affine import LinearModel

__all__ = [
    "AFFINE_CLASS",
    "LeafView",
    "TransformsView",
    "affine_words",
    "last_leaf",
    "read_affines",
    "trailing_affines",
    "with_last_affines",
]

AFFINE_CLASS = AffineModel2D.JAVA_NAME
_LINEAR: dict[str, type[LinearModel]] = {
    kind.JAVA_NAME: kind for kind in (AffineModel2D, TranslationModel2D, RigidModel2D, SimilarityModel2D)
}
# In the JSON: m00 m10 m01 m11 tx ty.
_COUNT = 6
_DATA_STRING = b'"dataString"'
_BLANKS = bytes.maketrans(b",", b" ")
_SIDES = [TileRecord.FIELDS[side].wire_name.encode() for side in BOX_SIDES]
_FIRST_SIDE = b'"%b"' % _SIDES[0]
# A box after the name of its first side, with another member after it: values are neither texts nor objects.
_BOX = re.compile(rb'[^,{"]*,' + b"".join(rb'\s*"%b"[^,{"]*,' % side for side in _SIDES[1:]) + rb"\s*")
# Tiles per step: their lists do not trigger the garbage collector, their texts stay in the processor's cache.
_AT_ONCE = 128


class LeafView(msgspec.Struct, gc=False, rename="camel"):
    """Partial view of a transform; without a class if it is not a leaf."""

    type: str | None = "leaf"
    class_name: str | None = None
    data_string: str | None = None


class TransformsView(msgspec.Struct, gc=False):
    """Partial view of a tile's transforms."""

    type: str | None = None
    items: list[LeafView] = msgspec.field(name="specList", default_factory=list)


_NO_LEAF = LeafView(None)


def last_leaf(transforms: TransformsView | None) -> LeafView:
    """Return the last of a tile's transforms; a leaf without a class if the tile has none."""
    return transforms.items[-1] if transforms is not None and transforms.items else _NO_LEAF


def trailing_affines(transforms: TransformsView | None) -> list[LeafView]:
    """Return the trailing leaves of affine classes, in their order."""
    if transforms is None or transforms.type != "list":
        return []
    items, start = transforms.items, len(transforms.items)
    while start and _is_affine(items[start - 1]):
        start -= 1
    return items[start:]


def _is_affine(leaf: LeafView) -> bool:
    return leaf.type == "leaf" and leaf.class_name in _LINEAR and bool(leaf.data_string)


def read_affines(leaves: Sequence[LeafView]) -> tuple[FloatArray, list[tuple[int, str]]]:
    """
    Return the matrices of transforms.

    Returns
    -------
    affines : ndarray, shape (N, 2, 3)
        NaN for transforms that are not leaves, or of a class that is not affine.
    problems : list of (int, str)
        Row and message of each affine leaf whose ``dataString`` is malformed.
    """
    affines = np.full((len(leaves), 2, 3), np.nan)
    slow = set(range(len(leaves)))
    plain = [row for row, leaf in enumerate(leaves) if _is_plain(leaf)]
    numbers = _joined_numbers([leaves[row].data_string or "" for row in plain])
    if numbers is not None:
        affines[plain] = numbers.reshape(-1, 3, 2).transpose(0, 2, 1)
        slow.difference_update(plain)
    return affines, [(row, problem) for row in sorted(slow) for problem in _read_slowly(leaves[row], affines[row])]


def _read_slowly(leaf: LeafView, affine: FloatArray) -> Iterator[str]:
    """Read one matrix in place; yield the error if its text is malformed."""
    if leaf.class_name in _LINEAR:
        try:
            affine[:] = _matrix(leaf)
        except TransformError as error:
            yield str(error)


def _is_plain(leaf: LeafView) -> bool:
    return (
        leaf.class_name == AFFINE_CLASS and leaf.data_string is not None and leaf.data_string.count(" ") == _COUNT - 1
    )


def _joined_numbers(texts: Sequence[str]) -> FloatArray | None:
    """Read the numbers of all texts at once; None if one contains numbers that are not valid JSON."""
    try:
        numbers = flat_numbers(f"[{','.join(texts).replace(' ', ',')}]")
    except RecordError:
        return None
    return numbers if numbers.size == _COUNT * len(texts) else None


def _matrix(leaf: LeafView) -> FloatArray:
    if leaf.data_string is None:
        raise TransformError(f"dataString of {leaf.class_name} is missing")
    transform = _LINEAR[leaf.class_name or ""].from_data_string(leaf.data_string)
    assert isinstance(transform, LinearModel)
    return transform.matrix


def affine_words(affines: FloatArray) -> list[bytes]:
    """
    Return each matrix (N, 2, 3) as the words of a ``dataString``, in the shortest form that reads back identically.

    Numbers must be finite.
    """
    numbers = affines.transpose(0, 2, 1).reshape(-1, _COUNT)
    words: list[bytes] = []
    for start in range(0, len(numbers), _AT_ONCE):
        rows = encode(numbers[start : start + _AT_ONCE].tolist())
        words += rows[2:-2].translate(_BLANKS).split(b"] [")
    return words


# Replacing numbers in texts


class _RawLeaf(msgspec.Struct, gc=False, rename="camel"):
    class_name: str | None = None
    data_string: Raw = Raw(b"")


class _RawTransforms(msgspec.Struct, gc=False):
    items: list[_RawLeaf] = msgspec.field(name="specList", default_factory=list)


_WithRawTransforms = view(TileRecord, transforms=_RawTransforms, min_x=(Raw, Raw()))
_NO_RAW_LEAF = _RawLeaf()
_decode_raw = msgspec.json.Decoder(_WithRawTransforms).decode
_decode_many: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[_WithRawTransforms]).decode  # type: ignore[valid-type]


def with_last_affines(
    texts: Sequence[Text], words: Sequence[bytes | None], tile_ids: Sequence[str], *, keep_boxes: bool
) -> bytes:
    """
    Return a JSON array of tiles with the numbers of their last transforms, affine leaves, replaced in the text.

    Parameters
    ----------
    texts : sequence of JSON text
        The tiles.
    words : sequence of bytes or None
        The new numbers in the form of `affine_words`; None leaves a tile whose last transform is not affine unchanged.
    tile_ids : sequence of str
        Ids for error messages.
    keep_boxes : bool
        Whether changed tiles keep their bounding boxes.

    Raises
    ------
    RecordError
        If a tile has numbers but its last transform is not an affine leaf, or the reverse.
    """
    parts = (slice(start, start + _AT_ONCE) for start in range(0, len(texts), _AT_ONCE))
    return b"[%b]" % b",".join(
        _spliced(texts[part], words[part], keep_boxes)
        or _one_by_one(texts[part], words[part], tile_ids[part], keep_boxes)
        for part in parts
    )


def _spliced(texts: Sequence[Text], words: Sequence[bytes | None], keep_boxes: bool) -> bytes | None:
    """
    Return the changed texts, joined; None if they must be processed one by one.

    Without a backslash anywhere, each ``"dataString"`` is a whole JSON string. If their number equals the number of
    leaves that have this member, each of them is the name of that member. The same holds for the first side of a box.
    """
    whole = join_list(texts)
    try:
        tiles = _decode_many(whole)
    except msgspec.DecodeError:
        return None
    pieces = whole[1:-1].split(_DATA_STRING)
    if b"\\" in whole or len(tiles) != len(texts):
        return None
    place = 0
    for tile, new in zip(tiles, words, strict=True):
        leaf = _NO_RAW_LEAF
        for leaf in tile.transforms.items:
            place += bool(leaf.data_string)
        if (new is None) is (leaf.class_name == AFFINE_CLASS):
            return None
        if new is not None:
            changed = _with_value(pieces[place], new) if leaf.data_string and place < len(pieces) else None
            if changed is None:
                return None
            pieces[place] = changed
    if place != len(pieces) - 1:
        return None
    changed = _DATA_STRING.join(pieces)
    is_stale = [new is not None for tile, new in zip(tiles, words, strict=True) if tile.min_x]
    return changed if keep_boxes else _without_boxes(changed, is_stale)


def _without_boxes(whole: bytes, is_stale: list[bool]) -> bytes | None:
    """Remove the stale ones of the boxes in *whole*; None if they are not written as the service does."""
    first, *pieces = whole.split(_FIRST_SIDE)
    boxes = [_BOX.match(piece) if stale else None for piece, stale in zip(pieces, is_stale, strict=False)]
    if len(boxes) != len(pieces) or [box is not None for box in boxes] != is_stale:
        return None
    kept = (
        _FIRST_SIDE + piece if box is None else piece[box.end() :] for piece, box in zip(pieces, boxes, strict=True)
    )
    return first + b"".join(kept)


def _with_value(piece: bytes, new: bytes) -> bytes | None:
    """Replace the string that follows a member name; None if the value is not a string."""
    parts = piece.split(b'"', 2)
    return b'%b"%b"%b' % (parts[0], new, parts[2]) if len(parts) == 3 and parts[0].strip() == b":" else None


def _one_by_one(
    texts: Sequence[Text], words: Sequence[bytes | None], tile_ids: Sequence[str], keep_boxes: bool
) -> bytes:
    changed: list[Text] = []
    for text, new, tile_id in zip(texts, words, tile_ids, strict=True):
        if new is None and _last_class(text) == AFFINE_CLASS:
            raise RecordError(f"last_affine of tile {tile_id!r} is nan; expected finite numbers")
        try:
            new_text = text if new is None else _with_last_affine(text, new)
            changed.append(new_text if new is None or keep_boxes else _without_box(new_text))
        except RecordError as error:
            raise RecordError(f"last_affine of tile {tile_id!r}: {error}") from error
    return join_list(changed)[1:-1]


def _without_box(text: Text) -> Text:
    members = cut_object(text)
    if members.keys().isdisjoint(map(bytes.decode, _SIDES)):
        return text
    return join_object({name: member for name, member in members.items() if name.encode() not in _SIDES})


def _last_class(text: Text) -> str | None:
    """Return the Java class of the last transform; None if it is missing or not a leaf."""
    try:
        items = _decode_raw(text).transforms.items
    except msgspec.DecodeError:
        return None
    return items[-1].class_name if items else None


def _with_last_affine(text: Text, words: bytes) -> bytes:
    old = _last_data_string(text)
    # A quoted string without , and : cannot span two other strings: a single occurrence is the value that was decoded.
    if old and b"," not in old and b":" not in old:
        before, *after = copy_of(text).split(old)
        if len(after) == 1:
            return b'%b"%b"%b' % (before, words, after[0])
    return _rewritten(text, words)


def _rewritten(text: Text, words: bytes) -> bytes:
    members: dict[str, Any] = dict(cut_object(text))
    transforms: dict[str, Any] = dict(cut_object(members["transforms"]))
    items: list[Any] = list(cut_list(transforms["specList"]))
    items[-1] = join_object({**cut_object(items[-1]), "dataString": b'"%b"' % words})
    transforms["specList"] = join_list(items)
    return join_object({**members, "transforms": join_object(transforms)})


def _last_data_string(text: Text) -> bytes:
    try:
        items = _decode_raw(text).transforms.items
    except msgspec.DecodeError as error:
        raise RecordError(f"transforms are not a list: {error}") from error
    if not items or items[-1].class_name != AFFINE_CLASS:
        found = f"a {items[-1].class_name or 'reference or list'}" if items else "missing"
        raise RecordError(f"the last transform is {found}; expected {AFFINE_CLASS}, whose numbers can be replaced")
    return bytes(items[-1].data_string)
