"""Hierarchical alignment: layers without matches, deletion of tiers, warp fields (contract, 14)."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import double_text, parse_double
from rendergateway.service.base.ids import CollectionId, StackId
from rendergateway.service.base.refusals import IllegalArgument, NotFound
from rendergateway.service.domain.lookup import existing_pairs, existing_stack, existing_tile, not_read_only
from rendergateway.service.domain.resolver import decoded_tile
from rendergateway.service.domain.tile_transforms import service_message
from rendergateway.service.store import Store
from rendergateway.service.store.stacks import StackRow
from rendergateway.transforms import AffineModel2D, AffineWarpFieldTransform
from rendergateway.wire import Hierarchy, LayerGaps, Leaf, StackName, decode_stored, encode
from rendergateway.wire.to_transform import to_transform


def _hierarchy(row: StackRow) -> Hierarchy | None:
    hierarchy: Hierarchy | None = decode_stored(row.hierarchy or b"", Hierarchy)
    return hierarchy


def _collection(hierarchy: Hierarchy) -> CollectionId | None:
    name = hierarchy.matchCollectionId
    return None if name is None else CollectionId(name.owner or "null", name.name or "null")


def _gaps(store: Store, row: StackRow, hierarchy: Hierarchy) -> list[float]:
    collection = _collection(hierarchy)
    if collection is None:
        raise IllegalArgument(f"{row.stack_id} does not have a match collection")
    matched = set(map(_number, existing_pairs(store, collection).groups("p", "q")))
    sections = store.sections(row)
    return [z for z in (sections.z_values() if sections else []) if z not in matched]


def _number(text: str) -> float | None:
    try:
        return parse_double(text)
    except ValueError:
        return None


def hierarchy_missing_layers(store: Store, *, stack: StackId) -> bytes:
    """Return the z values of a stack that its match collection has no group for."""
    row = existing_stack(store, stack)
    hierarchy = _hierarchy(row)
    if hierarchy is None:
        raise IllegalArgument(f"{stack} does not have hierarchical data")
    return encode(_gaps(store, row, hierarchy))


def hierarchy_project_missing_layers(store: Store, *, owner: str, project: str) -> bytes:
    """Return the stacks of a project that have saved pairs, but none for some layers."""
    found = []
    for row in store.stacks.of(owner, project):
        hierarchy = _hierarchy(row)
        if hierarchy is not None and hierarchy.savedMatchPairCount:
            gaps = _gaps(store, row, hierarchy)
            if gaps:
                name = StackName(owner=row.owner, project=row.project, stack=row.stack)
                found.append(LayerGaps(stackId=name, zValues=gaps))
    return encode(found)


def hierarchy_delete_tier(store: Store, *, owner: str, project: str) -> str:
    """Delete a tier: stacks with hierarchical data, their aligned stacks and match collections."""
    stacks: dict[StackId, StackRow] = {}
    collections: dict[CollectionId, None] = {}
    for row in store.stacks.of(owner, project):
        hierarchy = _hierarchy(row)
        if hierarchy is None:
            continue
        stacks[row.stack_id] = row
        aligned = _aligned(store, hierarchy)
        if aligned is not None:
            stacks[aligned.stack_id] = aligned
        collection = _collection(hierarchy)
        if collection is not None and store.collections.find(collection) is not None:
            collections[collection] = None
    for row in stacks.values():
        store.stacks.delete(not_read_only(row))
    for collection in collections:
        store.collections.delete(collection)
    return (
        f"removed {len(stacks)} stacks and {len(collections)} match collections "
        f"for project '{project}' owned by '{owner}'"
    )


def _aligned(store: Store, hierarchy: Hierarchy) -> StackRow | None:
    name = hierarchy.alignedStackId
    if name is None:
        return None
    return store.stacks.find(StackId(name.owner or "null", name.project or "null", name.stack or "null"))


# -- warp field --------------------------------------------------------------------------------------------------


def hierarchy_warp_field(store: Store, *, owner: str, project: str, z: float, **consensus: Any) -> bytes:
    """
    Return the warp field of a layer: one affine per aligned tier.

    The parameters *consensus* apply to layers with several consensus sets of matches. Such sets are not distinguished
    here; without them the parameters have no effect in the real service either.
    """
    field = _field(store, owner, project, z)
    return encode(
        Leaf(
            id=f"{double_text(z)}_AFFINE_WARP_FIELD",
            className=AffineWarpFieldTransform.JAVA_NAME,
            dataString=field.to_spec()["dataString"],
        )
    )


def hierarchy_warp_field_debug(store: Store, *, owner: str, project: str, z: float, **consensus: Any) -> str:
    """Return the warp field of a layer in readable form."""
    field = _field(store, owner, project, z)
    values = np.asarray(field.values)
    _, rows, columns = values.shape
    cells = [
        {
            "index": row * columns + column,
            "row": row,
            "column": column,
            "affine": _affine_text(values[:, row, column]),
        }
        for row in range(rows)
        for column in range(columns)
    ]
    offset = np.asarray(field.offset).tolist()
    return encode({"locationOffsets": {"x": offset[0], "y": offset[1]}, "warpField": cells}).decode()


def _affine_text(values: FloatArray) -> str:
    linear, shift = values[:4], values[4:]
    return " ".join([*(f"{value:16.12f}" for value in linear), *(f"{value:20.12f}" for value in shift)])


def _field(store: Store, owner: str, project: str, z: float) -> AffineWarpFieldTransform:
    tiers = []
    for row in store.stacks.of(owner, project):
        hierarchy = _hierarchy(row)
        if hierarchy is not None and _aligned(store, hierarchy) is not None:
            tiers.append(hierarchy)
    if not tiers:
        raise NotFound(f"No aligned stacks exist for owner '{owner}' and project '{project}'.")
    rows = max(tier.totalTierRowCount or 1 for tier in tiers)
    columns = max(tier.totalTierColumnCount or 1 for tier in tiers)
    values = np.zeros((6, rows, columns))
    values[0] = values[3] = 1.0
    # Last tier first, as in the real service: if several tiles are missing, the message names this one.
    for tier in reversed(tiers):
        values[:, tier.tierRow or 0, tier.tierColumn or 0] = _affine(store, tier, z)
    boxes = np.array([_box(tier) for tier in tiers])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return AffineWarpFieldTransform(low, high - low, values)


def _box(tier: Hierarchy) -> tuple[float, float, float, float]:
    box = tier.fullScaleBounds
    if box is None or None in (box.minX, box.minY, box.maxX, box.maxY):
        raise IllegalArgument("tier has no fullScaleBounds")
    return float(box.minX or 0), float(box.minY or 0), float(box.maxX or 0), float(box.maxY or 0)


def _affine(store: Store, tier: Hierarchy, z: float) -> list[float]:
    """Return the affine of one cell at full scale, as m00, m10, m01, m11, tx, ty."""
    aligned = _aligned(store, tier)
    if aligned is None:
        raise NotFound("tier has no aligned stack")
    tile = decoded_tile(existing_tile(store, aligned.stack_id, _tile_id(store, tier, z)))
    last = tile.transforms.specList[-1] if tile.transforms and tile.transforms.specList else None
    if not isinstance(last, Leaf):
        raise IllegalArgument(f"last transform of tile '{tile.tileId}' is not an affine")
    try:
        transform = to_transform(Leaf(className=last.className, dataString=last.dataString))
    except TransformError as error:
        raise IllegalArgument(service_message(error)) from error
    if not isinstance(transform, AffineModel2D):
        raise IllegalArgument(f"last transform of tile '{tile.tileId}' is not an affine")
    linear, shift = np.asarray(transform.matrix)[:, :2], np.asarray(transform.matrix)[:, 2]
    corner = np.array(_box(tier)[:2])
    offset = shift / float(tier.scale or 1.0) - linear @ corner
    return [linear[0, 0], linear[1, 0], linear[0, 1], linear[1, 1], offset[0], offset[1]]


def _tile_id(store: Store, tier: Hierarchy, z: float) -> str:
    """Return the tile id of a tier, from its matches or derived from its box."""
    collection = _collection(tier)
    pairs = store.collections.find(collection) if collection and tier.savedMatchPairCount else None
    if pairs is not None:
        for pair in pairs.select("with_p_group", group=double_text(z)):
            return pair.p_id
    min_x, min_y, max_x, max_y = map(int, _box(tier))
    return f"z_{double_text(z)}_box_{min_x}_{min_y}_{max_x - min_x}_{max_y - min_y}_{float(tier.scale or 1.0):.6f}"
