"""Interpolation, downsampling and level selection."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.rendering.images.levels import average_scale, best_level, halved
from rendergateway.rendering.pixels.sampling import Pixels, bilinear, nearest
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D
from tests.rendering.conftest import texture


def test_bilinear__last_row_and_column_are_black() -> None:
    """The last row and column cannot be interpolated: they are 0, as in the service."""
    image = texture(5, 6)
    x, y = np.meshgrid(np.arange(6.0), np.arange(5.0))

    found = bilinear(image, x.ravel(), y.ravel()).reshape(5, 6)

    assert (found[:4, :5] == image[:4, :5]).all()
    assert not found[4].any()
    assert not found[:, 5].any()


def test_bilinear__of_one_row_is_black() -> None:
    """An image of a single row has no pixels to interpolate between."""
    assert not bilinear(texture(1, 6), np.array([2.5]), np.array([0.0])).any()


def test_nearest__halves_go_up() -> None:
    """Nearest-neighbour sampling rounds positions half up."""
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)

    assert nearest(image, np.array([[0.4, 0.5, 3.2]]), np.array([[0.0, 1.5, 2.9]])).tolist() == [[0, 9, 11]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_halved__means_are_cut(dtype: type) -> None:
    """Downsampling takes truncated means of 2 × 2 pixels and drops an odd last row or column."""
    image: Pixels = np.random.default_rng(2).integers(0, np.iinfo(dtype).max, (31, 22), dtype=dtype, endpoint=True)

    found = halved(image)

    assert found.dtype == dtype
    assert (found == image[:30].reshape(15, 2, 11, 2).astype(np.int64).sum(axis=(1, 3)) // 4).all()
    assert (halved(image, 2) == halved(found)).all()
    assert halved(image, 6).size == 0


@pytest.mark.parametrize(("scale", "level"), [(2.0, 0), (1.0, 0), (0.51, 0), (0.5, 1), (0.26, 1), (0.25, 2), (0.0, 30)])
def test_level__halves_as_long_as_it_is_not_too_small(scale: float, level: int) -> None:
    """The selected level is the smallest one that is not enlarged."""
    assert best_level(scale) == level
    if scale:
        assert best_level(average_scale(AffineModel2D([[scale, 0, 5], [0, scale, 9]]), 2048, 1024)) == level


def test_scale__of_a_small_tile_is_one() -> None:
    """A tile not wider than a mesh cell has scale 1."""
    assert average_scale(AffineModel2D([[0.1, 0, 0], [0, 0.1, 0]]), 64, 5000) == 1.0


def test_scale__of_a_curved_tile_is_that_of_the_best_affine() -> None:
    """The scale of a nonlinear transform is that of its best-fitting affine."""
    bend = PolynomialTransform2D([[3, 0.5, 0, 0, 1e-6, 0], [0, 0, 0.25, 0, 0, 1e-6]])

    assert average_scale(bend, 2048, 2048) == pytest.approx(0.5, abs=5e-3)
