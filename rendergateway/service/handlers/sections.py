"""Layers and sections of a stack: z values, bounds, section data and merging."""

from __future__ import annotations

from collections.abc import Iterator

from rendergateway.number_text import double_text, parse_double, truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, NotFound
from rendergateway.service.domain.id_pattern import id_pattern
from rendergateway.service.domain.lookup import (
    existing_sections,
    existing_stack,
    existing_tiles,
    layer_extent,
    maybe_tiles,
    stack_missing,
)
from rendergateway.service.http.json_stream import json_stream
from rendergateway.service.store import Store
from rendergateway.service.store.sections import SectionRow
from rendergateway.service.store.tiles import Ids, TileBox, Tiles
from rendergateway.wire import Box, SectionData, TileBounds, encode, encode_numbers, json_number


def _z_values(store: Store, stack: StackId, low: float | None, high: float | None) -> list[float]:
    row = store.stacks.find(stack)
    if row is None:
        raise stack_missing(stack)
    sections = store.sections(row)
    return sections.z_values(low, high) if sections else []


def stack_z_values(store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None) -> bytes:
    """List the z values of a stack, ascending."""
    return encode(list(map(json_number, _z_values(store, stack, min_z, max_z))))


def section_bounds(store: Store, *, stack: StackId, z: float) -> bytes:
    """Return the current bounds of a layer."""
    extent = layer_extent(store, stack, z)
    return encode_numbers(
        Box(minX=extent.min_x, minY=extent.min_y, minZ=z, maxX=extent.max_x, maxY=extent.max_y, maxZ=z)
    )


def _aggregated(store: Store, stack: StackId, low: float | None, high: float | None) -> list[SectionRow]:
    sections = existing_sections(store, stack)
    if not existing_stack(store, stack).aggregated:
        raise IllegalArgument(
            f"section data not aggregated for {stack}, set stack state to COMPLETE to generate the aggregate collection"
        )
    return list(sections.aggregated(low, high))


def _section_json(row: SectionRow) -> bytes:
    return encode_numbers(
        SectionData(
            sectionId=row.section_id, z=row.z, tileCount=row.tile_count,
            minX=row.min_x, maxX=row.max_x, minY=row.min_y, maxY=row.max_y,
        )
    )  # fmt: skip


def stack_section_data(
    store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None
) -> Iterator[bytes]:
    """List the sections of a stack at the time it last became COMPLETE."""
    return json_stream(map(_section_json, _aggregated(store, stack, min_z, max_z)))


def section_section_data(store: Store, *, stack: StackId, z: float) -> Iterator[bytes]:
    """List the current sections of a layer."""
    return json_stream(list(map(_section_json, existing_sections(store, stack).of_layer(z))))


def stack_reordered_section_data(
    store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None
) -> Iterator[bytes]:
    """List the sections whose z differs from their id."""
    rows = _aggregated(store, stack, min_z, max_z)
    return json_stream([_section_json(row) for row in rows if _is_reordered(row)])


def _is_reordered(row: SectionRow) -> bool:
    try:
        return truncated(parse_double(row.section_id or "")) != truncated(row.z or 0.0)
    except ValueError as error:
        z = double_text(row.z or 0.0)
        raise IllegalArgument(
            "reordered sections cannot be determined because stack contains "
            f"non-standard sectionId ({row.section_id}) or z value ({z})"
        ) from error


def stack_merged_z_values(
    store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None
) -> bytes:
    """List the z values with several sections."""
    z_values = [row.z for row in _aggregated(store, stack, min_z, max_z)]
    return encode(sorted({z for z in z_values if z is not None and z_values.count(z) > 1}))


def _mergeable(z_values: list[float]) -> Iterator[tuple[int, int]]:
    """Yield pairs of positions: an integral z and a fractional z with the same integral part."""
    integral: int | None = None
    for position, z in enumerate(z_values):
        if z == truncated(z):
            integral = position
        elif integral is not None and truncated(z) == z_values[integral]:
            yield integral, position


def stack_mergeable_data(
    store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None
) -> str:
    """List the pairs of mergeable layers as text, one per line."""
    z_values = _z_values(store, stack, min_z, max_z)
    return "".join(
        f"{one} < {other} : {double_text(z_values[one])} < {double_text(z_values[other])}\n"
        for one, other in _mergeable(z_values)
    )


def stack_mergeable_z_values(
    store: Store, *, stack: StackId, min_z: float | None = None, max_z: float | None = None
) -> bytes:
    """List the z values of mergeable layers."""
    z_values = _z_values(store, stack, min_z, max_z)
    positions = [position for pair in _mergeable(z_values) for position in pair]
    return encode([z_values[position] for position in dict.fromkeys(positions)])


def _box_json(box: TileBox) -> bytes:
    return encode_numbers(tile_bounds(box))


def tile_bounds(box: TileBox) -> TileBounds:
    """Return the bounds of a tile in wire form."""
    return TileBounds(
        minX=box.min_x, minY=box.min_y, maxX=box.max_x, maxY=box.max_y,
        tileId=box.tile_id, sectionId=box.section_id, z=box.z,
    )  # fmt: skip


def _bounds_of(tiles: Tiles, ids: Ids) -> Iterator[bytes]:
    return json_stream(map(_box_json, tiles.boxes(ids)))


def section_tile_bounds(store: Store, *, stack: StackId, z: float) -> Iterator[bytes]:
    """List the tile bounds of a layer."""
    tiles = existing_tiles(store, stack)
    return _bounds_of(tiles, tiles.ids(z=z))


def section_id_tile_bounds(store: Store, *, stack: StackId, section_id: str) -> Iterator[bytes]:
    """List the tile bounds of a section."""
    tiles = existing_tiles(store, stack)
    return _bounds_of(tiles, tiles.ids(section_id=section_id))


def section_id_z(store: Store, *, stack: StackId, section_id: str) -> bytes | None:
    """Return the z of a section, from its first tile; nothing if that has none."""
    found = existing_sections(store, stack).z_of(section_id)
    if not found:
        raise NotFound(f"sectionId '{section_id}' does not exist in the {stack}")
    return None if found[0] is None else encode(found[0])


def stack_tile_ids(
    store: Store,
    *,
    stack: StackId,
    min_z: float | None = None,
    max_z: float | None = None,
    match_pattern: str | None = None,
) -> Iterator[bytes]:
    """List the tile ids of a stack; a missing stack has none."""
    # Without a pattern, the real service skips empty ids.
    chosen = bool if match_pattern is None else id_pattern(match_pattern)
    if maybe_tiles(store, stack) is None:
        return iter((b"[]",))
    ids = existing_sections(store, stack).tile_ids(min_z, max_z)
    return json_stream(encode(tile_id) for tile_id in ids if chosen(tile_id.encode()))
