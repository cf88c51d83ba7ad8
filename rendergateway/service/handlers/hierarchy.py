"""Hierarchical alignment: layers without matches, deletion of tiers, warp fields (contract, 14)."""

from __future__ import annotations

import decimal
import math

import attrs
import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import double_text, parse_double, truncated
from rendergateway.service.base.ids import CollectionId, StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, NotFound, NullPointer, Uncaught
from rendergateway.service.domain.lookup import existing_pairs, existing_stack, existing_tile, not_read_only
from rendergateway.service.domain.resolver import decoded_tile
from rendergateway.service.domain.tile_transforms import service_message
from rendergateway.service.store import Store
from rendergateway.service.store.matches import Pairs
from rendergateway.service.store.stacks import StackRow
from rendergateway.transforms import AffineModel2D, AffineWarpFieldTransform
from rendergateway.wire import Hierarchy, LayerGaps, Leaf, StackName, decode_stored, encode
from rendergateway.wire.to_transform import to_transform

# Cells of a warp field; a request could ask for any number of them.
_MOST_TIERS = 1_000_000
# Java's rounding of the shortest text of a double; as many digits as a double may have in plain notation.
_JAVA = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_UP)


def _hierarchy(row: StackRow) -> Hierarchy | None:
    hierarchy: Hierarchy | None = decode_stored(row.hierarchy or b"", Hierarchy)
    return hierarchy


def _collection(hierarchy: Hierarchy) -> CollectionId | None:
    name = hierarchy.matchCollectionId
    return None if name is None else CollectionId(name.owner or "null", name.name or "null")


def _gaps(store: Store, row: StackRow, hierarchy: Hierarchy) -> list[float]:
    matched = set(map(_number, _tier_pairs(store, hierarchy).groups("p", "q")))
    sections = store.sections(row)
    return [z for z in (sections.z_values() if sections else []) if z not in matched]


def _tier_pairs(store: Store, hierarchy: Hierarchy) -> Pairs:
    collection = _collection(hierarchy)
    if collection is None:
        raise IllegalArgument("collectionId value must be specified")
    return existing_pairs(store, collection)


def _number(text: str) -> float:
    try:
        return parse_double(text)
    except ValueError as error:
        raise IllegalArgument(f'For input string: "{text}"') from error


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
        if hierarchy.alignedStackId is None:
            raise NullPointer
        stacks[row.stack_id] = row
        aligned = _aligned(store, row, hierarchy)
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


def _aligned(store: Store, row: StackRow, hierarchy: Hierarchy) -> StackRow | None:
    """Return the aligned stack of a tier; the real service looks its name up in the project of the tier."""
    name = hierarchy.alignedStackId
    if name is None or name.stack is None:
        return None
    return store.stacks.find(StackId(row.owner, row.project, name.stack))


# -- warp field --------------------------------------------------------------------------------------------------


def hierarchy_warp_field(
    store: Store,
    *,
    owner: str,
    project: str,
    z: float,
    consensus_rows: int | None = None,
    consensus_columns: int | None = None,
    consensus_build_method: str | None = None,
) -> bytes:
    """
    Return the warp field of a layer: one affine per aligned tier.

    The parameters of the consensus apply to layers with several consensus sets of matches. Such sets are not
    distinguished here; without them the parameters have no effect in the real service either.
    """
    if consensus_rows is not None and consensus_columns is None:
        raise Uncaught("java.lang.NullPointerException")
    field = _field(store, owner, project, z)
    return encode(
        Leaf(
            id=f"{double_text(z)}_AFFINE_WARP_FIELD",
            className=AffineWarpFieldTransform.JAVA_NAME,
            dataString=field.to_spec()["dataString"],
        )
    )


def hierarchy_warp_field_debug(
    store: Store,
    *,
    owner: str,
    project: str,
    z: float,
    consensus_rows: int | None = None,
    consensus_columns: int | None = None,
    consensus_build_method: str | None = None,
) -> str:
    """Return the warp field of a layer in readable form."""
    if consensus_rows is not None and consensus_columns is None:
        raise NullPointer
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


@attrs.frozen
class _Tier:
    """One cell of a warp field; members that the real service needs are present."""

    hierarchy: Hierarchy
    aligned: StackRow
    row: int
    column: int
    rows: int
    columns: int
    box: tuple[float, float, float, float]

    @classmethod
    def of(cls, hierarchy: Hierarchy, aligned: StackRow) -> _Tier:
        box = hierarchy.fullScaleBounds
        sides = [None] * 4 if box is None else [box.minX, box.minY, box.maxX, box.maxY]
        numbers = (
            hierarchy.tierRow, hierarchy.tierColumn, hierarchy.totalTierRowCount, hierarchy.totalTierColumnCount
        )  # fmt: skip
        if None in sides or None in numbers:
            raise NullPointer
        min_x, min_y, max_x, max_y = (float(side or 0) for side in sides)
        row, column, rows, columns = (number or 0 for number in numbers)
        if not (0 <= row < rows and 0 <= column < columns):
            raise IllegalState(
                f"tier outside of its warp field: got row {row} and column {column} of {rows} × {columns} tiers"
            )
        if rows * columns > _MOST_TIERS:
            raise IllegalState(f"warp field too large: got {rows} × {columns} tiers, the limit is {_MOST_TIERS}")
        return cls(hierarchy, aligned, row, column, rows, columns, (min_x, min_y, max_x, max_y))

    @property
    def size(self) -> FloatArray:
        min_x, min_y, max_x, max_y = self.box
        return np.array([max_x - min_x, max_y - min_y])


def _field(store: Store, owner: str, project: str, z: float) -> AffineWarpFieldTransform:
    found = []
    for row in store.stacks.of(owner, project):
        hierarchy = _hierarchy(row)
        aligned = None if hierarchy is None else _aligned(store, row, hierarchy)
        if hierarchy is not None and aligned is not None:
            found.append((hierarchy, aligned))
    if not found:
        raise NotFound(f"No aligned stacks exist for owner '{owner}' and project '{project}'.")
    # Last tier first, as in the real service: if several tiles are missing, the message names this one.
    tiers = [_Tier.of(*one) for one in reversed(found)]
    # The field is a grid of cells of the size of this tier; cells without an aligned tier are not moved.
    first = tiers[0]
    rows, columns = max(tier.rows for tier in tiers), max(tier.columns for tier in tiers)
    values = np.zeros((6, rows, columns))
    values[0] = values[3] = 1.0
    for tier in tiers:
        values[:, tier.row, tier.column] = _affine(store, tier, z)
    low = np.array(first.box[:2]) - first.size * [first.column, first.row]
    return AffineWarpFieldTransform(low, first.size * [columns, rows], values)


def _affine(store: Store, tier: _Tier, z: float) -> list[float]:
    """Return the affine of one cell at full scale, as m00, m10, m01, m11, tx, ty."""
    tile = decoded_tile(existing_tile(store, tier.aligned.stack_id, _tile_id(store, tier, z)))
    last = tile.transforms.specList[-1] if tile.transforms and tile.transforms.specList else None
    if not isinstance(last, Leaf):
        raise IllegalArgument(f"last transform of tile '{tile.tileId}' is not an affine")
    try:
        transform = to_transform(Leaf(className=last.className, dataString=last.dataString))
    except TransformError as error:
        raise IllegalArgument(service_message(error)) from error
    if not isinstance(transform, AffineModel2D):
        raise IllegalArgument(f"last transform of tile '{tile.tileId}' is not an affine")
    if tier.hierarchy.scale is None:
        raise NullPointer
    linear, shift = np.asarray(transform.matrix)[:, :2], np.asarray(transform.matrix)[:, 2]
    offset = shift / float(tier.hierarchy.scale) - linear @ np.array(tier.box[:2])
    return [linear[0, 0], linear[1, 0], linear[0, 1], linear[1, 1], offset[0], offset[1]]


def _tile_id(store: Store, tier: _Tier, z: float) -> str:
    """Return the tile id of a tier, derived from its box; of a layer whose group is split, from its matches."""
    group = double_text(z)
    if group in (tier.hierarchy.splitGroupIds or ()):
        for pair in _tier_pairs(store, tier.hierarchy).select("with_p_group", group=group):
            return pair.p_id
    x, y, far_x, far_y = map(truncated, tier.box)
    return f"z_{_fixed(z, 1)}_box_{x}_{y}_{far_x - x}_{far_y - y}_{_fixed(tier.hierarchy.scale, 6)}"


def _fixed(number: float | None, digits: int) -> str:
    """Return a number as Java formats it with *digits* decimal places: rounded half up, ``null`` if missing."""
    if number is None:
        return "null"
    text = double_text(float(number))
    if not math.isfinite(float(text)):
        return text
    return f"{decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-digits), context=_JAVA):f}"
