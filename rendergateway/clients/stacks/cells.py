"""Cells of the mosaic as options, and files of them."""

from __future__ import annotations

import os
from collections.abc import Mapping

import attrs

from rendergateway.errors import CommandError, RecordError
from rendergateway.model.files.gzipped import opened
from rendergateway.model.records.json_slices import Raw, cut_list, cut_object, decode
from rendergateway.wrappers.editing.tile_selection import Cells

__all__ = ["Cell", "read_cells"]


@attrs.frozen
class Cell:
    """A cell: ``row,column``."""

    row: int
    column: int

    @classmethod
    def of_text(cls, text: str) -> Cell:
        """
        Return the cell of a text.

        Raises
        ------
        CommandError
            If it is not ``row,column``.
        """
        try:
            row, column = map(int, text.split(","))
        except ValueError as error:
            message = f"invalid cell value: got {text!r}; cell identifier must be 'row,column' with integral values"
            raise CommandError(message) from error
        return cls(row, column)

    def __str__(self) -> str:
        return f"{self.row},{self.column}"


def read_cells(path: str | os.PathLike[str]) -> list[Cells]:
    """
    Return the cells of a file: ``[{"cellIds": ["0,1", …], "minZ": 1, "maxZ": 10}, …]``.

    Raises
    ------
    RecordError
        If the file is something else; the message names it.
    OSError
        If it cannot be read.
    """
    with opened(path) as file:
        text = file.read()
    try:
        return [_cells(cut_object(item)) for item in cut_list(text)]
    except (RecordError, CommandError) as error:
        raise RecordError(f"{os.fspath(path)} is not a JSON array of excluded cells: {error}") from error


def _cells(members: Mapping[str, Raw]) -> Cells:
    ids: list[str] = decode(members.get("cellIds", b"[]"), list[str])
    low: float | None = decode(members.get("minZ", b"null"), float | None)
    high: float | None = decode(members.get("maxZ", b"null"), float | None)
    return Cells([(cell.row, cell.column) for cell in map(Cell.of_text, ids)], low, high)
