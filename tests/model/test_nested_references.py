"""Shared transforms that refer to others, at any depth, are sent with the tiles."""

from __future__ import annotations

import pytest

from rendergateway import Gateway, ResolvedTiles, TileRecord, TileTable
from rendergateway.transforms import AffineModel2D, InterpolatedTransform, Transform, TransformList, TransformReference

SHARED: dict[str, Transform] = {
    "first": TransformList([TransformReference("second")], id="first"),
    "second": InterpolatedTransform(TransformReference("third"), AffineModel2D(), 0.0, id="second"),
    "third": TransformList([TransformList([TransformReference("fourth")])], id="third"),
    "fourth": AffineModel2D([[1, 0, 5], [0, 1, 6]], id="fourth"),
    "other": AffineModel2D(id="other"),
}
TILE = TileRecord(tile_id="a", z=1, width=9, height=9, transforms=[TransformReference("first")])
TILES = ResolvedTiles.of([TILE, TILE.evolve(tile_id="b", transforms=[])], SHARED)
WANTED = ["first", "second", "third", "fourth"]


def test_resolved_tiles__chain() -> None:
    """Parts of resolved tiles have the transforms of the transforms of their transforms, and no others."""
    first, second = TILES.batches(1)

    assert list(first.transforms) == list(TILES.filtered(["a"]).transforms) == WANTED
    assert list(second.transforms) == list(TILES.filtered(["b"]).transforms) == []
    assert [list(tile.transforms) for tile in first.resolved()] == [
        list(TILE.transforms.resolve(SHARED)),
    ]


@pytest.mark.parametrize("boxes", ["keep", "local"])
def test_put__chain(boxes: str, gateway: Gateway) -> None:
    """Each batch of an upload has the whole chain, and so has a copy to another stack."""
    stack = gateway.create_stack("chain")
    other = gateway.create_stack("copy")
    sent: list[list[str]] = []
    with stack.editing(complete=False) as edit:
        batches = edit.checked(TILES, boxes=boxes)
        sent += [sorted(batch.tiles.transforms) for batch in batches if "a" in batch.tiles.tiles]
    with other.editing(complete=False) as edit:
        table = TileTable.from_records([TILE])
        batches = edit.checked(table, transforms=SHARED)
        sent += [sorted(batch.tiles.transforms) for batch in batches]

    assert sent == [sorted(WANTED)] * 2
