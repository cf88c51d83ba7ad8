"""What can be put into a stack: tiles as tables, records, wrappers, collections and streams of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rendergateway.errors import RecordError
from rendergateway.model import ResolvedTiles, TileRecord
from rendergateway.model.records.json_slices import Text, copy_of, cut_object, decode, encode, join_object
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import ResolvedTileRecord
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.collection import Collection

if TYPE_CHECKING:
    from typing import TypeGuard

    from rendergateway.model import TileTable
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["Lookup", "SourcedTile", "TileSource", "is_ids", "is_whole", "shared_text", "shared_texts", "texts_of"]

Lookup: TypeAlias = Callable[[str], bytes]
TileSource: TypeAlias = "ResolvedTiles | TileTable | Collection[TileWrapper] | Iterable[TileRecord | TileWrapper]"
# The text of a tile, and what knows the shared transforms that it names.
SourcedTile: TypeAlias = tuple[Text, Lookup | None]


def is_whole(tiles: TileSource) -> bool:
    """Tell whether *tiles* are all in memory, so that they can be looked at before the first is sent."""
    return isinstance(tiles, ResolvedTiles | Table | Sequence)


def is_ids(tiles: TileSource | Sequence[str]) -> TypeGuard[Sequence[str]]:
    """Tell whether *tiles* are named by their ids."""
    if isinstance(tiles, str):
        raise TypeError(f"tiles are a sequence of ids or of tiles, not the one text {tiles!r}")
    return isinstance(tiles, list | tuple) and bool(tiles) and all(isinstance(tile, str) for tile in tiles)


def texts_of(tiles: TileSource) -> Iterator[SourcedTile]:
    """
    Yield the text of each tile, with what knows its shared transforms.

    Raises
    ------
    TypeError
        If something in it is no tile.
    RecordError
        If a tile was read with its references replaced.
    """
    if isinstance(tiles, ResolvedTiles):
        return ((text, None) for text in tiles.tiles.values())
    if isinstance(tiles, Table):
        return ((text, None) for text in tiles.texts)
    if isinstance(tiles, Collection):
        return _of_collection(tiles)
    if not isinstance(tiles, Iterable):
        raise TypeError(
            f"tiles are a table, a collection, or an iterable of TileRecord or TileWrapper objects, not {tiles!r}; one "
            "alone stands in a list, those of a section are section.tiles()"
        )
    return map(_of_one, tiles)


def _of_collection(tiles: Collection[TileWrapper]) -> Iterator[SourcedTile]:
    if len(tiles):
        # Tiles of a collection are all of one stack.
        lookup = tiles[0].stack.shared_transforms.text
        yield from ((record.to_json(), lookup) for record in tiles.records())


def _of_one(tile: TileRecord | TileWrapper) -> SourcedTile:
    if isinstance(tile, ResolvedTileRecord):
        raise RecordError(
            f"tile {tile.tile_id!r} was read with its references replaced: saved like this it would lose the link to "
            "its shared transforms; put the tiles of section.tiles(), or TileRecord.from_json(tile.to_json())"
        )
    if isinstance(tile, TileRecord):
        return tile.to_json(), None
    if getattr(tile, "KIND", None) != "tile":
        raise TypeError(
            f"tiles are TileRecord or TileWrapper objects, not {tile!r}; TileTable.from_pandas makes tiles of a frame"
        )
    return tile._obj.to_json(), tile.stack.shared_transforms.text if tile._gateway is not None else None


def shared_text(shared_id: str, transform: Transform | Text) -> bytes:
    """
    Return a shared transform as JSON text in which its id stands: by that a service stores it.

    Raises
    ------
    RecordError
        If another id stands in it.
    """
    text = to_text(transform) if isinstance(transform, Transform) else copy_of(transform)
    members = cut_object(text)
    own = decode(members["id"]) if "id" in members else None
    if own not in (None, shared_id):
        raise RecordError(f"the shared transform given as {shared_id!r} has the id {own!r} itself; expected one id")
    return text if own is not None else join_object({"id": encode(shared_id), **members})


def shared_texts(transforms: Mapping[str, Transform | Text] | None) -> dict[str, Text]:
    """Return shared transforms as JSON texts by id."""
    return {name: shared_text(name, transform) for name, transform in (transforms or {}).items()}
