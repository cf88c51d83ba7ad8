"""Tile pairs from bounding boxes: the rule, tile by tile, against the columns."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from rendergateway.alignment.tile_pairs import PairRule, TileBoxes, pairs_across, pairs_within
from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds, FloatArray

Pair = tuple[str, str, str, str, str, str, float]


def layer(boxes: Any, *, prefix: str = "t", group: str = "1.0") -> TileBoxes:
    found = np.array(boxes, dtype=float).reshape(-1, 4)
    ids = np.array([f"{prefix}{number}" for number in range(len(found))], dtype=object)
    return TileBoxes(ids, np.full(len(found), group, dtype=object), found)


def scattered(count: int, seed: int, *, size: int = 100, step: int = 60) -> FloatArray:
    """Boxes of different sizes, some of them far away or without area."""
    random = np.random.default_rng(seed)
    corner = random.integers(-step * 6, step * 6, (count, 2)).astype(float)
    sides = random.integers(0, size, (count, 2)) * (random.random((count, 1)) > 0.05)
    corner[0] += 10_000
    return np.hstack([corner, corner + sides])


def is_near(one: FloatArray, other: FloatArray, rule: PairRule) -> bool:
    x, y = (one[:2] + one[2:]) / 2
    radius = rule.radius_px if rule.radius_px is not None else rule.radius_factor * max(one[2:] - one[:2])
    dx = max(other[0] - x, x - other[2], 0.0)
    dy = max(other[1] - y, y - other[3], 0.0)
    if np.hypot(dx, dy) > radius:
        return False
    u, v = (other[:2] + other[2:]) / 2
    return rule.corners or bool(one[0] <= u <= one[2] or one[1] <= v <= one[3])


def ordered(one: tuple[str, str, str], other: tuple[str, str, str], delta: float) -> Pair:
    p, q = sorted([one, other])
    return (*p, *q, delta)


def expected_within(tiles: TileBoxes, rule: PairRule) -> set[Pair]:
    found = set()
    for i, j in itertools.permutations(range(len(tiles)), 2):
        if is_near(tiles.boxes[i], tiles.boxes[j], rule):
            dx, dy = (tiles.boxes[j] - tiles.boxes[i])[:2]
            at = ("LEFT" if dx > 0 else "RIGHT") if abs(dx) > abs(dy) else ("TOP" if dy >= 0 else "BOTTOM")
            opposite = {"LEFT": "RIGHT", "RIGHT": "LEFT", "TOP": "BOTTOM", "BOTTOM": "TOP"}[at]
            one, other = (tiles.groups[i], tiles.ids[i], at), (tiles.groups[j], tiles.ids[j], opposite)
            found.add(ordered(one, other, 0.0))
    return found


def rows(table: Any) -> list[Pair]:
    names = ("p_group", "p_id", "p_position", "q_group", "q_id", "q_position", "delta_z")
    return list(zip(*(getattr(table, name).tolist() for name in names), strict=True))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "rule", [PairRule(), PairRule(corners=True), PairRule(radius_px=75.0), PairRule(radius_factor=0)]
)
def test_pairs_within__as_tile_by_tile(seed: int, rule: PairRule) -> None:
    """The pairs of a layer are those of the rule, each once."""
    tiles = layer(scattered(70, seed))

    found = rows(pairs_within(tiles, rule))

    assert len(found) == len(set(found))
    assert set(found) == expected_within(tiles, rule)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_across__as_tile_by_tile(seed: int) -> None:
    """The pairs of two layers have no position, and the corners of the first one count."""
    rule = PairRule()
    one, other = layer(scattered(40, seed), group="9.0"), layer(scattered(40, seed + 50), prefix="u", group="10.0")

    found = rows(pairs_across(one, other, 2.0, rule))

    expected = {
        ordered((one.groups[i], one.ids[i], ""), (other.groups[j], other.ids[j], ""), 2.0)
        for i, j in itertools.product(range(40), range(40))
        if is_near(one.boxes[i], other.boxes[j], rule)
    }
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert {row[0] for row in found} == {"10.0"}


def test_pairs_within__same_place() -> None:
    """Two tiles with the same corner make two pairs, with opposite positions."""
    found = rows(pairs_within(layer([[0, 0, 100, 100], [0, 0, 90, 100]]), PairRule()))

    assert [(row[2], row[5]) for row in sorted(found)] == [("BOTTOM", "TOP"), ("TOP", "BOTTOM")]


def test_pairs_within__sources() -> None:
    """Only the neighbours of the sources are pairs, judged from their side."""
    tiles = layer([[0, 0, 100, 100], [90, 0, 190, 100], [180, 0, 280, 100]])

    found = pairs_within(tiles, PairRule(), np.array([True, False, False]))

    assert [row[1:5:3] for row in rows(found)] == [("t0", "t1")]


def test_pairs_within__without_position() -> None:
    """A position drops all pairs along its axis."""
    tiles = layer([[0, 0, 100, 100], [90, 0, 190, 100], [0, 90, 100, 190]])

    found = rows(pairs_within(tiles, PairRule(without_position="LEFT")))

    assert [row[2] for row in found] == ["TOP"]


def test_pairs__other_section_only() -> None:
    """Tiles of the same group are left out if they must be of two sections."""
    tiles = layer([[0, 0, 100, 100], [90, 0, 190, 100], [180, 0, 280, 100]])
    tiles.groups[2] = "1.1"

    found = rows(pairs_within(tiles, PairRule(same_section=False)))

    assert [(row[1], row[4]) for row in found] == [("t1", "t2")]


def test_pairs__same_ids() -> None:
    """Two tiles of one group and id cannot be a pair."""
    with pytest.raises(RecordError, match=r"1\.0/t0 twice"):
        pairs_across(layer([0, 0, 9, 9]), layer([0, 0, 9, 9]), 1.0, PairRule())


def test_neighbours__in_32_bits() -> None:
    """Distance and radius are compared in 32 bits, so a gap of a thousandth at ten million pixels does not count."""
    far = 1e7
    tiles = layer([[far, 0, far + 100, 100], [far + 140.001, 0, far + 300, 100]])

    assert len(pairs_within(tiles, PairRule(radius_px=90.0))) == 1
    assert len(pairs_within(tiles, PairRule(radius_px=85.0))) == 0


@pytest.mark.parametrize("seed", range(6))
def test_visible__as_pixel_by_pixel(seed: int) -> None:
    """A tile is hidden if each of its pixels is covered by tiles with greater ids."""
    random = np.random.default_rng(seed)
    corner = random.integers(0, 30, (9, 2))
    boxes = np.hstack([corner, corner + random.integers(0, 25, (9, 2))])
    tiles = layer(boxes)

    hidden = []
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        seen = np.zeros((60, 60), dtype=bool)
        seen[y0:y1, x0:x1] = True
        for u0, v0, u1, v1 in boxes[number + 1 :]:
            seen[v0:v1, u0:u1] = False
        hidden.append(not seen.any())

    assert tiles.visible().ids.tolist() == tiles.ids[~np.array(hidden)].tolist()
    assert any(hidden) or seed


def test_touching__border_included() -> None:
    """A tile whose edge is that of the box touches it."""
    tiles = layer([[0, 0, 10, 10], [10, 10, 20, 20], [11, 11, 20, 20]])

    assert tiles.touching(Bounds(-5, -5, 10, 10)).ids.tolist() == ["t0", "t1"]


def test_pairs__none() -> None:
    """A layer without tiles has no pairs."""
    assert (
        len(pairs_within(layer([]), PairRule()))
        == len(pairs_across(layer([]), layer([0, 0, 9, 9]), 1, PairRule()))
        == 0
    )
