"""Interpolation, downsampling and level selection."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway.rendering.images.levels import average_scale, best_level, halved
from rendergateway.rendering.pixels.sampling import Pixels, nearest, sampled_affine, sampled_at, sampled_exactly
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D
from tests.rendering.conftest import texture

ROTATED = np.array([[0.98, -0.17, 60.3], [0.17, 0.98, -10.7]])


def places(matrix: npt.NDArray[Any], width: int, height: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    x, y = np.meshgrid(np.arange(float(width)), np.arange(float(height)))
    return matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2], matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]


def test_opencv__bilinear_is_exact() -> None:
    """OpenCV interpolation differs from the exact one by at most one grey level, and rarely."""
    image = texture(500, 600)
    x, y = places(ROTATED, 500, 450)
    inside = (x >= 0) & (y >= 0) & (x < 599) & (y < 499)

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image, ROTATED, (500, 450), flags=flags)
    mapped = cv2.remap(image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)

    wanted = sampled_exactly(image, x, y).astype(int)
    for found in (warped, mapped):
        off = np.abs(found.astype(int) - wanted)[inside]
        assert off.max() <= 1
        assert (off > 0).mean() < 0.02


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_affine__halves_are_rounded_up(dtype: type) -> None:
    """At regular pixel fractions, where exact halves are common, values equal the exact interpolation."""
    image: npt.NDArray[Any] = texture(300, 400).astype(dtype) * (1 if dtype is np.uint8 else 257)
    matrix = np.array([[1.0, 0.0, 3.5], [0.0, 1.0, 7.25]])

    found = sampled_affine(image, matrix, 390, 290)

    assert found.dtype == dtype
    assert (found == sampled_exactly(image, *places(matrix, 390, 290))).all()


def test_affine__colours_one_by_one() -> None:
    """Colour channels are interpolated independently."""
    image = np.stack([texture(90, 80, seed) for seed in (1, 2, 3)], axis=2)

    found = sampled_affine(image, ROTATED * [1, 1, 0.1], 60, 50)

    for colour in range(3):
        assert (found[..., colour] == sampled_affine(image[..., colour].copy(), ROTATED * [1, 1, 0.1], 60, 50)).all()


def test_exactly__last_row_and_column_are_black() -> None:
    """The last row and column cannot be interpolated: they are 0, as in the service."""
    image = texture(5, 6)
    x, y = np.meshgrid(np.arange(6.0), np.arange(5.0))

    found = sampled_exactly(image, x, y)

    assert (found[:4, :5] == image[:4, :5]).all()
    assert not found[4].any()
    assert not found[:, 5].any()


def test_maps__give_what_the_affine_gives() -> None:
    """Sampling with a pixel map equals warping with the affine."""
    image = texture(300, 300)
    x, y = (place.astype(np.float32) for place in places(ROTATED, 200, 200))

    off = sampled_at(image, x, y).astype(int) - sampled_affine(image, ROTATED, 200, 200).astype(int)

    assert np.abs(off[20:180, 20:180]).max() <= 1


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
