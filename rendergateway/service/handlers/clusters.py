"""Clusters of tiles that are connected by matches, and residuals of matched pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.service.base.ids import CollectionId, StackId
from rendergateway.service.base.refusals import IllegalArgument, NotFound, NullPointer
from rendergateway.service.domain.lookup import existing_pairs, existing_tile, existing_tiles
from rendergateway.service.domain.match_pairs import in_order
from rendergateway.service.domain.render_parameters import without_last
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.tile_maps import TileMaps
from rendergateway.service.handlers.sections import tile_bounds
from rendergateway.service.store import Store
from rendergateway.service.store.matches import Pairs
from rendergateway.wire import (
    CanvasMatches,
    PairQuestion,
    PairResiduals,
    SpecList,
    StackName,
    TileBounds,
    TileSpec,
    decode_stored,
    encode,
)


def section_clustered_tile_bounds(
    store: Store, *, stack: StackId, z: float, matches: str, match_owner: str | None = None
) -> bytes:
    """Return the tile bounds of a layer, grouped into clusters of matched tiles, largest cluster first."""
    collection = CollectionId(match_owner or stack.owner, matches).checked()
    tiles = existing_tiles(store, stack)
    boxes = {box.tile_id: tile_bounds(box) for box in tiles.boxes(tiles.ids(z=z)) if box.tile_id is not None}
    sections = {box.sectionId for box in boxes.values() if box.sectionId is not None}
    if not sections:
        # The real service does not look at the matches then.
        return encode([])
    clusters = sorted(_clusters(existing_pairs(store, collection), sections), key=len, reverse=True)
    return encode([found for cluster in clusters if (found := _present(cluster, boxes))])


def _present(cluster: set[str], boxes: dict[str, TileBounds]) -> list[TileBounds]:
    return [boxes[tile_id] for tile_id in sorted(cluster) if tile_id in boxes]


def _clusters(pairs: Pairs, sections: set[str]) -> list[set[str]]:
    """Return the connected components of the canvases of *sections* under matches."""
    clusters: dict[str, set[str]] = {}
    for section in sorted(sections):
        for pair in pairs.select("with_p_group", group=section):
            if pair.q_group in sections:
                p, q = (clusters.setdefault(tile_id, {tile_id}) for tile_id in (pair.p_id, pair.q_id))
                if p is not q:
                    p |= q
                    clusters.update(dict.fromkeys(q, p))
    return list({id(cluster): cluster for cluster in clusters.values()}.values())


# -- residuals ---------------------------------------------------------------------------------------------------


def stack_pair_residuals(store: Store, *, stack: StackId, body: PairQuestion | None) -> bytes:
    """Return the distances between the matched points of two tiles in an aligned stack."""
    if body is None:
        raise NullPointer
    if body.matchRenderStackId is None:
        raise IllegalArgument("stackId value must be specified")
    if body.matchCollectionId is None or body.pTileId is None or body.qTileId is None:
        raise IllegalArgument("matchCollectionId, pTileId and qTileId values must be specified")
    name = body.matchRenderStackId
    rendered = StackId(name.owner or "null", name.project or "null", name.stack or "null").checked()
    matched = [_tile(store, rendered, tile_id) for tile_id in (body.pTileId, body.qTileId)]
    collection = CollectionId(body.matchCollectionId.owner or "null", body.matchCollectionId.name or "null").checked()
    points = _points(store, collection, matched)
    aligned = [_tile(store, stack.checked(), tile_id) for tile_id in (body.pTileId, body.qTileId)]
    if body.includeDetails is None:
        raise NullPointer
    ends = [_world(*sides) for sides in zip(aligned, matched, points, strict=True)]
    distances = np.linalg.norm(ends[0] - ends[1], axis=1)
    return encode(
        PairResiduals(
            alignedStackId=StackName(owner=stack.owner, project=stack.project, stack=stack.stack),
            inputData=body,
            medianDistance=float(np.median(distances)),
            meanDistance=float(distances.mean()),
            maxDistance=float(distances.max()),
            rootMeanSquareError=float(np.sqrt((distances**2).mean())),
            distanceList=distances.tolist() if body.includeDetails else None,
        )
    )


def _tile(store: Store, stack: StackId, tile_id: str) -> TileSpec:
    stored = existing_tile(store, stack, tile_id)
    return Resolver(existing_tiles(store, stack)).flattened(decoded_tile(stored))


def _points(store: Store, collection: CollectionId, tiles: list[TileSpec]) -> list[Any]:
    """Return the matched points of both tiles, in pixels of the matched images."""
    sides = []
    for member, tile in zip(("pGroupId", "qGroupId"), tiles, strict=True):
        if tile.section_id is None:
            raise IllegalArgument(f"{member} value must be specified")
        sides.append((tile.section_id, tile.tileId or "null"))
    straight = in_order(*sides)
    first, second = sides if straight else sides[::-1]
    rows = existing_pairs(store, collection).select(
        "between_tiles", p_group=first[0], p_id=first[1], q_group=second[0], q_id=second[1]
    )
    row = next(rows, None)
    if row is None:
        raise NotFound(f"{collection} does not contain matches between {sides[0][1]} and {sides[1][1]}")
    pair: CanvasMatches = decode_stored(row.head + row.details + b"}", CanvasMatches)
    if pair.matches is None:
        raise NullPointer
    points = [pair.matches.p, pair.matches.q]
    return points if straight else points[::-1]


def _world(aligned: TileSpec, matched: TileSpec, points: Any) -> FloatArray:
    """Map points of a matched image to local coordinates, and on to world coordinates of the aligned stack."""
    if matched.transforms is not None:
        matched.transforms = SpecList(specList=without_last(matched.transforms.specList))
    flat = np.asarray(points, dtype=np.float64)[:2].T.copy()
    # Both tiles are resolved.
    maps = TileMaps(lambda: lambda name: None)
    local = maps.of(matched).local_from_world(flat)
    return maps.of(aligned).world_from_local(local[np.isfinite(local).all(axis=1)])
