"""Life cycle of a stack: create, change state, clone, rename, delete."""

from __future__ import annotations

from rendergateway.hash_order import hash_order
from rendergateway.number_text import truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState
from rendergateway.service.domain.lookup import existing_stack, not_read_only
from rendergateway.service.store import Store
from rendergateway.service.store.sections import Sections
from rendergateway.service.store.stacks import StackRow, now_ms
from rendergateway.wire import Box, StackName, StackStatsJson, StackVersionJson, decode_stored, encode, json_number

# Allowed state transitions; the current state is always allowed.
_NEXT = {
    "LOADING": ("COMPLETE",),
    "COMPLETE": ("LOADING", "READ_ONLY", "OFFLINE"),
    "READ_ONLY": ("COMPLETE", "OFFLINE"),
    "OFFLINE": ("COMPLETE",),
}
_NO_TILES = "Stack data aggregation returned no results because the stack has no tiles."


def stack_create(store: Store, *, stack: StackId, body: StackVersionJson | None) -> None:
    """Create a stack, or the next version of an existing one: LOADING, without statistics."""
    if body is None:
        raise IllegalArgument("no stack version provided")
    row = store.stacks.find(stack)
    if row is None:
        store.stacks.insert(stack, encode(body))
        return
    not_read_only(row)
    row.state, row.modified_ms = "LOADING", now_ms()
    row.version_number += 1
    row.version, row.stats, row.hierarchy = encode(body), None, None
    store.stacks.update(row)


def stack_delete(store: Store, *, stack: StackId) -> None:
    """Delete a stack with its contents; deleting a missing stack is a no-op."""
    row = store.stacks.find(stack)
    if row is not None:
        store.stacks.delete(not_read_only(row))


def stack_set_state(store: Store, *, stack: StackId, state: str) -> None:
    """Change the state of a stack, with the side effects of the transition."""
    row = existing_stack(store, stack)
    if state != row.state and state not in _NEXT[row.state]:
        raise IllegalArgument(
            f"The {row.stack} stack's state is currently {row.state} "
            f"and must first be transitioned to COMPLETE before transitioning it to {state}."
        )
    if state == "COMPLETE" and row.state != "READ_ONLY":
        _derive(store, row)
    elif state != row.state:
        _leave(store, row, state)
    row.state = state
    store.stacks.update(row)


def _leave(store: Store, row: StackRow, state: str) -> None:
    """Apply the side effects of a transition to *state* that does not derive statistics."""
    if state == "LOADING":
        row.stats = None
        row.version_number += 1
        row.modified_ms = now_ms()
    elif state == "OFFLINE":
        row.modified_ms = now_ms()
        store.stacks.drop_tables(row)


def _derive(store: Store, row: StackRow) -> None:
    sections = store.sections(row)
    if sections is None:
        if row.state == "OFFLINE":
            # The real service creates the collections that it reads, and keeps them.
            store.stacks.create_tables(row)
            row.aggregated = True
            store.stacks.update(row)
        raise IllegalState(_NO_TILES, keep_changes=True)
    if row.state == "OFFLINE":
        raise IllegalArgument(f"stats cannot be set for {row.stack_id} because it is OFFLINE")
    z_values = sections.z_values()
    sections.aggregate()
    row.aggregated = True
    stats = _stats(sections, z_values)
    if stats is None:
        store.stacks.update(row)
        # The real service keeps the empty aggregate.
        raise IllegalState(_NO_TILES, keep_changes=True)
    row.stats = encode(stats)
    if row.state != "COMPLETE":
        row.modified_ms = now_ms()


def _stats(sections: Sections, z_values: list[float]) -> StackStatsJson | None:
    extent = sections.extent()
    if extent is None:
        return None
    if None in extent:
        raise IllegalState("Invalid numeric type, found: STRING")
    sizes = [None if size is None else truncated(size) for size in sections.sizes()]
    least_width, most_width, least_height, most_height = sizes
    return StackStatsJson(
        stackBounds=Box(
            minX=json_number(extent.min_x), minY=json_number(extent.min_y), minZ=json_number(extent.min_z),
            maxX=json_number(extent.max_x), maxY=json_number(extent.max_y), maxZ=json_number(extent.max_z),
        ),
        sectionCount=len(z_values),
        nonIntegralSectionCount=sum(z > truncated(z) for z in z_values),
        tileCount=extent.tile_count,
        transformCount=sections.transform_count(),
        minTileWidth=least_width,
        maxTileWidth=most_width,
        minTileHeight=least_height,
        maxTileHeight=most_height,
        channelNames=hash_order(sections.channel_names()),
    )  # fmt: skip


def stack_bounds(store: Store, *, stack: StackId) -> bytes:
    """Return the bounds of a stack at the time it became COMPLETE."""
    row = existing_stack(store, stack)
    if row.stats is None:
        raise IllegalArgument(
            f"Stats for {stack} have not been stored. If all data has been loaded for this stack, "
            "setting its state to COMPLETE will trigger derivation and storage of all the stack's stats."
        )
    stats: StackStatsJson = decode_stored(row.stats, StackStatsJson)
    return encode(stats.stackBounds)


def stack_rename(store: Store, *, stack: StackId, body: StackName | None) -> None:
    """Change the name, project or owner of a stack."""
    if body is None:
        raise IllegalArgument("toStackId value must be specified")
    row = existing_stack(store, stack)
    if row.state in ("READ_ONLY", "OFFLINE"):
        raise IllegalArgument(f"{stack} cannot be modified because it is {row.state}.")
    # Members missing from the body become the text "null", as in the real service.
    target = StackId(body.owner or "null", body.project or "null", body.stack or "null")
    if store.stacks.find(target) is not None:
        raise IllegalArgument(f"{target} already exists")
    row.owner, row.project, row.stack = target.owner, target.project, target.stack
    row.hierarchy, row.modified_ms = None, now_ms()
    store.stacks.update(row)


def stack_clone(
    store: Store,
    *,
    stack: StackId,
    to_stack: str,
    body: StackVersionJson | None,
    z: list[float] | None = None,
    to_project: str | None = None,
    skip_transforms: bool = False,
) -> None:
    """Copy a stack, or some of its layers, into a new or LOADING stack, atomically."""
    if body is None:
        raise IllegalArgument("no stack version provided")
    source = existing_stack(store, stack)
    target_id = StackId(stack.owner, to_project or stack.project, to_stack).checked()
    target = store.stacks.find(target_id)
    if target is None:
        target = store.stacks.insert(target_id, encode(body))
    elif target.state != "LOADING":
        raise IllegalState(f"Tiles cannot be cloned to stack {target.stack} because it is {target.state}.")
    store.stacks.create_tables(target)
    _copy(store, source, target, z, skip_transforms=skip_transforms)
    target.state, target.modified_ms, target.version_number = "LOADING", now_ms(), 0
    target.version, target.stats, target.hierarchy = encode(body), None, None
    store.stacks.update(target)


def _copy(store: Store, source: StackRow, target: StackRow, z: list[float] | None, *, skip_transforms: bool) -> None:
    origin, goal = store.tiles(source), store.tiles(target)
    if origin is None or goal is None:
        return
    if not skip_transforms:
        if store.shares_transforms(origin, goal):
            raise IllegalState(f"duplicate transform ids: {source.stack_id} and {target.stack_id} share some")
        store.copy_transforms(origin, goal)
    if not z:
        if goal.any():
            raise IllegalState(f"{source.stack_id} cannot be cloned to {target.stack_id}: the target already has tiles")
        store.copy_all_tiles(origin, goal)
        return
    if store.shares_tiles(origin, goal, z):
        raise IllegalState(f"duplicate tile ids: {source.stack_id} and {target.stack_id} share some")
    store.copy_layers(origin, goal, z)
