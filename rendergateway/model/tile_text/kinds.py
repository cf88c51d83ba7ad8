"""Tiles grouped by everything but the numbers of their trailing affines: most stacks have few such kinds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import accumulate, chain
from typing import Any

import attrs
import msgspec
import numpy as np

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model.records.json_slices import Raw, Text, copy_of
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.view import view
from rendergateway.model.tables.last_transforms import LeafView, TransformsView, read_affines, trailing_affines

__all__ = ["TileKinds"]


_SIZE = (float | None, None)
_Row = view(TileRecord, width=_SIZE, height=_SIZE, mesh_cell_size=_SIZE, transforms=(Raw, Raw(b"null")))
_decode_row = msgspec.json.Decoder(_Row).decode
_decode_transforms = msgspec.json.Decoder(TransformsView | None).decode


@attrs.frozen(eq=False)
class TileKinds:
    """
    Kinds of tiles: tiles of a kind differ only in the numbers of their trailing affines.

    Attributes
    ----------
    number : ndarray, shape (N,)
        Index of the kind of each tile.
    keys : list
        Key per kind: tiles with equal keys are of one kind.
    examples : list of int
        Row of one tile per kind.
    counts : list of int
        Number of trailing affines per kind, whose numbers differ between its tiles.
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
        Group tile specs by kind.

        A text that strict decoding refuses is a kind of its own.
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
        Return the product of the last affines of each tile.

        Parameters
        ----------
        rows : ndarray, shape (N,)
            Tiles of one kind.
        count : int
            Number of trailing affines; at most those of the kind.
        before : ndarray, shape (2, 3)
            An affine applied before them.

        Returns
        -------
        ndarray, shape (N, 2, 3)
        """
        placed = np.broadcast_to(before, (len(rows), 2, 3))
        for place in range(-count, 0):
            placed = _products(self._affines[self._ends[rows] + place], placed)
        # -0.0 becomes 0.0, as in AffineModel2D.
        return placed + 0.0


def _products(after: FloatArray, before: FloatArray) -> FloatArray:
    """Return each of *before* followed by *after* (N, 2, 3), rounded at each step like `matrix_product`."""
    product: FloatArray = after[:, :, :1] * before[:, :1] + after[:, :, 1:2] * before[:, 1:]
    product[:, :, 2] += after[:, :, 2]
    return product


def _read(text: Text) -> tuple[Any, list[LeafView]]:
    """Return the view of a tile and its trailing affines; no view if strict decoding refuses the text."""
    try:
        row = _decode_row(text)
        return row, trailing_affines(_decode_transforms(row.transforms))
    except msgspec.DecodeError:
        return None, []


def _key(row: Any, leaves: Sequence[LeafView]) -> Hashable:
    """
    Return size and transforms of a tile without the numbers of *leaves*, its last transforms.

    The last occurrence of the numbers in the text is removed. If the same words occur once more after them, those are
    removed and the numbers remain in the key: the tile becomes a kind of its own, which costs time only.
    """
    before, cut = bytes(row.transforms), list[bytes]()
    for leaf in reversed(leaves):
        head, numbers, after = before.rpartition((leaf.data_string or "").encode())
        if not numbers:
            # Written with escapes: they remain in the key.
            break
        before = head
        cut.append(after)
    return before, *cut, row.width, row.height, row.mesh_cell_size
