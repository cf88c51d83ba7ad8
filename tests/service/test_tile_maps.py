"""Tiles behind one lens are mapped and boxed together, with the answers of single tiles."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rendergateway.geometry import FloatArray
from rendergateway.service.domain import tile_maps
from rendergateway.transforms import MeshInverse, NonLinearCoordinateTransform
from tests.service.conftest import AFFINE, STACK, Service, tile
from tests.transforms.examples import EXAMPLES

LENS = {**EXAMPLES["lens"].to_spec(), "id": "lens"}
BEND: dict[str, Any] = EXAMPLES["polynomial"].to_spec()
REFERENCE = {"type": "ref", "refId": "lens"}
HEADS: list[list[dict[str, Any]]] = [
    [], [REFERENCE], [BEND, REFERENCE], [{"type": "list", "specList": [REFERENCE, BEND]}], [{"type": "list"}]
]  # fmt: skip


def _affine(numbers: str) -> dict[str, Any]:
    return {"type": "leaf", "className": AFFINE, "dataString": numbers}


def _tiles() -> list[dict[str, Any]]:
    """Return tiles of all kinds, with affines that turn, mirror, flatten, leave the plane, or are missing."""
    chance = random.Random(4)
    turned = [f"1.0{n} 0.1{n} -0.0{n} 0.9{n} {37.25 * n} {11.5 * n}" for n in range(1, 9)]
    odd = ["-1 0 0 1 300 0", "1e-9 0 0 1 100 50", "1 2 1 2 50 60", "1 0 0 1 1e12 5", "NaN 0 0 1 5 5", "1e999 0 0 1 5 5"]
    tails = [[_affine(numbers)] for numbers in turned * 3 + odd] + [[]]
    sizes: list[dict[str, Any]] = [
        {},
        {},
        {"meshCellSize": 16},
        {"meshCellSize": 0},
        {"width": 1, "height": 1},
        {"width": 150.5},
    ]
    pairs = [(head, tail) for head in HEADS for tail in tails]
    return [
        tile(f"t{n:03d}", transforms={"type": "list", "specList": [*head, *tail]}, **chance.choice(sizes))
        for n, (head, tail) in enumerate(pairs)
    ]


@pytest.fixture
def filled(stack: Service) -> Service:
    """A stack with tiles of all kinds, saved one by one."""
    for one in _tiles():
        assert stack.save(one, shared={"lens": LENS}).status_code == 201
    return stack


def test_derived_boxes__as_one_by_one(filled: Service) -> None:
    """Tiles saved together get the boxes of tiles saved one by one."""
    alone = filled.json(f"{STACK}/z/1/tileBounds")
    filled.send("DELETE", f"{STACK}/z/1")

    assert filled.save(*_tiles(), shared={"lens": LENS}).status_code == 201

    assert filled.json(f"{STACK}/z/1/tileBounds") == alone
    assert len({tuple(box[side] for side in ("minX", "minY", "maxX", "maxY")) for box in alone}) > 50


def test_derived_boxes__first_tile_without_size(stack: Service) -> None:
    """Of several bad tiles the first is reported, whatever is wrong with it."""
    bad = tile("bad", transforms={"type": "list", "specList": [REFERENCE, _affine("1 2 3")]})

    for tiles, message in (
        ([tile("a", width=None), bad], "width and height must be set to create a bounding box"),
        ([bad, tile("a", width=None)], f"Inappropriate parameters for {AFFINE}"),
    ):
        answer = stack.save(tile("good"), *tiles, shared={"lens": LENS})
        assert answer.text == message


def test_points__as_one_by_one(filled: Service) -> None:
    """Points of many tiles are mapped as each of them alone, both ways."""
    chance = random.Random(5)
    ids = [one["tileId"] for one in _tiles()] + ["none"]
    local = [{"tileId": i, "local": [chance.uniform(0, 99), chance.uniform(0, 79)]} for i in ids * 2]
    world = [{"world": [chance.uniform(0, 500), chance.uniform(0, 250)]} for _ in range(300)]

    for path, points in (
        (f"{STACK}/z/1/local-to-world-coordinates", local),
        (f"{STACK}/z/1/world-to-local-coordinates", world),
    ):
        together = filled.send("PUT", path, points).json()
        assert together == [filled.send("PUT", path, [point]).json()[0] for point in points]
        assert "cannot be inverted" in str(together) or "does not exist" in str(together)


def test_points__an_infinite_box(stack: Service) -> None:
    """A tile whose box is infinite contains every point."""
    box: dict[str, Any] = {"minX": "-Infinity", "minY": 0, "maxX": "Infinity", "maxY": 80}
    body = {"tileIdToSpecMap": {"a": tile("a", **box), "b": tile("b", minX=0, minY=0, maxX=100, maxY=80)}}
    assert stack.send("PUT", f"{STACK}/resolvedTiles", body).status_code == 201

    points = [{"world": [5, 6]}, {"world": [1e300, 6]}]
    found = stack.send("PUT", f"{STACK}/z/1/tileIdsForCoordinates", points).json()

    assert [[place["tileId"] for place in places] for places in found] == [["a", "b"], ["a"]]


@pytest.mark.parametrize("head", [[], [REFERENCE]], ids=["alone", "behind a lens"])
@pytest.mark.parametrize("numbers", ["NaN 0 0 1 5 5", "1e999 0 0 1 5 5"])
def test_points__into_a_tile_that_is_not_finite(stack: Service, head: list[dict[str, Any]], numbers: str) -> None:
    """Points inside the box of a tile whose affine is not finite are mapped to NaN, not refused."""
    one = tile("a", minX=0, minY=0, maxX=100, maxY=80)
    one["transforms"]["specList"] = [*head, _affine(numbers)]
    body = {"transformIdToSpecMap": {"lens": LENS}, "tileIdToSpecMap": {"a": one}}
    assert stack.send("PUT", f"{STACK}/resolvedTiles", body).status_code == 201

    found = stack.send("PUT", f"{STACK}/z/1/world-to-local-coordinates", [{"world": [5, 6]}]).json()

    assert found == [[{"tileId": "a", "visible": True, "local": ["NaN", "NaN", 1.0]}]]


def test_lens__read_and_meshed_once(stack: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lens of many tiles is evaluated once per request: for all boxes, and for the mesh."""
    calls: list[int] = []
    meshes: list[object] = []
    apply = NonLinearCoordinateTransform.apply

    def counted(lens: NonLinearCoordinateTransform, points: FloatArray) -> FloatArray:
        calls.append(len(points))
        return apply(lens, points)

    def meshed(*given: Any) -> MeshInverse:
        meshes.append(given)
        return MeshInverse(*given)

    monkeypatch.setattr(NonLinearCoordinateTransform, "apply", counted)
    monkeypatch.setattr(tile_maps, "MeshInverse", meshed)
    placed = [
        tile(f"t{n}", transforms={"type": "list", "specList": [REFERENCE, _affine(f"1 0 0 1 {90 * n} 0")]})
        for n in range(40)
    ]

    assert stack.save(*placed, shared={"lens": LENS}).status_code == 201
    assert len([count for count in calls if count > 1]) == 1
    points = [{"world": [90 * n + 40, 30]} for n in range(40)]
    found = stack.send("PUT", f"{STACK}/z/1/world-to-local-coordinates", points).json()

    assert {place["tileId"] for places in found for place in places} == {one["tileId"] for one in placed}
    assert len(meshes) == 1
