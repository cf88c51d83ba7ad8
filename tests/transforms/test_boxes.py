"""Boxes, corners and meshes of many tiles."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.transforms import (
    AffineModel2D,
    MeshInverse,
    TransformList,
    affine_boxes,
    affine_corners,
    affines_apply,
    lens_boxes,
    mesh_triangles,
    mesh_vertices,
    tile_box,
)
from tests.transforms.examples import EXAMPLES


def affines(count: int = 60) -> FloatArray:
    """Return affines of all kinds: turned, mirrored, flat, whole."""
    rng = np.random.default_rng(8)
    matrices = rng.normal(size=(count, 2, 3)) * [1, 1, 1e4]
    matrices[::5] = np.round(matrices[::5])
    matrices[::7, 0, :2] = 0
    return matrices


def test_affine_boxes__as_one_by_one() -> None:
    """A column of tiles has the boxes that the tiles have one by one, to the last bit."""
    rng = np.random.default_rng(9)
    matrices, (widths, heights) = affines(), rng.integers(2, 3000, size=(2, 60))
    boxes = affine_boxes(matrices, widths, heights)
    expected = [
        list(tile_box(AffineModel2D(matrix), width, height))
        for matrix, width, height in zip(matrices, widths, heights, strict=True)
    ]
    np.testing.assert_array_equal(boxes, expected)


def test_affine_corners() -> None:
    """Corners go round from (0, 0), sizes given once or for each."""
    expected = [AffineModel2D(matrix).apply([(0, 0), (90, 0), (90, 40), (0, 40)]) for matrix in affines()]
    # Pixels: at coordinates of 1e4.
    np.testing.assert_allclose(affine_corners(affines(), 90, 40), expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(affine_corners(affines(), [90] * 60, [40] * 60), affine_corners(affines(), 90, 40))


def test_affines_apply() -> None:
    """The same points for all, or each tile's own."""
    points = np.random.default_rng(1).random((5, 2))
    expected = [AffineModel2D(matrix).apply(points) for matrix in affines()]
    np.testing.assert_array_equal(affines_apply(affines(), points), expected)
    np.testing.assert_array_equal(affines_apply(affines(), np.broadcast_to(points, (60, 5, 2))), expected)


@pytest.mark.parametrize("count", [0, 1, 60, 1200])
def test_lens_boxes__as_one_by_one(count: int) -> None:
    """Tiles that share a lens have the boxes that they have one by one."""
    lens, matrices = EXAMPLES["lens"], affines(count)
    boxes = lens_boxes(lens, matrices, 200, 100, cell_size=16)
    expected = [list(tile_box(TransformList([lens, AffineModel2D(m)]), 200, 100, cell_size=16)) for m in matrices[:60]]
    np.testing.assert_array_equal(boxes[:60], np.reshape(expected, (-1, 4)))
    assert boxes.shape == (count, 4)


def test_affine_boxes__wrong_shape() -> None:
    """One matrix is no column of them."""
    with pytest.raises(TransformError, match=r"affine matrices are \(N, 2, 3\), these are \(2, 3\)"):
        affine_boxes(np.eye(2, 3), 9, 9)


@pytest.mark.parametrize("size", [(2048, 2048, 64), (100, 80, 64), (640, 1000, 16), (3, 500, 64)])
def test_mesh__covers_the_tile(size: tuple[int, int, int]) -> None:
    """The triangles turn the same way, do not overlap and cover the tile but its last pixel."""
    vertices, triangles = mesh_vertices(*size), mesh_triangles(*size)
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (doubled > 0).all()
    assert doubled.sum() / 2 == pytest.approx((size[0] - 1) * (size[1] - 1), rel=1e-12)
    assert sorted(set(triangles.ravel().tolist())) == list(range(len(vertices)))


def test_mesh__first_triangles() -> None:
    """A small mesh, vertex by vertex: a row, the shifted row, a row."""
    np.testing.assert_allclose(mesh_vertices(100, 80), [(0, 0), (99, 0), (49.5, 39.5), (0, 79), (99, 79)], rtol=1e-15)
    assert mesh_triangles(100, 80).tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 4], [2, 1, 4]]


def test_mesh_inverse__mirror() -> None:
    """Nothing behind a mirror is found, a turned tile is."""
    mirror, turn = AffineModel2D([[-1, 0, 99], [0, 1, 0]]), AffineModel2D([[-1, 0, 99], [0, -1, 79]])
    assert np.isnan(MeshInverse(mirror, 100, 80).find([[50, 40], [0, 0]])).all()
    np.testing.assert_allclose(MeshInverse(turn, 100, 80).find([50, 40]), [49, 39], rtol=1e-14)


def test_mesh_inverse__near_the_exact_one() -> None:
    """A fine mesh comes close to the exact inverse, for any leading shape."""
    lens = EXAMPLES["lens"]
    points = lens.apply(np.random.default_rng(2).random((4, 5, 2)) * [198, 98])
    exact = lens.inverse().apply(points)
    # Pixels: over 4 px the lens bends by less.
    np.testing.assert_allclose(MeshInverse(lens, 200, 100, 4).apply(points), exact, rtol=0, atol=0.01)
    assert MeshInverse(lens, 200, 100).inverse() is lens
