"""Boxes, corners and meshes of many tiles."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, boxes_under
from rendergateway.transforms import (
    AffineModel2D,
    MeshInverse,
    TransformList,
    affine_boxes,
    affine_corners,
    affines_apply,
    affines_undo,
    find_in_triangles,
    lens_boxes,
    mesh_triangles,
    mesh_vertices,
    tile_box,
)
from tests.transforms.examples import EXAMPLES


def affines(count: int = 60) -> FloatArray:
    """Return affines of all kinds: rotated, mirrored, singular, with whole numbers."""
    rng = np.random.default_rng(8)
    matrices = rng.normal(size=(count, 2, 3)) * [1, 1, 1e4]
    matrices[::5] = np.round(matrices[::5])
    matrices[::7, 0, :2] = 0
    return matrices


def test_affine_boxes__as_one_by_one() -> None:
    """Vectorized boxes equal the boxes of single tiles to the last bit."""
    rng = np.random.default_rng(9)
    matrices, (widths, heights) = affines(), rng.integers(2, 3000, size=(2, 60))
    boxes = affine_boxes(matrices, widths, heights)
    expected = [
        list(tile_box(AffineModel2D(matrix), width, height))
        for matrix, width, height in zip(matrices, widths, heights, strict=True)
    ]
    np.testing.assert_array_equal(boxes, expected)


def test_affine_corners() -> None:
    """Corners are ordered around the tile from (0, 0); sizes may be common or per tile."""
    expected = [AffineModel2D(matrix).apply([(0, 0), (90, 0), (90, 40), (0, 40)]) for matrix in affines()]
    # Pixels: at coordinates of 1e4.
    np.testing.assert_allclose(affine_corners(affines(), 90, 40), expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(affine_corners(affines(), [90] * 60, [40] * 60), affine_corners(affines(), 90, 40))


def test_affines_apply() -> None:
    """Points may be common to all tiles or per tile."""
    points = np.random.default_rng(1).random((5, 2))
    expected = [AffineModel2D(matrix).apply(points) for matrix in affines()]
    np.testing.assert_array_equal(affines_apply(affines(), points), expected)
    np.testing.assert_array_equal(affines_apply(affines(), np.broadcast_to(points, (60, 5, 2))), expected)


@pytest.mark.parametrize("count", [0, 1, 60, 1200])
def test_lens_boxes__as_one_by_one(count: int) -> None:
    """Boxes of tiles that share a lens equal the boxes of single tiles."""
    lens, matrices = EXAMPLES["lens"], affines(count)
    boxes = lens_boxes(lens, matrices, 200, 100, cell_size=16)
    expected = [list(tile_box(TransformList([lens, AffineModel2D(m)]), 200, 100, cell_size=16)) for m in matrices[:60]]
    np.testing.assert_array_equal(boxes[:60], np.reshape(expected, (-1, 4)))
    assert boxes.shape == (count, 4)


def test_affine_boxes__wrong_shape() -> None:
    """A single matrix is rejected where a column of matrices is expected."""
    with pytest.raises(TransformError, match=r"affine matrices must have shape \(N, 2, 3\): got \(2, 3\)"):
        affine_boxes(np.eye(2, 3), 9, 9)


@pytest.mark.parametrize("size", [(2048, 2048, 64), (100, 80, 64), (640, 1000, 16), (3, 500, 64)])
def test_mesh__covers_the_tile(size: tuple[int, int, int]) -> None:
    """The triangles have one orientation, do not overlap and cover the tile except for its last pixel."""
    vertices, triangles = mesh_vertices(*size), mesh_triangles(*size)
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (doubled > 0).all()
    assert doubled.sum() / 2 == pytest.approx((size[0] - 1) * (size[1] - 1), rel=1e-12)
    assert sorted(set(triangles.ravel().tolist())) == list(range(len(vertices)))


def test_mesh__first_triangles() -> None:
    """A small mesh consists of a full row, a shifted row and a full row."""
    np.testing.assert_allclose(mesh_vertices(100, 80), [(0, 0), (99, 0), (49.5, 39.5), (0, 79), (99, 79)], rtol=1e-15)
    assert mesh_triangles(100, 80).tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 4], [2, 1, 4]]


def test_mesh_inverse__mirror() -> None:
    """A mirrored tile has no mesh inverse, a rotated one has."""
    mirror, turn = AffineModel2D([[-1, 0, 99], [0, 1, 0]]), AffineModel2D([[-1, 0, 99], [0, -1, 79]])
    assert np.isnan(MeshInverse(mirror, 100, 80).find([[50, 40], [0, 0]])).all()
    np.testing.assert_allclose(MeshInverse(turn, 100, 80).find([50, 40]), [49, 39], rtol=1e-14)


def test_mesh_inverse__near_the_exact_one() -> None:
    """A fine mesh approximates the exact inverse, for any leading shape."""
    lens = EXAMPLES["lens"]
    points = lens.apply(np.random.default_rng(2).random((4, 5, 2)) * [198, 98])
    exact = lens.inverse().apply(points)
    # Pixels: the lens deviates from an affine by less within 4 px.
    np.testing.assert_allclose(MeshInverse(lens, 200, 100, 4).apply(points), exact, rtol=0, atol=0.01)
    assert MeshInverse(lens, 200, 100).inverse() is lens


def test_affines_undo() -> None:
    """Each point is mapped back with its own affine; NaN if that has no inverse."""
    points = np.random.default_rng(2).random((60, 2))
    matrices = affines()
    back = affines_undo(matrices, affines_apply(matrices, points[:, np.newaxis])[:, 0])
    is_flat = np.linalg.det(matrices[:, :, :2]) == 0
    assert 0 < is_flat.sum() < 60
    assert np.isnan(back[is_flat]).all()
    # Pixels: at coordinates of 1e4.
    np.testing.assert_allclose(back[~is_flat], points[~is_flat], rtol=0, atol=1e-9)


@pytest.mark.parametrize("few", [0, 1 << 14])
@pytest.mark.parametrize("size", [1e-9, 0.1, 1.0, 1e200])
@pytest.mark.parametrize("pairs_at_once", [1, 7, 1 << 20])
def test_boxes_under__as_one_by_one(pairs_at_once: int, size: float, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every box that contains a point is found, borders included, for any chunk size and any size of boxes."""
    monkeypatch.setattr(f"{boxes_under.__module__}._PAIRS_AT_ONCE", pairs_at_once)
    monkeypatch.setattr(f"{boxes_under.__module__}._FEW_PAIRS", few)
    rng = np.random.default_rng(4)
    points, corners = (size * rng.integers(0, 20, (count, 2)).astype(np.float64) for count in (40, 30))
    boxes = np.hstack([corners, corners + rng.integers(0, 9, (30, 2)) * size])
    points[3, 0], points[4, 1], boxes[5, 3], boxes[6, 0] = np.nan, np.inf, np.nan, -np.inf
    expected = [
        (row, box)
        for row, (x, y) in enumerate(points)
        for box, (min_x, min_y, max_x, max_y) in enumerate(boxes)
        if min_x <= x <= max_x and min_y <= y <= max_y and box != 6
    ]

    assert list(zip(*(rows.tolist() for rows in boxes_under(points, boxes)), strict=True)) == expected
    assert [len(rows) for rows in boxes_under(points[:0], boxes)] == [0, 0]
    assert [len(rows) for rows in boxes_under(points, boxes[:0])] == [0, 0]


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_find_in_triangles__as_one_by_one(is_mirrored: bool) -> None:
    """Points of many tiles with one lens are mapped back like with the mesh of each tile, NaN for mirrored tiles."""
    lens = EXAMPLES["polynomial"]
    rng = np.random.default_rng(5)
    matrices = np.tile([[1.0, 0.1, 300.0], [-0.1, 1.0, 200.0]], (6, 1, 1)) + rng.normal(size=(6, 2, 3)) * [
        0.05,
        0.05,
        50,
    ]
    matrices[1, 1] *= -1 if is_mirrored else 1
    vertices, triangles = mesh_vertices(500, 400), mesh_triangles(500, 400)
    which, local = np.repeat(np.arange(6), 50), rng.uniform(-20, 520, (300, 2))
    world = affines_apply(matrices[which], lens.apply(local)[:, np.newaxis])[:, 0]

    found = find_in_triangles(world, vertices[triangles], lens.apply(vertices)[triangles], matrices[which])

    meshes = [MeshInverse(TransformList([lens, AffineModel2D(matrix)]), 500, 400) for matrix in matrices]
    expected = [meshes[tile].find(point) for tile, point in zip(which, world, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert np.isnan(found[which == 1]).all() == is_mirrored
    assert np.isnan(found[which == 0]).any(axis=1).any()
    assert not np.isnan(found[which == 0]).all()


@pytest.mark.parametrize(
    "matrix",
    [
        [[1e-9, 0, 5e4], [0, 1, 7e4]],
        [[1e-7, 1e-7, 0], [0, 1, 3e5]],
        [[1, 2, 0], [1, 2, 0]],
        [[np.inf, 0, 0], [0, 1, 0]],
    ],
    ids=["narrow", "sheared", "singular", "infinite"],
)
def test_find_in_triangles__steep_affine(matrix: list[list[float]]) -> None:
    """Behind an affine that is hard to undo, points are found as with the mesh of the tile alone, to the last bit."""
    lens, affine = EXAMPLES["polynomial"], np.array(matrix)
    vertices = mesh_vertices(500, 400)
    with np.errstate(invalid="ignore"):
        world = affines_apply(affine[np.newaxis], lens.apply(vertices))[0]
        alone = MeshInverse(TransformList([lens, AffineModel2D(matrix)]), 500, 400).find(world)

        found = MeshInverse(lens, 500, 400).find(world, np.broadcast_to(affine, (len(world), 2, 3)))

    np.testing.assert_array_equal(found, alone)
    assert np.isfinite(found).any() == (abs(affine[0, 0]) < 1)


def test_find_in_triangles__flat() -> None:
    """A point on a degenerate triangle has no inverse, even if rounding hides that it is degenerate."""
    random = np.random.default_rng(2)
    source = random.uniform(0, 100, (200, 3, 2))
    first, along = random.uniform(0, 100, (200, 1, 2)), random.integers(1, 9, (200, 1, 2)).astype(float)
    target = np.round(first) + np.array([0.0, 1.0, 3.0])[:, None] * along

    found = [find_in_triangles(target[one, 1:2], source[[one]], target[[one]]) for one in range(len(target))]

    assert np.isnan(found).all()
