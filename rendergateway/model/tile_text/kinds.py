"""Tiles told apart by what stands before the affines that place them: most tiles of a stack are of a few kinds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import accumulate, chain

import attrs
import msgspec
import numpy as np

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model.records.json_slices import Raw, Text, copy_of
from rendergateway.model.tables.last_transforms import Leaf, Transforms, read_affines, trailing_affines

__all__ = ["TileKinds"]


class _Row(msgspec.Struct, gc=False):
    width: float | None = None
    height: float | None = None
    cell_size: float | None = msgspec.field(name="meshCellSize", default=None)
    transforms: Raw = Raw(b"null")


_decode_row = msgspec.json.Decoder(_Row).decode
_decode_transforms = msgspec.json.Decoder(Transforms | None).decode


@attrs.frozen(eq=False)
class TileKinds:
    """
    Tiles that differ in nothing but the numbers of the affines at their ends, as kinds.

    Attributes
    ----------
    number : ndarray, shape (N,)
        The kind of each tile.
    keys : list
        What all tiles of each kind have in common: equal keys, equal kinds.
    examples : list of int
        Row of one tile of each kind.
    counts : list of int
        How many affines at the end have numbers of their own in each tile of a kind.
    """

    number: IntArray
    keys: list[Hashable]
    examples: list[int]
    counts: list[int]
    _affines: FloatArray
    _ends: IntArray

    @classmethod
    def of(cls, texts: Sequence[Text]) -> TileKinds:
        """
        Tell tiles apart, given the texts of their specs.

        A text that has to be looked at more closely is a kind of its own.
        """
        rows = [_read(text) for text in texts]
        leaves = [leaves for _, leaves in rows]
        ends = np.fromiter(accumulate(map(len, leaves)), np.int64, len(leaves))
        affines, problems = read_affines(list(chain.from_iterable(leaves)))
        for place, _ in problems:
            leaves[int(np.searchsorted(ends, place, side="right"))] = []
        found: dict[Hashable, int] = {}
        examples: list[int] = []
        number = np.empty(len(rows), dtype=np.int64)
        for place, ((row, _), own) in enumerate(zip(rows, leaves, strict=True)):
            key = copy_of(texts[place]) if row is None else _key(row, own)
            number[place] = found.setdefault(key, len(found))
            if len(found) > len(examples):
                examples.append(place)
        return cls(number, list(found), examples, [len(leaves[place]) for place in examples], affines, ends)

    def placed(self, rows: IntArray, count: int, before: FloatArray) -> FloatArray:
        """
        Return the last affines of tiles as one each.

        Parameters
        ----------
        rows : ndarray, shape (N,)
            Tiles of one kind.
        count : int
            How many of the affines at the end; not more than the kind has.
        before : ndarray, shape (2, 3)
            An affine that comes before them.

        Returns
        -------
        ndarray, shape (N, 2, 3)
        """
        placed = np.broadcast_to(before, (len(rows), 2, 3))
        for place in range(-count, 0):
            placed = _products(self._affines[self._ends[rows] + place], placed)
        # As in an affine of its own: no number is -0.0.
        return placed + 0.0


def _products(after: FloatArray, before: FloatArray) -> FloatArray:
    """Return each of *before* followed by *after* (N, 2, 3), rounded at each step like `matrix_product`."""
    product: FloatArray = after[:, :, :1] * before[:, :1] + after[:, :, 1:2] * before[:, 1:]
    product[:, :, 2] += after[:, :, 2]
    return product


def _read(text: Text) -> tuple[_Row | None, list[Leaf]]:
    """Return what matters of a tile, and the affines at its end; no row where a strict reading refuses the text."""
    try:
        row = _decode_row(text)
        return row, trailing_affines(_decode_transforms(row.transforms))
    except msgspec.DecodeError:
        return None, []


def _key(row: _Row, leaves: Sequence[Leaf]) -> Hashable:
    """
    Return all that is said of the tile's place but the numbers of *leaves*, the last transforms.

    They are cut out where they stand last. Should the same words stand once more behind them, those are cut out, and
    the numbers stay in the key: the tile is a kind of its own, which costs time and nothing else.
    """
    before, cut = bytes(row.transforms), list[bytes]()
    for leaf in reversed(leaves):
        head, numbers, after = before.rpartition((leaf.data_string or "").encode())
        if not numbers:
            # Written with escapes: they stay in the key.
            break
        before = head
        cut.append(after)
    return before, *cut, row.width, row.height, row.cell_size
