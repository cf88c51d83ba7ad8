"""Matches of a solve as columns."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.alignment.solve_matches import TileMatches


@pytest.mark.parametrize(("weights", "size"), [([0.5, 0.5, 0.5], 1), ([0.5, 0.5, 1.0], 3)])
def test_weights__equal_ones_are_in_memory_once(weights: list[float], size: int) -> None:
    """Equal weights take the memory of one, also in a selection of points; others are kept as they are."""
    points = np.arange(6.0).reshape(3, 2)
    matches = TileMatches(np.array([[0, 1], [1, 2]]), np.array([0, 2, 3]), points, points, np.array(weights))

    assert matches.weights.tolist() == weights
    assert len({matches.weights[place : place + 1].ctypes.data for place in range(3)}) == size
    assert matches.of_points(np.array([True, False, True])).weights.tolist() == [weights[0], weights[2]]
