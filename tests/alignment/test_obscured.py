"""Tiles that others cover completely."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.alignment.obscured import obscured


def names(count: int) -> np.ndarray:
    return np.array([f"t{number:03d}" for number in range(count)], dtype=object)


def hidden(*boxes: tuple[float, float, float, float]) -> list[bool]:
    """Which of some boxes are hidden; later ones are drawn over earlier ones."""
    found: list[bool] = obscured(np.array(boxes, dtype=float).reshape(-1, 4), names(len(boxes))).tolist()
    return found


def test_obscured__by_one() -> None:
    """A tile inside of one with a greater id is hidden; the other way round it is not."""
    assert hidden((10, 10, 20, 20), (0, 0, 30, 30)) == [True, False]
    assert hidden((0, 0, 30, 30), (10, 10, 20, 20)) == [False, False]
    assert hidden((0, 0, 30, 30), (0, 0, 30, 30)) == [True, False]


def test_obscured__by_several() -> None:
    """Tiles that only together cover another one hide it; a gap of any width shows it."""
    assert hidden((0, 0, 20, 10), (0, 0, 10, 10), (10, 0, 20, 10)) == [True, False, False]
    assert hidden((0, 0, 20, 10), (0, 0, 10, 10), (10.001, 0, 20, 10)) == [False, False, False]
    # The area suffices, and a corner is free.
    assert hidden((0, 0, 20, 20), (0, 0, 20, 15), (0, 5, 15, 20)) == [False, False, False]


def test_obscured__without_area() -> None:
    """A tile without area is hidden, and hides nothing; one without a box is neither hidden nor hides others."""
    nan = float("nan")

    assert hidden((5, 5, 5, 9), (0, 0, 1, 1)) == [True, False]
    assert hidden((nan, 0, 9, 9), (0, 0, 9, 9)) == [False, False]
    assert hidden((nan, nan, nan, nan)) == [False]
    assert hidden() == []


def test_obscured__ids_decide() -> None:
    """Ids are compared as text: the tile 10 is drawn before the tile 9."""
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9.0]])

    assert obscured(boxes, np.array(["9", "10"], dtype=object)).tolist() == [False, True]


@pytest.mark.parametrize("seed", range(5))
def test_obscured__random_layers(seed: int) -> None:
    """The rule is that of pixels: a tile with whole coordinates is hidden if none of its pixels is seen."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 30, (40, 2))
    boxes = np.concatenate([corners, corners + random.integers(1, 15, (40, 2))], axis=1)
    canvas = np.full((50, 50), -1)
    for number, (min_x, min_y, max_x, max_y) in enumerate(boxes.tolist()):
        canvas[min_y:max_y, min_x:max_x] = number

    found = obscured(boxes.astype(float), names(len(boxes)))

    assert np.flatnonzero(~found).tolist() == sorted(set(canvas.ravel().tolist()) - {-1})
    assert found.any()
