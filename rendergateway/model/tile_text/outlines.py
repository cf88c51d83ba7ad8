"""Outlines of tiles for uploads: id, presence of bounding box and size, references. One pass per tile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, copy_of, decode, shown
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.validation import OF_NUMBERS, problems_of
from rendergateway.model.records.view import filled, view
from rendergateway.model.tables.references import SpecView, parameters_of_spec, references_of_spec

__all__ = ["TileOutline", "check_finite", "maybe_not_finite", "outline_of"]

# Parameters other than plain decimals: words, packed blocks and huge exponents.
_MAYBE_NOT_FINITE = re.compile(r"[A-DF-Za-df-z@]|[eE]\+?[3-9]\d\d", re.ASCII)


# Numbers that are not finite are strings in the JSON.
_NUMBERS = dict.fromkeys(("z", "min_x", "min_y", "max_x", "max_y", "width", "height"), (float | str | None, None))
_Tile = view(TileRecord, tile_id=str, **_NUMBERS, transforms=(SpecView | None, None))
_decode_tile = msgspec.json.Decoder(_Tile).decode


class TileOutline(NamedTuple):
    """
    The properties of a tile that an upload needs.

    Attributes
    ----------
    tile_id : str
        Non-empty id.
    has_box : bool
        Whether all four sides are present.
    missing_size : str
        Missing ones of width and height, which are needed to derive a bounding box.
    references : frozenset of str
        Ids of the shared transforms it refers to, at any depth.
    maybe_not_finite : bool
        Whether numbers of the tile or parameters of its own transforms may not be finite.
    """

    tile_id: str
    has_box: bool
    missing_size: str
    references: frozenset[str]
    maybe_not_finite: bool


def outline_of(text: Text) -> TileOutline:
    """
    Decode the outline of a tile's text.

    Raises
    ------
    RecordError
        If the text is not a tile spec, or has no id or no z.
    """
    try:
        tile = _read(text)
    except (RecordError, RecursionError) as error:
        raise RecordError(f"expected a tile spec, with tileId, not {shown(text)}: {error}") from error
    if not tile.tile_id:
        raise RecordError("tile_id is empty; a tile needs an id to be saved")
    if tile.z is None:
        raise RecordError(f"tile {tile.tile_id!r} has no z; set its section with evolve(z=…)")
    has_box = not (tile.min_x is None or tile.min_y is None or tile.max_x is None or tile.max_y is None)
    maybe = maybe_not_finite(text, parameters_of_spec(tile.transforms))
    return TileOutline(tile.tile_id, has_box, _missing_size(tile), references_of_spec(tile.transforms), maybe)


def maybe_not_finite(text: Text, parameters: Iterable[str | None]) -> bool:
    """Return whether a tile needs `check_finite`: its text, and the parameters of its own transforms."""
    content = copy_of(text)
    if b'NaN"' in content or b'Infinity"' in content:
        return True
    return _MAYBE_NOT_FINITE.search(" ".join(filter(None, parameters))) is not None


def check_finite(text: Text) -> None:
    """
    Check that all numbers of a tile, and the parameters of its own transforms, are finite.

    Raises
    ------
    RecordError
        If one is not, or a transform is malformed; the message names the tile and the member.
    """
    record = TileRecord.from_json(text)
    problem = next((problem for problem in problems_of(record) if problem.expected.startswith(OF_NUMBERS)), None)
    if problem is not None:
        what = f"{problem.path.removeprefix('$.')} of tile {record.tile_id!r}"
        raise RecordError(f"{what} is {problem.value}; expected {problem.expected}, or pass allow_nan=True")


def _missing_size(tile: Any) -> str:
    if tile.width is not None and tile.height is not None:
        return ""
    return " and ".join(name for name in ("width", "height") if getattr(tile, name) is None)


def _read(text: Text) -> Any:
    try:
        return _decode_tile(text)
    except msgspec.DecodeError:
        tile = TileRecord.from_json(text)
        return filled(
            _Tile, tile, {"transforms": lambda: decode(tile.members.get("transforms", b"null"), SpecView | None)}
        )
