"""Tables of stage positions: CSV and TSV files, with columns that are named or guessed."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from rendergateway.errors import RecordError

__all__ = ["NANOMETRES", "PositionRow", "PositionTable", "read_positions"]

NANOMETRES = {"nm": 1.0, "um": 1e3, "mm": 1e6}
# Fields, and the headers that mean them: lower case, without units, blanks and signs.
_HEADERS = {
    "image": "image imagefile imagename imagepath imagefilename file filename filepath path name tif tiff",
    "tile": "tileid id tile tilename",
    "x": "x xpos posx xposition positionx xcoord xcoordinate stagex xstage stageposx stagepositionx left",
    "y": "y ypos posy yposition positiony ycoord ycoordinate stagey ystage stageposy stagepositiony top",
    "row": "row imagerow gridrow tilerow rownumber rowindex",
    "col": "col column imagecol imagecolumn gridcol gridcolumn tilecol tilecolumn colnumber colindex",
    "z": "z section layer slice sectionid sectionnumber zindex zlayer",
    "camera": "camera cameraid cam",
}
_FIELD_OF = {header: field for field, headers in _HEADERS.items() for header in headers.split()}
_UNITS = {
    "px": "px", "pixel": "px", "pixels": "px", "nm": "nm", "nanometer": "nm", "nanometers": "nm", "nanometre": "nm",
    "nanometres": "nm", "um": "um", "µm": "um", "μm": "um", "micron": "um", "microns": "um", "micrometer": "um",
    "micrometers": "um", "micrometre": "um", "micrometres": "um", "mm": "mm",
}  # fmt: skip
_WITH_UNIT = re.compile(
    r"(.+?)(?:[\s_.\-]+|\s*[(\[]\s*)(" + "|".join(map(re.escape, _UNITS)) + r")\s*[)\]]?", re.IGNORECASE
)
_SIGNS = re.compile(r"[^a-z]")
_DELIMITERS = "\t;,"


@attrs.frozen
class PositionRow:
    """One line of a table: its number, and the texts of its fields."""

    number: int
    values: Mapping[str, str]


@attrs.frozen
class PositionTable:
    """
    The lines of a table of positions.

    Attributes
    ----------
    name : str
        Name of the file.
    rows : list of PositionRow
    columns : dict of str to str
        Field, such as x or image → the header of its column.
    unit : str or None
        Unit of x and y in their headers: px, nm, um or mm.
    """

    name: str
    rows: list[PositionRow] = attrs.field(repr=False)
    columns: Mapping[str, str]
    unit: str | None = None

    def where(self, row: PositionRow) -> str:
        """Return the place of a row, for messages."""
        return f"{self.name}, line {row.number}"


def read_positions(path: str | os.PathLike[str], columns: Mapping[str, str] | None = None) -> PositionTable:
    """
    Read a table of positions, whose first line has the names of the columns.

    Parameters
    ----------
    path : str or Path
        Text in UTF-8, separated by commas, semicolons or tabs. Lines that begin with ``#`` are skipped.
    columns : mapping of str to str, optional
        Field → header: fields are image, tile, x, y, row, col, z and camera. Default: guessed from the headers.

    Raises
    ------
    RecordError
        If a column is missing or ambiguous, a line has the wrong number of values, or the file is not text.
    OSError
        If the file cannot be read.
    """
    name = os.fspath(path)
    lines = _lines(path)
    if not lines:
        raise RecordError(f"{name} is empty; expected a line of column names and a line per image")
    delimiter = max(_DELIMITERS, key=lines[0][1].count)
    headers = [header.strip() for header in next(csv.reader([lines[0][1]], delimiter=delimiter))]
    chosen, unit = _columns(name, headers, columns or {})
    places = {field: headers.index(header) for field, header in chosen.items()}
    rows = []
    for number, line in lines[1:]:
        values = next(csv.reader([line], delimiter=delimiter))
        if len(values) != len(headers):
            raise RecordError(f"{name}, line {number}: expected {len(headers)} values, got {len(values)}")
        rows.append(PositionRow(number, {field: values[place].strip() for field, place in places.items()}))
    if not rows:
        raise RecordError(f"{name} has no lines below its column names; expected a line per image")
    return PositionTable(name, rows, chosen, unit)


def _lines(path: str | os.PathLike[str]) -> list[tuple[int, str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(f"{os.fspath(path)} is not text in UTF-8: got byte {error.object[error.start]:#x} at "
                          f"{error.start}; save it as UTF-8") from error  # fmt: skip
    numbered = enumerate(text.splitlines(), 1)
    return [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]


def _columns(name: str, headers: list[str], given: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
    """Return the header of each field, and the unit of x and y."""
    unknown = [field for field in given if field not in _HEADERS]
    if unknown:
        raise RecordError(f"unknown field in columns: got {unknown[0]!r}; use {', '.join(_HEADERS)}")
    missing = [header for header in given.values() if header not in headers]
    if missing:
        raise RecordError(f"{name} has no column {missing[0]!r}; it has {', '.join(headers)}")
    chosen, units = dict(given), dict[str, str]()
    for header in headers:
        plain, unit = _split_unit(header)
        field = _FIELD_OF.get(_SIGNS.sub("", plain.lower()))
        if field is None or field in given:
            continue
        if field in chosen:
            raise RecordError(
                f"{name} has two columns for {field}: got {chosen[field]!r} and {header!r}; pass "
                f"columns={{{field!r}: {header!r}}}"
            )
        chosen[field] = header
    for field in ("x", "y"):
        unit = _split_unit(chosen[field])[1] if field in chosen else None
        if unit is not None:
            units[field] = unit
    if len(set(units.values())) > 1:
        raise RecordError(f"{name} has x in {units['x']} and y in {units['y']}; use one unit")
    _check_complete(name, headers, chosen)
    return chosen, next(iter(units.values()), None)


def _check_complete(name: str, headers: list[str], chosen: Mapping[str, str]) -> None:
    shown = ", ".join(map(repr, headers))
    if "image" not in chosen:
        raise RecordError(f"{name} has no column of image files: got {shown}; pass columns={{'image': …}}")
    for one, other in (("x", "y"), ("y", "x"), ("row", "col"), ("col", "row")):
        if one in chosen and other not in chosen:
            raise RecordError(
                f"{name} has a column {one}, but none for {other}: got {shown}; pass columns={{{other!r}: …}}"
            )


def _split_unit(header: str) -> tuple[str, str | None]:
    """
    Return a header without its unit, and the unit.

    Examples
    --------
    >>> _split_unit("Stage X (µm)"), _split_unit("x_nm"), _split_unit("column")
    (('Stage X', 'um'), ('x', 'nm'), ('column', None))
    """
    found = _WITH_UNIT.fullmatch(header.strip())
    return (header, None) if found is None else (found[1], _UNITS[found[2].lower()])
