"""Validation of resolved tiles: tiles, shared transforms and the references between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.json_slices import decode, shown
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.validation import Problem, problems_of
from rendergateway.model.tables.references import references, references_of_transform
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.transforms import Transform, from_spec

__all__ = ["problems_of_resolved"]

_TILES, _TRANSFORMS = "$.tileIdToSpecMap", "$.transformIdToSpecMap"


def problems_of_resolved(tiles: ResolvedTiles) -> Iterator[Problem]:
    """Yield the problems of each shared transform, then of each tile."""
    shared: dict[str, Transform] = {}
    for key, text in tiles.transforms.items():
        try:
            shared[key] = from_spec(decode(text, dict))
        except (RecordError, TransformError) as error:
            yield Problem(f'{_TRANSFORMS}["{key}"]', shown(text), f"a transform ({error})")
    for key, transform in shared.items():
        if transform.id is not None and transform.id != key:
            yield Problem(f'{_TRANSFORMS}["{key}"].id', repr(transform.id), f"{key!r}, its key in the map")
        yield from _unresolved(transform, f'{_TRANSFORMS}["{key}"]', shared)
    for key, text in tiles.tiles.items():
        yield from _problems_of_tile(TileRecord.from_json(text), key, shared)


def _problems_of_tile(tile: TileRecord, key: str, shared: Mapping[str, Transform]) -> Iterator[Problem]:
    place = f'{_TILES}["{key}"]'
    found = list(problems_of(tile, place))
    yield from found
    if any(problem.path in (place, f"{place}.tileId", f"{place}.transforms") for problem in found):
        return
    if tile.tile_id != key:
        yield Problem(f"{place}.tileId", repr(tile.tile_id), f"{key!r}, its key in the map")
    if references(tile.to_json()):
        yield from _unresolved(tile.transforms, f"{place}.transforms", shared)


def _unresolved(transform: Transform, place: str, shared: Mapping[str, Transform]) -> Iterator[Problem]:
    try:
        transform.resolve(shared)
    except TransformError as error:
        names = ", ".join(sorted(references_of_transform(to_text(transform))))
        yield Problem(place, names, f"references to transforms of transformIdToSpecMap ({error})")
