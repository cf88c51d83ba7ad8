"""The last transform of each tile, which places it in the world: matrices read and replaced for many tiles at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.number_arrays import flat_numbers
from rendergateway.model.slices import Raw, Text, copy_of, cut_list, cut_object, encode, join_list, join_object
from rendergateway.transforms import CLASSES, AffineModel2D
from rendergateway.transforms.affine import LinearModel

__all__ = [
    "AFFINE_CLASS",
    "Leaf",
    "Transforms",
    "affine_words",
    "last_class",
    "last_leaf",
    "read_affines",
    "with_last_affine",
]

AFFINE_CLASS = AffineModel2D.JAVA_NAME
_LINEAR = {name: kind for name, kind in CLASSES.items() if issubclass(kind, LinearModel)}
# On the wire m00 m10 m01 m11 tx ty.
_COUNT = 6
# Lists alive at one time: more would set the garbage collector off.
_AT_ONCE = 500


class Leaf(msgspec.Struct, gc=False, rename="camel"):
    """What a tile's last transform says of itself; without a class where it is no leaf."""

    type: str | None = "leaf"
    class_name: str | None = None
    data_string: str | None = None


class Transforms(msgspec.Struct, gc=False):
    """A tile's transforms, as far as the last one needs it."""

    items: list[Leaf] = msgspec.field(name="specList", default_factory=list)


_NO_LEAF = Leaf(None)


def last_leaf(transforms: Transforms | None) -> Leaf:
    """Return the last of a tile's transforms; one without a class where there is none."""
    return transforms.items[-1] if transforms is not None and transforms.items else _NO_LEAF


def read_affines(leaves: Sequence[Leaf]) -> tuple[FloatArray, list[tuple[int, str]]]:
    """
    Return the matrices of last transforms.

    Returns
    -------
    affines : ndarray, shape (N, 2, 3)
        NaN where the transform is no leaf, or of a class that is not affine.
    problems : list of (int, str)
        Row and sentence of each affine leaf whose text cannot be read.
    """
    affines = np.full((len(leaves), 2, 3), np.nan)
    slow = set(range(len(leaves)))
    plain = [row for row, leaf in enumerate(leaves) if _is_plain(leaf)]
    numbers = _joined_numbers([leaves[row].data_string or "" for row in plain])
    if numbers is not None:
        affines[plain] = numbers.reshape(-1, 3, 2).transpose(0, 2, 1)
        slow.difference_update(plain)
    return affines, [(row, problem) for row in sorted(slow) for problem in _read_slowly(leaves[row], affines[row])]


def _read_slowly(leaf: Leaf, affine: FloatArray) -> Iterator[str]:
    """Read one matrix in place; yield what is wrong with its text."""
    if leaf.class_name in _LINEAR:
        try:
            affine[:] = _matrix(leaf)
        except TransformError as error:
            yield str(error)


def _is_plain(leaf: Leaf) -> bool:
    return (
        leaf.class_name == AFFINE_CLASS and leaf.data_string is not None and leaf.data_string.count(" ") == _COUNT - 1
    )


def _joined_numbers(texts: Sequence[str]) -> FloatArray | None:
    """Read the numbers of all texts at once; None where one of them has other words than JSON has for numbers."""
    try:
        numbers = flat_numbers(f"[{','.join(texts).replace(' ', ',')}]")
    except RecordError:
        return None
    return numbers if numbers.size == _COUNT * len(texts) else None


def _matrix(leaf: Leaf) -> FloatArray:
    if leaf.data_string is None:
        raise TransformError(f"dataString of {leaf.class_name} is missing")
    transform = _LINEAR[leaf.class_name or ""].from_data_string(leaf.data_string)
    assert isinstance(transform, LinearModel)
    return transform.matrix


def affine_words(affines: FloatArray) -> list[bytes]:
    """
    Return each matrix (N, 2, 3) as the words of a ``dataString``, in the shortest form that reads back the same.

    Numbers must be finite.
    """
    numbers = affines.transpose(0, 2, 1).reshape(-1, _COUNT)
    words: list[bytes] = []
    for start in range(0, len(numbers), _AT_ONCE):
        rows = encode(numbers[start : start + _AT_ONCE].tolist())
        words += rows[2:-2].replace(b"],[", b"\n").replace(b",", b" ").split(b"\n")
    return words


def with_last_affine(text: Text, words: bytes) -> bytes:
    """
    Return a tile's text with the numbers of its last transform, an affine leaf, replaced.

    Raises
    ------
    RecordError
        If the last transform is no affine leaf.
    """
    old = _last_data_string(text)
    # A text between quotes without , and : is not found across two others; once found, it is the one that was read.
    if old and b"," not in old and b":" not in old:
        whole = copy_of(text)
        if whole.count(old) == 1:
            place = whole.rfind(old)
            return b'%b"%b"%b' % (whole[:place], words, whole[place + len(old) :])
    return _rewritten(text, words)


class _RawLeaf(msgspec.Struct, gc=False, rename="camel"):
    class_name: str | None = None
    data_string: Raw = Raw(b"")


class _RawTransforms(msgspec.Struct, gc=False):
    items: list[_RawLeaf] = msgspec.field(name="specList", default_factory=list)


class _WithRawTransforms(msgspec.Struct, gc=False):
    transforms: _RawTransforms


_decode_raw = msgspec.json.Decoder(_WithRawTransforms).decode


def last_class(text: Text) -> str | None:
    """Return the Java class of the last transform; None where there is none, or it is no leaf."""
    try:
        items = _decode_raw(text).transforms.items
    except msgspec.DecodeError:
        return None
    return items[-1].class_name if items else None


def _last_data_string(text: Text) -> bytes:
    try:
        items = _decode_raw(text).transforms.items
    except msgspec.DecodeError as error:
        raise RecordError(f"expected a list of transforms: {error}") from error
    if not items or items[-1].class_name != AFFINE_CLASS:
        what = f"a {items[-1].class_name or 'reference or list'}" if items else "missing"
        raise RecordError(f"its last transform is {what}; expected {AFFINE_CLASS}, whose numbers can be replaced")
    return bytes(items[-1].data_string)


def _rewritten(text: Text, words: bytes) -> bytes:
    members: dict[str, Any] = dict(cut_object(text))
    transforms: dict[str, Any] = dict(cut_object(members["transforms"]))
    items: list[Any] = list(cut_list(transforms["specList"]))
    items[-1] = join_object({**cut_object(items[-1]), "dataString": b'"%b"' % words})
    transforms["specList"] = join_list(items)
    return join_object({**members, "transforms": join_object(transforms)})
