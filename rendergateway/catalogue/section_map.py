"""Section maps: the outlines of all tiles of a section as arrays, in pieces that a browser requests when needed."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import Bounds, FloatArray, IntArray
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.field_values import field_values
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.wrappers.coordinates.tile_maps import TileMaps
from rendergateway.wrappers.core.labels import natural_order

__all__ = ["SectionMap"]

# Corners and middles of the sides, as fractions of width and height: a lens bends the sides.
_OUTLINE = np.array([[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]])
_TILES_PER_PIECE = 2000
_WORD = 4
_MODES = {
    "column": ("Column", "image_col"),
    "row": ("Row", "image_row"),
    "camera": ("Camera", "camera_id"),
    "scope": ("Microscope", "scope_id"),
    "section": ("Section id", "section_id"),
}
_NONE = "none"


@attrs.frozen(eq=False)
class Codes:
    """A property that colours a map: *names* of its values, and for each tile the place of its own."""

    title: str
    names: list[str]
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, title: str, values: Sequence[Any]) -> Codes:
        """Number the values in natural order; missing ones are last."""
        texts = [_NONE if value is None else _plain(value) for value in values]
        names = sorted(set(texts), key=lambda name: (name == _NONE, natural_order(name)))
        places = {name: place for place, name in enumerate(names)}
        return cls(title, names, np.array([places[name] for name in texts], dtype=np.int32))


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return _NONE if math.isnan(value) else f"{value:g}"
    return str(value)


@attrs.frozen(eq=False)
class SectionMap:
    """
    The tiles of a section for a map.

    Attributes
    ----------
    ids : list of str
        Tile ids, ordered.
    outlines : ndarray, shape (N, 8, 2)
        World pixels; NaN for tiles without a place.
    codes : dict of str to Codes
        Properties to colour by; those that all tiles share are left out.
    pieces : list of ndarray
        Rows of the tiles in each cell of a grid over the section, by rows of cells.
    grid : (int, int)
        Columns and rows of cells.
    bounds : Bounds or None
        Around all outlines.
    """

    ids: list[str]
    outlines: FloatArray
    codes: dict[str, Codes]
    pieces: list[IntArray]
    grid: tuple[int, int]
    bounds: Bounds | None

    @classmethod
    def of(cls, table: TileTable, shared: Any) -> SectionMap:
        """
        Return the map of tiles.

        Parameters
        ----------
        table : TileTable
        shared : mapping of str to Transform
            The shared transforms that the tiles refer to.
        """
        outlines = _outlines(table, shared)
        placed = np.asarray(np.isfinite(outlines).all(axis=(1, 2)))
        bounds = None
        if placed.any():
            low, high = outlines[placed].min(axis=(0, 1)), outlines[placed].max(axis=(0, 1))
            bounds = Bounds(*map(float, (*low, *high)))
        grid, pieces = _pieces(outlines, placed, bounds)
        return cls(table.tile_id.tolist(), outlines, _codes(table), pieces, grid, bounds)

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return self.outlines.nbytes + 100 * len(self.ids)

    @property
    def unplaced(self) -> int:
        """Number of tiles that the map cannot show, because they have no box or transforms that cannot be applied."""
        return len(self.ids) - sum(map(len, self.pieces))

    def centres(self, tile_ids: Sequence[str]) -> FloatArray:
        """Return the centres of tiles, shape (N, 2); NaN for unknown ones."""
        places = {tile_id: place for place, tile_id in enumerate(self.ids)}
        found = [places.get(tile_id, -1) for tile_id in tile_ids]
        centres = np.append(self.outlines.mean(axis=1), [[np.nan, np.nan]], axis=0)
        return np.asarray(centres[found], dtype=np.float64).reshape(-1, 2)

    def description(self) -> dict[str, Any]:
        """Return what a browser needs to request pieces."""
        box = self.bounds
        return {
            "tiles": len(self.ids),
            "unplaced": self.unplaced,
            "bounds": None if box is None else [box.min_x, box.min_y, box.max_x, box.max_y],
            "grid": list(self.grid),
            "pieces": [self._extent(rows) for rows in self.pieces],
            "modes": {name: {"title": one.title, "names": one.names} for name, one in self.codes.items()},
        }

    def _extent(self, rows: IntArray) -> list[float] | None:
        if not len(rows):
            return None
        found = self.outlines[rows]
        return [*found.min(axis=(0, 1)).tolist(), *found.max(axis=(0, 1)).tolist()]

    def piece(self, number: int) -> bytes:
        """
        Return the tiles of a cell: the length of a JSON text, the text, and outlines as 32-bit floats.

        Outlines are relative to the corner of `bounds`, so that 32 bits suffice far from the origin.
        """
        rows = self.pieces[number]
        head = json.dumps(
            {
                "ids": [self.ids[row] for row in rows.tolist()],
                "points": len(_OUTLINE),
                "codes": {name: one.codes[rows].tolist() for name, one in self.codes.items()},
            }
        ).encode()
        # The floats begin at a multiple of their size.
        head += b" " * (-len(head) % _WORD)
        corner = np.zeros(2) if self.bounds is None else np.array([self.bounds.min_x, self.bounds.min_y])
        floats = (self.outlines[rows] - corner).astype("<f4")
        return struct.pack("<I", len(head)) + head + floats.tobytes()


def _outlines(table: TileTable, shared: Any) -> FloatArray:
    """Return the outlines (N, 8, 2) of tiles by their transforms, or by their boxes if these cannot be applied."""
    count, corners = len(table), len(_OUTLINE)
    boxes = table.box
    sides = boxes[:, 2:] - boxes[:, :2]
    outlines = boxes[:, np.newaxis, :2] + _OUTLINE * sides[:, np.newaxis]
    if not count:
        return outlines
    local = (_OUTLINE * table.size[:, np.newaxis]).reshape(-1, 2)
    ids = [tile_id for tile_id in table.tile_id.tolist() for _ in range(corners)]
    # Transforms of infinite numbers have no outline.
    with np.errstate(invalid="ignore", over="ignore"):
        mapped = TileMaps(table, shared).world_from_local(ids, np.nan_to_num(local)).points.reshape(count, corners, 2)
    usable = np.isfinite(mapped).all(axis=(1, 2)) & np.isfinite(table.size).all(axis=1)
    outlines[usable] = mapped[usable]
    return outlines


def _codes(table: TileTable) -> dict[str, Codes]:
    columns = table.columns(*(name for _, name in _MODES.values()))
    found = {mode: Codes.of(title, columns[name].tolist()) for mode, (title, name) in _MODES.items()}
    found["group"] = Codes.of("Group", field_values(TileRecord, ("group_id",), table.texts))
    return {mode: one for mode, one in found.items() if len(one.names) > 1}


def _pieces(
    outlines: FloatArray, placed: npt.NDArray[np.bool_], bounds: Bounds | None
) -> tuple[tuple[int, int], list[IntArray]]:
    """Return columns and rows of a grid of about equally many tiles per cell, and the rows of tiles in each cell."""
    rows = np.flatnonzero(placed)
    if bounds is None:
        return (0, 0), []
    cells = max(1.0, len(rows) / _TILES_PER_PIECE)
    width, height = max(bounds.width, 1.0), max(bounds.height, 1.0)
    columns = max(1, min(math.ceil(cells), round(math.sqrt(cells * width / height))))
    lines = max(1, math.ceil(cells / columns))
    centres = outlines[rows].mean(axis=1) - [bounds.min_x, bounds.min_y]
    places = np.minimum((centres / [width, height] * [columns, lines]).astype(np.int64), [columns - 1, lines - 1])
    numbers = places[:, 1] * columns + places[:, 0]
    return (columns, lines), [rows[numbers == number] for number in range(columns * lines)]
