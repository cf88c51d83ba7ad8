"""What a write must know of each tile: id, whether it has box and size, which transforms it names. One pass a tile."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, copy_of

__all__ = ["TileOutline", "outline_of", "references_of_transform"]

_NONE: frozenset[str] = frozenset()
_SHOWN = 80


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    """A transform, as far as its references go."""

    type: str | None = None
    ref_id: str | None = None
    spec_list: list[_Spec | None] | None = None
    a: _Spec | None = None
    b: _Spec | None = None


class _Tile(msgspec.Struct, gc=False):
    """A tile, as far as a write looks at it; numbers that are not finite stand as text."""

    tile_id: str = msgspec.field(name="tileId")
    z: float | str | None = None
    min_x: float | str | None = msgspec.field(name="minX", default=None)
    min_y: float | str | None = msgspec.field(name="minY", default=None)
    max_x: float | str | None = msgspec.field(name="maxX", default=None)
    max_y: float | str | None = msgspec.field(name="maxY", default=None)
    width: float | str | None = None
    height: float | str | None = None
    transforms: _Spec | None = None


_decode_tile = msgspec.json.Decoder(_Tile).decode
_decode_spec = msgspec.json.Decoder(_Spec).decode


class TileOutline(NamedTuple):
    """
    What a write must know of a tile.

    Attributes
    ----------
    tile_id : str
        Not empty.
    has_box : bool
        Whether all four sides are there.
    missing_size : str
        What it lacks of width and height; without them no box can be derived.
    references : frozenset of str
        Ids of the shared transforms that it names, however deep.
    """

    tile_id: str
    has_box: bool
    missing_size: str
    references: frozenset[str]


def outline_of(text: Text) -> TileOutline:
    """
    Read the outline of a tile's text.

    Raises
    ------
    RecordError
        If the text is no tile spec, or has no id or no z.
    """
    try:
        tile = _decode_tile(text)
    except (msgspec.DecodeError, RecursionError) as error:
        shown = copy_of(text)[:_SHOWN].decode("utf-8", "replace")
        raise RecordError(f"expected a tile spec, with tileId, not {shown}: {error}") from error
    if not tile.tile_id:
        raise RecordError("a tile without an id cannot be saved; expected a tile_id that names it")
    if tile.z is None:
        raise RecordError(f"tile {tile.tile_id!r} has no z: it would be in no section; evolve(z=…) says where it lies")
    has_box = not (tile.min_x is None or tile.min_y is None or tile.max_x is None or tile.max_y is None)
    return TileOutline(tile.tile_id, has_box, _missing_size(tile), _names(tile.transforms))


def _missing_size(tile: _Tile) -> str:
    if tile.width is not None and tile.height is not None:
        return ""
    return " and ".join(name for name in ("width", "height") if getattr(tile, name) is None)


def references_of_transform(text: Text) -> frozenset[str]:
    """
    Return the ids that the text of a transform refers to, however deep.

    Raises
    ------
    RecordError
        If the text is no transform.
    """
    try:
        return _names(_decode_spec(text))
    except msgspec.DecodeError as error:
        raise RecordError(f"expected a transform: {error}") from error


def _names(spec: _Spec | None) -> frozenset[str]:
    ahead, found = [spec], None
    while ahead:
        part = ahead.pop()
        if part is None:
            continue
        if part.spec_list:
            ahead += part.spec_list
        elif part.type == "ref" and part.ref_id is not None:
            found = {part.ref_id} if found is None else found | {part.ref_id}
        elif part.a is not None or part.b is not None:
            ahead += (part.a, part.b)
    return frozenset(found) if found is not None else _NONE
