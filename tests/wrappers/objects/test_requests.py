"""Requests of each operation: never more than those of the equivalent raw calls."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import pytest

from rendergateway import Bounds, Gateway, StackWrapper
from rendergateway.testing import make_stack
from tests.wrappers.objects.documented import table_below


class Operation(NamedTuple):
    """An expression, its requests, and the equivalent raw calls."""

    call: str
    requests: str
    raw: str


OPERATIONS = [
    Operation('gateway.stack("montage").section(3).tiles()', "", ""),
    Operation("[owner.name for owner in gateway.owners()]", "owner.list", "owner.list"),
    Operation("[project.name for project in gateway.projects()]", "project.list", "project.list"),
    Operation(
        "[(stack.name, stack.state, stack.bounds) for stack in gateway.stacks()]", "project.stacks", "project.stacks"
    ),
    Operation('gateway.stacks(name="*mont*", state="COMPLETE").one().modified', "project.stacks", "project.stacks"),
    Operation("[stack.project.name for stack in gateway.owner().stacks()]", "stack.list", "stack.list"),
    Operation(
        "[(matches.name, matches.pair_count) for matches in gateway.match_collections()]",
        "match.collections",
        "match.collections",
    ),
    Operation("stack.state, stack.bounds, stack.tile_count, stack.resolution_nm", "stack.read", "stack.read"),
    Operation("[section.z for section in stack.sections()]", "stack.z_values", "stack.z_values"),
    Operation("[section.z for section in stack.sections(z=(2, 3))]", "stack.z_values", "stack.z_values"),
    Operation(
        "[(section.section_ids, section.tile_count, section.bounds) for section in stack.sections()]",
        "stack.z_values, stack.read, stack.section_data",
        "stack.z_values, stack.read, stack.section_data",
    ),
    Operation('stack.section(section_id="2.0").z', "section_id.z", "section_id.z"),
    Operation("stack.section(2).next.z, stack.section(2).previous.z", "stack.z_values", "stack.z_values"),
    Operation(
        "[(tile.bounds, tile.layout, tile.transforms, tile.resolved_transforms) for tile in stack.section(2).tiles()]",
        "section.resolved_tiles",
        "section.resolved_tiles",
    ),
    Operation(
        'stack.section(2).tiles().filter(image_row=0).order_by("-image_col")[0].z',
        "section.resolved_tiles",
        "section.resolved_tiles",
    ),
    Operation("stack.section(2).tiles().table().box", "section.resolved_tiles", "section.resolved_tiles"),
    Operation(
        "[len(page) for page in stack.section(2).tiles().pages(3)]", "section.resolved_tiles", "section.resolved_tiles"
    ),
    Operation("stack.tiles(z=2, box=Bounds(0, 0, 600, 600)).ids", "stack.resolved_tiles", "stack.resolved_tiles"),
    Operation("stack.tiles(z=(1, 2)).ids", "stack.resolved_tiles", "stack.resolved_tiles"),
    Operation("stack.tiles().ids", "stack.resolved_tiles", "stack.resolved_tiles"),
    Operation(
        'stack.tiles(section_id="2.0").ids',
        "section_id.tile_bounds, section.resolved_tiles",
        "section_id.tile_bounds, section.resolved_tiles",
    ),
    Operation('stack.tiles(pattern="r0_c0").ids', "stack.tile_ids", "stack.tile_ids"),
    Operation(
        'len(stack.tile_group("to_review").tiles())',
        "stack.resolved_tiles, stack.read",
        "stack.resolved_tiles, stack.read",
    ),
    Operation('stack.tile("s2_r0_c0").bounds', "tile.read", "tile.read"),
    Operation('stack.tile("s2_r0_c0").resolved_transforms', "tile.read, transform.read", "tile.read, transform.read"),
    Operation(
        'stack.tile("s2_r0_c0").neighbours().ids', "tile.read, stack.resolved_tiles", "tile.read, stack.resolved_tiles"
    ),
    Operation('stack.tile("s2_r0_c0").section.stack.project.owner.name', "tile.read", "tile.read"),
    Operation(
        '[gateway.stack("montage").section(1).bounds for _ in range(2)]',
        "stack.read, stack.section_data",
        "stack.read, stack.section_data",
    ),
    Operation('[tile.stack.state for tile in 2 * [gateway.stack("montage").tile("a")]]', "stack.read", "stack.read"),
    Operation(
        '[section.bounds for section in list(gateway.stack("montage").sections())]',
        "stack.z_values, stack.read, stack.section_data",
        "stack.z_values, stack.read, stack.section_data",
    ),
    Operation(
        'gateway.stack("montage").section(2).render_parameters().scale',
        "stack.read, stack.section_data, box.render_parameters",
        "stack.read, stack.section_data, box.render_parameters",
    ),
    Operation('stack.shared_transform("lens").value', "transform.read", "transform.read"),
    Operation(
        "[len(section.tiles()) for section in stack.sections().prefetch(workers=4)]",
        "stack.z_values, 3 × section.resolved_tiles",
        "stack.z_values, 3 × section.resolved_tiles",
    ),
    Operation(
        "sum(tile.width for tile in stack.iter_tiles())",
        "stack.z_values, stack.read, stack.section_data, 3 × section.resolved_tiles",
        "stack.z_values, stack.read, stack.section_data, 3 × section.resolved_tiles",
    ),
    Operation(
        'stack.tile("s2_r0_c0").matches("dmesh").ids', "tile.read, match.with_tile", "tile.read, match.with_tile"
    ),
    Operation('matches.pairs(within="2.0")[0].p', "match.within_group", "match.within_group"),
    Operation("gateway, stack, repr(stack.sections()), hash(stack), stack == gateway.stack('montage')", "", ""),
]


def endpoints(words: str) -> Counter[str]:
    """Return the endpoints in a cell of the table, with their counts."""
    found: Counter[str] = Counter()
    for word in filter(None, words.split(", ")):
        times, _, name = word.rpartition(" × ")
        found[name] += int(times or 1)
    return found


@pytest.fixture
def volume(gateway: Gateway) -> StackWrapper:
    """The made-up volume of the docs, not read yet."""
    make_stack(gateway, matches="dmesh")
    return gateway.stack("montage")


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.call for operation in OPERATIONS])
def test_requests__of_an_operation(operation: Operation, volume: StackWrapper) -> None:
    """An operation on unloaded objects makes the requests of the table, and no more than the raw calls."""
    # A gateway whose objects have nothing yet; it keeps only those that the expression names.
    gateway = volume._conn.using()
    expression = compile(operation.call, "<operation>", "eval")
    names: dict[str, Any] = {"gateway": gateway, "Bounds": Bounds}
    if "stack" in expression.co_names:
        names["stack"] = gateway.stack("montage")
    if "matches" in expression.co_names:
        names["matches"] = gateway.match_collection("dmesh")

    with gateway.counting() as requests:
        eval(expression, names)

    assert Counter(requests) == endpoints(operation.requests)
    assert endpoints(operation.requests) <= endpoints(operation.raw)


def test_requests__the_docs_show_the_same() -> None:
    """The table of docs/objects.md is the one that is tested."""
    shown = [(call.strip("`"), requests.replace("`", "")) for call, requests in table_below("What it costs")]

    assert shown == [(operation.call, operation.requests or "none") for operation in OPERATIONS]
