"""Tile uploads: decoding, validation, derivation of boxes and storage, in batches (contract, 7.2)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from rendergateway.errors import RecordError
from rendergateway.number_text import double_text
from rendergateway.service.base.refusals import BadBody, IllegalArgument, NullPointer, ServiceRefusal
from rendergateway.service.domain.boxes import derive_boxes
from rendergateway.service.store.tile_rows import TileRows
from rendergateway.service.store.tiles import Tiles
from rendergateway.wire import SentTiles, Spec, TileSpec, decode_stored, encode, references

__all__ = ["save_tiles", "tile_batches"]

# Limits of a batch: number of tiles, and bytes of their JSON.
_TILES, _BYTES = 500, 2**20
_Sent = TileSpec | None


def tile_batches(body: SentTiles) -> Iterator[list[TileSpec | None]]:
    """
    Yield the tiles of a request in batches: decoding all of them at once would take several times its size.

    Raises
    ------
    BadBody
        If the JSON of a tile is malformed.
    """
    batch: list[TileSpec | None] = []
    size = 0
    for sent in (body.tileIdToSpecMap or {}).values():
        if sent is None or isinstance(sent, TileSpec):
            batch.append(sent)
        else:
            try:
                batch.append(decode_stored(sent, _Sent))
            except RecordError as error:
                raise BadBody(str(error)) from error
            size += memoryview(sent).nbytes
        if len(batch) == _TILES or size >= _BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def save_tiles(tiles: Tiles, body: SentTiles, z: float | None, *, derive: bool) -> None:
    """
    Validate and store the tiles of a request, and its shared transforms by their own ids.

    Raises
    ------
    ServiceRefusal
        If one of them is invalid; the caller rolls the transaction back, so that nothing is stored.
    """
    if not body.tileIdToSpecMap:
        raise IllegalArgument(
            "collection does not have any tiles (maybe they were removed by a prior validation process)"
        )
    shared = {name: spec for name, spec in (body.transformIdToSpecMap or {}).items() if spec is not None}
    tiles.save_shared((spec.id, encode(spec)) for spec in shared.values())
    for rows in _ready(body, shared, z, derive):
        tiles.save(rows)


def _ready(body: SentTiles, shared: Mapping[str, Spec], z: float | None, derive: bool) -> Iterator[TileRows]:
    """Yield the validated tiles of a request as rows."""
    complete = frozenset(name for name, spec in shared.items() if not references(spec))
    resolve = functools.partial(_check_references, shared=shared, complete=complete)
    place = functools.partial(_check_places, z=z)
    derived = functools.partial(derive_boxes, shared=shared)
    # The real service takes each step for all tiles before the next step: a refusal of an earlier step counts more.
    steps: list[Callable[[list[TileSpec]], None]] = [resolve, derived, place] if derive else [place, resolve]
    refusal: ServiceRefusal | None = None
    for sent in tile_batches(body):
        batch = [tile for tile in sent if tile is not None and tile.transforms is not None]
        for number, step in enumerate(steps):
            try:
                step(batch)
            except ServiceRefusal as error:
                refusal, steps = error, steps[:number]
                break
        for tile in batch:
            tile.tidy()
        if len(batch) < len(sent):
            refusal, steps = refusal or NullPointer(), []
        if refusal is None:
            yield TileRows.of(batch)
    if refusal is not None:
        raise refusal


def _check_places(tiles: Iterable[TileSpec], z: float | None) -> None:
    """Refuse a tile with an incomplete box, or another z."""
    for tile in tiles:
        if tile.minX is None or tile.minY is None or tile.maxX is None or tile.maxY is None:
            raise IllegalArgument(
                f"tile with id '{_text(tile.tileId)}' is missing bounding box attributes "
                "(minX, minY, maxX, and/or maxY)"
            )
        if z is not None and tile.z != z:
            found = "null" if tile.z is None else double_text(float(tile.z))
            raise IllegalArgument(
                f"all tiles must have a z value of {double_text(z)} "
                f"but tile with id '{_text(tile.tileId)}' has a z value of {found}"
            )


def _check_references(tiles: Iterable[TileSpec], shared: Mapping[str, Spec], complete: frozenset[str]) -> None:
    """Refuse a tile with references to transforms that the request lacks, or that have references themselves."""
    for tile in tiles:
        names = references(tile.transforms)
        if complete.issuperset(names):
            continue
        missing: dict[str, None] = {}
        for name in names:
            spec = shared.get(name or "")
            unresolved = [name] if spec is None else references(spec)
            missing.update(dict.fromkeys(map(_text, unresolved)))
        if missing:
            raise IllegalArgument(
                f"tile {_text(tile.tileId)} requires the following transform ids [{', '.join(missing)}]"
            )


def _text(value: str | None) -> str:
    return "null" if value is None else value
