"""Sources of tiles for an upload: tables, records, wrappers, collections and iterators of them."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_object, decode_text, encode, join_object
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import ResolvedTileRecord, TileRecord
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.arguments import kind_of
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.object import ObjectWrapper

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = [
    "Lookup",
    "SourcedTile",
    "TileSource",
    "is_ids",
    "is_whole",
    "listed",
    "shared_text",
    "shared_texts",
    "texts_of",
]

Lookup: TypeAlias = Callable[[str], bytes]
TileSource: TypeAlias = (
    ResolvedTiles | Table[TileRecord] | Iterable[TileRecord] | Iterable[ObjectWrapper[TileRecord]] | Iterable[Any]
)
# The text of a tile, and the look-up of the shared transforms that it refers to.
SourcedTile: TypeAlias = tuple[Text, Lookup | None]


def is_whole(tiles: TileSource) -> bool:
    """Return whether *tiles* are all in memory, so that they can be checked before the first is sent."""
    return isinstance(tiles, ResolvedTiles | Table | Sequence)


def is_ids(tiles: TileSource | Sequence[str]) -> TypeGuard[Sequence[str]]:
    """Return whether *tiles* are ids."""
    return isinstance(tiles, list) and bool(tiles) and all(isinstance(tile, str) for tile in tiles)


def listed(tiles: TileSource | Iterable[str]) -> TileSource | list[str]:
    """Return any other iterable of tiles or ids as a list; a table or collection as it is."""
    if isinstance(tiles, str):
        raise TypeError(f"tiles must be a sequence of ids or tiles, got the text {tiles!r}")
    if isinstance(tiles, ResolvedTiles | Table | Collection) or not isinstance(tiles, Iterable):
        return tiles
    return list[Any](tiles)


def texts_of(tiles: TileSource) -> Iterator[SourcedTile]:
    """
    Yield the text of each tile, with the look-up of its shared transforms.

    Raises
    ------
    TypeError
        If an item is not a tile.
    RecordError
        If a tile was read with resolved references.
    """
    if isinstance(tiles, ResolvedTiles):
        return ((text, None) for text in tiles.tiles.values())
    if isinstance(tiles, Table):
        return ((text, tiles.shared) for text in tiles.texts)
    if isinstance(tiles, Collection):
        return _of_collection(tiles)
    if not isinstance(tiles, Iterable):
        raise TypeError(
            f"tiles must be a table, a collection, or an iterable of TileRecord or TileWrapper, got {tiles!r}; pass a "
            "single tile in a list, and those of a section as section.tiles()"
        )
    return map(_of_one, tiles)


def _of_collection(tiles: Collection[Any]) -> Iterator[SourcedTile]:
    if len(tiles):
        # All tiles of a collection are in one stack.
        lookup = tiles[0]._stack._shared_transforms.text
        yield from ((record.to_json(), lookup) for record in tiles.records())


def _of_one(tile: Any) -> SourcedTile:
    if isinstance(tile, ResolvedTileRecord):
        raise RecordError(
            f"tile {tile.tile_id!r} was read with resolved references and would lose the link to its shared "
            "transforms; put the tiles of section.tiles(), or TileRecord.from_json(tile.to_json())"
        )
    if isinstance(tile, TileRecord):
        return tile.to_json(), None
    if kind_of(tile) != "tile":
        raise TypeError(
            f"tiles must be TileRecord or TileWrapper objects, got {reprlib.repr(tile)}; table.with_columns(frame) and "
            "TileTable.from_pandas take a frame, TileRecord.from_dict a dict, TileRecord.from_json text"
        )
    return tile._obj.to_json(), tile._stack._shared_transforms.text if tile._gateway is not None else None


def shared_text(shared_id: str, transform: Transform | Text) -> bytes:
    """
    Return a shared transform as JSON text that contains its id, which is the key in the service.

    Raises
    ------
    RecordError
        If the text contains another id.
    """
    if not isinstance(transform, Transform | bytes | str | Raw):
        raise TypeError(
            f"the shared transform {shared_id!r} must be a transform, like AffineModel2D(matrix), got {transform!r}"
        )
    text = to_text(transform) if isinstance(transform, Transform) else copy_of(transform)
    members = cut_object(text)
    own = decode_text(members["id"]) if copy_of(members.get("id", b"null")) != b"null" else None
    if own not in (None, shared_id):
        raise RecordError(f"the shared transform {shared_id!r} contains another id, {own!r}; use one of them")
    return text if own is not None else join_object({"id": encode(shared_id), **members})


def shared_texts(transforms: Mapping[str, Transform | Text] | None) -> dict[str, Text]:
    """Return shared transforms as JSON texts by id."""
    return {name: shared_text(name, transform) for name, transform in (transforms or {}).items()}
