"""Which tiles of a stack are copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.display import call_text
from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.wrappers.core.arguments import as_box, check_kind, kind_of
from rendergateway.wrappers.reading.z_values import unless_missing

__all__ = ["Cells", "TileSelection", "ids_of_layer"]

Mask = npt.NDArray[np.bool_]


def _cells(value: Iterable[Sequence[int]]) -> frozenset[tuple[int, int]]:
    cells = [tuple(cell) for cell in value]
    if not all(len(cell) == 2 for cell in cells):
        raise TypeError(f"cells must be (row, column) pairs: got {value!r}")
    return frozenset((int(row), int(column)) for row, column in cells)


@attrs.frozen
class Cells:
    """
    Cells of the mosaic, in some layers.

    Parameters
    ----------
    cells : iterable of (int, int)
        Row and column of the layouts.
    min_z, max_z : float, optional
        First and last layer. Default: all.
    """

    cells: frozenset[tuple[int, int]] = attrs.field(converter=_cells)
    min_z: float | None = None
    max_z: float | None = None

    def __repr__(self) -> str:
        return call_text("Cells", attrs.asdict(self, recurse=False))

    def rows(self, tiles: TileTable, z: float) -> Mask:
        """Return which tiles of layer *z* are in these cells."""
        if (self.min_z is not None and z < self.min_z) or (self.max_z is not None and z > self.max_z):
            return np.zeros(len(tiles), dtype=bool)
        places = zip(tiles.image_row.tolist(), tiles.image_col.tolist(), strict=True)
        return np.array([place in self.cells for place in places], dtype=bool)


def _ids(value: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(value, str):
        raise TypeError(f"tile ids must be an iterable of str: got {value!r}; pass one id in a list")
    return None if value is None else frozenset(value)


def _some_ids(value: Iterable[str]) -> frozenset[str]:
    return _ids(value) or frozenset()


def _ranges(value: Cells | Iterable[Cells]) -> tuple[Cells, ...]:
    return (value,) if isinstance(value, Cells) else tuple(value)


def _stacks(value: Any) -> tuple[Any, ...]:
    given = (value,) if kind_of(value) == "stack" else tuple(value)
    return tuple(check_kind(stack, "stack", "stack") for stack in given)


@attrs.frozen(kw_only=True)
class TileSelection:
    """
    Which tiles of a stack are copied: those that meet all criteria.

    Parameters
    ----------
    box : Bounds or (float, float, float, float), optional
        World pixels; tiles whose bounding boxes touch it.
    ids : iterable of str, optional
        Tiles with these ids.
    without : iterable of str
        Tiles with other ids.
    without_cells : Cells or iterable of Cells
        Tiles in other cells of the mosaic.
    only_in : StackWrapper or iterable of these
        Per layer: tiles that are also in the first of these stacks that has any in it; all, if none has.
    not_in : StackWrapper or iterable of these
        Per layer: tiles that are in none of these stacks.

    Examples
    --------
    >>> from rendergateway import TileTable
    >>> tiles = TileTable.from_columns(tile_id=["a", "b"], z=1, box=[[0, 0, 9, 9], [9, 0, 18, 9]])
    >>> TileSelection(box=(10, 0, 20, 10)).of(tiles, z=1).tile_id.tolist()
    ['b']
    """

    box: Bounds | None = attrs.field(default=None, converter=as_box)
    ids: frozenset[str] | None = attrs.field(default=None, converter=_ids)
    without: frozenset[str] = attrs.field(default=frozenset(), converter=_some_ids)
    without_cells: tuple[Cells, ...] = attrs.field(default=(), converter=_ranges)
    only_in: tuple[Any, ...] = attrs.field(default=(), converter=_stacks)
    not_in: tuple[Any, ...] = attrs.field(default=(), converter=_stacks)

    def __repr__(self) -> str:
        return call_text("TileSelection", attrs.asdict(self, recurse=False))

    def of(self, tiles: TileTable, z: float) -> TileTable:
        """
        Return the selected ones of some tiles of layer *z*.

        Notes
        -----
        One ``section.tile_bounds`` per stack of *only_in* and *not_in*.
        """
        rows = np.ones(len(tiles), dtype=bool)
        if self.box is not None:
            low, high = tiles.box[:, :2], tiles.box[:, 2:]
            rows &= (low <= [self.box.max_x, self.box.max_y]).all(axis=1)
            rows &= (high >= [self.box.min_x, self.box.min_y]).all(axis=1)
        if self.ids is not None:
            rows &= _are_in(tiles, self.ids)
        if self.without:
            rows &= ~_are_in(tiles, self.without)
        for cells in self.without_cells:
            rows &= ~cells.rows(tiles, z)
        wanted = next((ids for stack in self.only_in if (ids := ids_of_layer(stack._bound, z))), None)
        if wanted is not None:
            rows &= _are_in(tiles, wanted)
        for stack in self.not_in:
            rows &= ~_are_in(tiles, ids_of_layer(stack._bound, z))
        return tiles if rows.all() else tiles[rows]


def _are_in(tiles: TileTable, ids: frozenset[str]) -> Mask:
    return np.fromiter(map(ids.__contains__, tiles.tile_id), dtype=bool, count=len(tiles))


def ids_of_layer(stack: Any, z: float) -> frozenset[str]:
    """
    Return the ids of the tiles of a layer.

    Raises
    ------
    NotFoundError
        If the stack does not exist.

    Notes
    -----
    One request, ``section.tile_bounds``.
    """

    def read() -> Text:
        text: Text = stack.fetch("section.tile_bounds", z=z)
        return text

    return frozenset(TileTable(cut_list(unless_missing(stack, read, b"[]"))).tile_id.tolist())
