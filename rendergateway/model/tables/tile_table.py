"""Table of tiles: numpy columns over their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.column_texts import (
    WRITABLE,
    ColumnValue,
    changed_text,
    checked_ids,
    new_text,
    numbers_of,
)
from rendergateway.model.tables.table import Column, Table
from rendergateway.model.tables.tile_columns import COLUMN_NAMES, JOINED, read_columns
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from rendergateway.model.records.json_slices import Text
    from rendergateway.model.records.validation import Problem

__all__ = ["TileTable"]

_SHOWN = 3
# Decoded columns that a change of another column invalidates.
_READ_FROM = {field: name for name, fields in JOINED.items() for field in fields}


@resolvable_hints
class TileTable(Table[TileRecord]):
    """
    Tiles as numpy columns, decoded lazily from the texts of their specifications.

    A table is a value: selection and changes return a new one. An index returns the record of a row; a slice, a mask
    or an array of indices returns a table.

    Parameters
    ----------
    texts : iterable of JSON text
        One per tile, preserved: members without a column are encoded again unchanged.
    shared : callable, optional
        Returns the text of a shared transform that the tiles refer to, by id. A table of listed tiles knows those of
        its stack, also when it is selected from or changed, so that it can be put into any stack.

    Examples
    --------
    >>> tiles = TileTable.from_columns(tile_id=["a", "b"], z=1.0, width=100, height=50, translation=[[0, 0], [90, 0]])
    >>> tiles.last_affine[:, :, 2].tolist()
    [[0.0, 0.0], [90.0, 0.0]]
    >>> tiles[tiles.tile_id == "b"].evolve(z=7)[0].z
    7.0
    """

    RECORD = TileRecord
    ROW = "tile"

    def __init__(self, texts: Iterable[Text], *, shared: Callable[[str], bytes] | None = None) -> None:
        super().__init__(texts)
        self.shared = shared

    # Construction

    @classmethod
    def from_columns(
        cls,
        *,
        tile_id: Iterable[str],
        translation: npt.ArrayLike | None = None,
        shared: Sequence[str] = (),
        **columns: ColumnValue,
    ) -> TileTable:
        """
        Build tiles from columns; members without a column are omitted.

        Parameters
        ----------
        tile_id : iterable of str
            Unique ids, one per tile.
        translation : array_like, shape (N, 2) or (2,), optional
            World pixels of local (0, 0): shorthand for *last_affine*.
        shared : sequence of str
            Ids of shared transforms that every tile refers to before its own transform.
        **columns : array_like, sequence, callable or single value
            Fields of `TileRecord`, `Layout` and, for the image at full size, `MipmapLevel`: *z*, *width*,
            *section_id*, *image_row*, *image_url*, …; *box* (N, 4), *size* (N, 2), *stage* (N, 2) and *last_affine*
            (N, 2, 3). A single value applies to all tiles; a callable receives each tile id; None omits the member.

        Raises
        ------
        RecordError
            If a tile id is missing or a duplicate, a column has the wrong length, or a value has the wrong type or is
            not finite; the message names column and tile.
        TypeError
            If a name is not a column, or both *translation* and *last_affine* are given.
        """
        if translation is not None:
            if columns.get("last_affine") is not None:
                raise TypeError("translation and last_affine are mutually exclusive; pass one of them")
            columns["last_affine"] = _shifts(translation, len(tile_id := list(tile_id)))
        return cls._new(tile_id, columns, shared)

    @classmethod
    def from_pandas(cls, frame: pandas.DataFrame) -> TileTable:
        """
        Build new tiles from a data frame with the columns of `to_pandas` or `from_columns`; missing values are omitted.

        To change existing tiles, use `with_columns`: it keeps what the frame does not have, such as all transforms but
        the last.

        Parameters
        ----------
        frame : data frame
            Of pandas, or of a library with the same access to columns, such as polars.

        Raises
        ------
        RecordError, TypeError
            As `from_columns`; also if the frame is one of existing tiles, with the column *last_class*.
        """
        from rendergateway.model.tables.frames import new_columns

        columns = new_columns(frame)
        return cls._new(columns.pop("tile_id", ()), columns, missing=True)

    @classmethod
    def _new(
        cls, tile_id: Iterable[str], columns: dict[str, Any], shared: Sequence[str] = (), *, missing: bool = False
    ) -> TileTable:
        ids = checked_ids(tile_id)
        _refuse_unknown(columns)
        return cls.from_json(new_text(ids, columns, shared, missing=missing))

    # Columns

    def _column(self, name: str) -> Column:
        return self.columns(name)[name]

    def _read(self, names: Iterable[str]) -> dict[str, Column]:
        return read_columns(self._whole, self._texts, names)

    def columns(self, *names: str) -> dict[str, Column]:
        """
        Return several columns, decoded in one pass over the texts.

        Parameters
        ----------
        *names : str
            Names of the column properties.

        Raises
        ------
        TypeError
            If a name is not a column.
        """
        unknown = [name for name in names if name not in COLUMN_NAMES]
        if unknown:
            raise TypeError(f"a TileTable has no column {', '.join(unknown)}; it has {', '.join(COLUMN_NAMES)}")
        missing = [name for name in names if name not in self._columns]
        if missing:
            self._columns.update(self._read(missing))
        return {name: self._columns[name] for name in names}

    @property
    def tile_id(self) -> Column:
        """Tile ids: (N,), strings."""
        return self._column("tile_id")

    @property
    def z(self) -> FloatArray:
        """Section positions: (N,); NaN if missing."""
        return self._column("z")

    @property
    def box(self) -> FloatArray:
        """Bounding boxes, min x, min y, max x, max y in world pixels, as stored: (N, 4); NaN if missing."""
        return self._column("box")

    @property
    def size(self) -> FloatArray:
        """Width and height in local pixels: (N, 2); NaN if missing."""
        return self._column("size")

    @property
    def section_id(self) -> Column:
        """Section ids of the layouts: (N,), strings; None if missing."""
        return self._column("section_id")

    @property
    def scope_id(self) -> Column:
        """Microscopes: (N,), strings or None."""
        return self._column("scope_id")

    @property
    def camera_id(self) -> Column:
        """Cameras: (N,), strings or None."""
        return self._column("camera_id")

    @property
    def stage(self) -> FloatArray:
        """Stage x and y, in the microscope's unit: (N, 2); NaN if missing."""
        return self._column("stage")

    @property
    def image_row(self) -> FloatArray:
        """Rows of the mosaic: (N,); NaN if missing."""
        return self._column("image_row")

    @property
    def image_col(self) -> FloatArray:
        """Columns of the mosaic: (N,); NaN if missing."""
        return self._column("image_col")

    @property
    def image_url(self) -> Column:
        """URLs of the full-size images: (N,), strings; None if missing."""
        return self._column("image_url")

    @property
    def mask_url(self) -> Column:
        """URLs of the full-size masks: (N,), strings or None."""
        return self._column("mask_url")

    @property
    def last_affine(self) -> FloatArray:
        """
        Matrices of the last transforms: (N, 2, 3).

        NaN if the last transform is a reference, a list, or of a class that is not affine; see `last_class`.
        """
        return self._column("last_affine")

    @property
    def last_class(self) -> Column:
        """Java class names of the last transforms: (N,), strings; None if missing or not a leaf."""
        return self._column("last_class")

    # Changes and conversion

    def _first_rows(self, count: int) -> dict[str, list[Any]]:
        part = self[:count]
        columns = part.columns("tile_id", "z", "section_id", "size", "box")
        flat = {name: columns.pop(name) for name in ("tile_id", "z", "section_id")}
        for name, column in columns.items():
            flat.update(zip(JOINED[name], column.T, strict=True))
        return {name: column.tolist() for name, column in flat.items()}

    def evolve(self, **columns: ColumnValue) -> TileTable:
        """
        Return a table with some columns changed; all other text is preserved.

        Bounding boxes are derived from transforms and sizes: if one of *last_affine*, *width*, *height*, *size* and
        *mesh_cell_size* is given and no side of the box, the boxes of the tiles that change are removed. ``edit.put``
        derives missing boxes.

        Parameters
        ----------
        **columns : array_like, sequence, callable or single value
            As in `from_columns`; None, for all tiles or in a row, removes the member. *last_affine* replaces the
            numbers of last transforms that are affine; rows of NaN leave transforms that are not affine unchanged.

        Raises
        ------
        RecordError
            If a value is invalid, as in `from_columns`, or a last transform to be changed is not affine.
        TypeError
            If a name is not a column.
        """
        _refuse_unknown(columns)
        if "tile_id" in columns:
            columns["tile_id"] = checked_ids(columns["tile_id"])  # type: ignore[arg-type]
        changed = self._alike(TileTable.from_json(changed_text(self.texts, _LazyIds(self), columns)))
        old = {_READ_FROM.get(name, name) for name in columns}
        # A change of another column may remove the box.
        old |= {"box"}
        changed._columns.update({name: column for name, column in self._columns.items() if name not in old})
        return changed

    def with_columns(self, frame: Any) -> TileTable:
        """
        Return a table with the values that differ in a data frame changed; all other text is preserved.

        The frame is typically that of `to_pandas` after a change. A changed transform or size removes the bounding box
        of its tile, unless the box is changed too. ``edit.put`` derives missing boxes.

        Parameters
        ----------
        frame : data frame or mapping of str to column
            Of pandas, polars or numpy arrays, with a column or index *tile_id*: any of the tiles, in any order. Columns
            are those of `to_pandas` and of `evolve`. Missing values (None, NaN, NA) are unchanged; `evolve` removes
            members.

        Raises
        ------
        RecordError
            If a tile id is missing, a duplicate or not in this table, columns differ in length, or a value is invalid,
            as in `evolve`.
        TypeError
            If a column is unknown.

        Examples
        --------
        >>> tiles = TileTable.from_columns(tile_id=["a", "b"], z=[1, 2], section_id=["1.0", None])
        >>> tiles.with_columns({"tile_id": ["b"], "z": [7]}).z.tolist()
        [1.0, 7.0]
        """
        from rendergateway.model.tables.frames import changes_of

        texts = list(self.texts)
        for rows, columns in changes_of(self, frame):
            for row, text in zip(rows, self[rows].evolve(**columns).texts, strict=True):
                texts[row] = text
        return self._alike(TileTable(texts))

    def to_pandas(self) -> pandas.DataFrame:
        """
        Return a data frame of all columns, with one row per tile; needs pandas.

        Columns of several numbers are split (``min_x``, ``stage_x``, ``last_m00``, …). `with_columns` applies changes
        of the frame to the tiles.
        """
        from rendergateway.model.tables.pandas import frame_of

        return frame_of(self.columns(*COLUMN_NAMES))

    def validate(self) -> list[Problem]:
        """Return the problems of the tiles, including duplicate ids; see `Problem`."""
        from rendergateway.model.records.validation import check_all

        return check_all(self, id_fields=("tile_id",))


def _refuse_unknown(columns: Iterable[str]) -> None:
    unknown = [name for name in columns if name not in WRITABLE]
    if unknown:
        raise TypeError(f"a TileTable has no column {', '.join(unknown)} to write; it has {', '.join(WRITABLE)}")


def _shifts(translation: npt.ArrayLike, count: int) -> FloatArray:
    shifts = numbers_of("translation", translation)
    if shifts.shape not in ((2,), (count, 2)):
        raise RecordError(f"column translation has shape {shifts.shape}; expected ({count}, 2), or (2,) for all tiles")
    affines = np.tile(np.eye(2, 3), (count, 1, 1))
    affines[:, :, 2] = shifts
    return affines


class _LazyIds(Sequence[str]):
    """The tile ids of a table, decoded only if an error message needs one."""

    def __init__(self, table: TileTable) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> Any:
        return self._table.tile_id[row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.tile_id)
