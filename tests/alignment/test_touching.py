"""Boxes that touch, against all with all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from rendergateway.alignment import touching as module
from rendergateway.alignment.touching import Indices, touching, touching_each_other
from rendergateway.geometry import FloatArray


def boxes_of(count: int, seed: int) -> FloatArray:
    """Boxes of many sizes, a hundred times larger and a million times farther away now and then."""
    random = np.random.default_rng(seed)
    corners, sides = random.normal(0, 500, (count, 2)), random.lognormal(3, 1, (count, 2))
    sides[random.random(count) < 0.1] *= 100
    corners[random.random(count) < 0.05] *= 1e6
    sides[random.random(count) < 0.05] = 0
    return np.hstack([corners, corners + sides])


def expected(areas: FloatArray, boxes: FloatArray) -> set[tuple[int, int]]:
    a, b = areas[:, np.newaxis], boxes[np.newaxis]
    touch = ((a[..., :2] <= b[..., 2:]) & (a[..., 2:] >= b[..., :2])).all(axis=-1)
    return set(zip(*(rows.tolist() for rows in np.nonzero(touch)), strict=True))


def grown(boxes: FloatArray) -> FloatArray:
    """Boxes with four units of their last place in 32 bits around them."""
    margins = 4 * np.spacing(np.abs(boxes).max(axis=1, keepdims=True, initial=1).astype(np.float32))
    return np.hstack([boxes[:, :2] - margins, boxes[:, 2:] + margins])


def listed(areas: FloatArray, boxes: FloatArray, *, each_other: bool = False) -> list[tuple[int, int]]:
    blocks = (touching_each_other if each_other else touching)(areas, boxes)
    return [pair for one, other in blocks for pair in zip(one.tolist(), other.tolist(), strict=True)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("counts", [(300, 200), (700, 40), (40, 700), (1, 1), (0, 5), (5, 0)])
def test_touching__all_with_all(counts: tuple[int, int], seed: int) -> None:
    """All areas and boxes that touch are found once, and few others, whatever their sizes and places."""
    areas, boxes = boxes_of(counts[0], seed), boxes_of(counts[1], seed + 100)

    found = listed(areas, boxes)

    touch = expected(areas, boxes)
    assert len(found) == len(set(found))
    assert touch <= set(found) <= expected(grown(areas), grown(boxes))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [0, 1, 60, 500])
def test_touching_each_other__all_with_all(count: int, seed: int) -> None:
    """Two rows are found once if the area of either touches the box of the other, no row with itself."""
    boxes = boxes_of(count, seed)
    margins = np.random.default_rng(seed).uniform(-30, 100, (count, 1))
    areas = np.hstack([boxes[:, :2] - margins, boxes[:, 2:] + margins])

    found = listed(areas, boxes, each_other=True)

    touch = {(min(pair), max(pair)) for pair in expected(areas, boxes) if pair[0] != pair[1]}
    assert all(one != other for one, other in found)
    unordered = [(min(pair), max(pair)) for pair in found]
    assert len(unordered) == len(set(unordered))
    assert touch <= set(unordered)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300, -3.5e38])
def test_touching__not_finite(number: float) -> None:
    """Boxes that are not finite in 32 bits touch nothing, and the others touch as before."""
    boxes = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [0, 0, 10, 10.0]])
    boxes[2, 2] = number

    assert sorted(listed(boxes, boxes)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert listed(boxes, boxes, each_other=True) in ([(0, 1)], [(1, 0)])


@pytest.mark.parametrize(
    "wild", [[0, 0, 1e6, 1e6], [1e12, 1e12, 1e12 + 100, 1e12 + 100], [-1e30, 0, 1e30, 100], [50, 50, 50, 50]]
)
def test_touching__one_wild_box(monkeypatch: pytest.MonkeyPatch, wild: list[float]) -> None:
    """One box of another size or place does not multiply the comparisons of the others."""
    compared: list[int] = []
    runs = module._runs

    def counted(first: Indices, lengths: Indices) -> Iterator[tuple[Indices, Indices]]:
        compared.append(int(lengths.sum()))
        return runs(first, lengths)

    monkeypatch.setattr(module, "_runs", counted)
    grid = 90.0 * np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=-1).reshape(-1, 2)
    boxes = np.hstack([grid, grid + 100])

    def comparisons() -> int:
        compared.clear()
        listed(boxes, boxes)
        listed(boxes, boxes, each_other=True)
        return sum(compared)

    before = comparisons()
    boxes[7] = wild

    assert comparisons() <= 1.1 * before
