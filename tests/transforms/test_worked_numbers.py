"""
Reference values from other implementations: the service's Java classes, or formulas computed independently.

Tolerances are relative unless stated in pixels.
"""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import read_tiles
from rendergateway.errors import NotInvertibleError, TransformError
from rendergateway.transforms import (
    CLASSES,
    AffineModel2D,
    AffineWarpFieldTransform,
    DisplacementFieldTransform,
    InterpolatedTransform,
    LeafTransform,
    PolynomialTransform2D,
    ThinPlateSplineTransform,
    TransformList,
    TranslationModel2D,
    fit_thin_plate_spline,
    from_spec,
    mesh_box,
    mesh_inverse,
    tile_box,
)

# Other programs sum in another order.
RELATIVE = 1e-9

A = "0.9 0.1 -0.2 1.1 10 -5"
B = "1 -0.05 0.05 1 100 200"
POLYNOMIAL_D = (
    "67572.7357 0.972637082 -0.0266434795 -3.08962708e-06 3.52672467e-06 1.36924462e-07 "
    "5446.8534 0.022404762 0.96120261 -3.3675352e-07 -8.9721973e-07 -5.4985399e-06"
)
POLYNOMIAL_E = "0 1 0 -1e-4 0 1e-4 0 0 1 0 1e-4 0"
LENS = "2 6 1.5 0.25 -0.5 2.0 3.0 -1.0 0.125 0.0625 -0.75 0.5 0.2 -0.3 1 2 3 4 5 6 2 4 8 16 32 64 2560 2160"
SPLINE = (
    "ThinPlateSplineR2LogR 2 5 eJzb31L10H2dSKv9xtetcjsCX9pvgfD3TwHTqQe0qg7etdr02MH5kcmG34f8AW6cGbs= "
    "eJxjYEAFDpEMWAFMHIP2RKXtzfg33vsjt2O/pFmTcqb7XCi9ACq+bb99i9Ia55nz7TnB4pH7vU6+cp1/RwNKa0LFY+wjwfRmAPX/JYc="
)
MATCHES = "0 0 0 0 1 100 0 110 0 1 0 100 0 90 1 100 100 105 95 1"
# 4 × 3 vectors in 2 layers: (z+1)(x-1)/2 + y/4 and (z+1)(1-y)/2 + x/8; the first is NaN at x = y = z = 1.
FIELD = str(Path(__file__).parent / "field")
PLACED = "z=0&scale=8&offset=100,-50&vectorScale=2"
HOMOGRAPHY = "1 0.1 5 0.02 0.95 -3 0.0001 0.0002 1"

POINTS: list[tuple[str, str, Any, Any]] = [
    ("AffineModel2D", A, (0, 0), (10, -5)),
    ("AffineModel2D", A, (100, 200), (60, 225)),
    ("AffineModel2D", A, (-3.5, 7.25), (5.4, 2.625)),
    ("RigidModel2D", "0.5235987755982988 100 -20", (0, 0), (100, -20)),
    ("RigidModel2D", "0.5235987755982988 100 -20", (10, 20), (98.66025371262424, 2.320508056168052)),
    ("SimilarityModel2D", "1.2 0.3 5 6", (0, 0), (5, 6)),
    ("SimilarityModel2D", "1.2 0.3 5 6", (10, 20), (11.000000238418579, 33.000001072883606)),
    ("TranslationModel2D", "1234.5678901 -9.25", (10, 20), (1244.56787109375, 10.75)),
    ("PolynomialTransform2D", POLYNOMIAL_D, (0, 0), (67572.7357, 5446.8534)),
    ("PolynomialTransform2D", POLYNOMIAL_D, (10, 0), (67582.4617618573, 5447.077413944648)),
    ("PolynomialTransform2D", POLYNOMIAL_D, (0, 10), (67572.46927889745, 5456.464876246009)),
    ("PolynomialTransform2D", POLYNOMIAL_D, (1000, 2000), (68496.597343108, 7367.53802942)),
    ("PolynomialTransform2D", "3 4", (10, 20), (3, 4)),
    ("PolynomialTransform2D", " ".join(map(str, range(1, 21))), (2, 3), (698, 1598)),
    ("PolynomialTransform2D", POLYNOMIAL_E, (700.3, 1200.7), (795.42604, 1284.785021)),
    ("NonLinearCoordinateTransform", LENS, (0, 0), (18.4609375, -30.84375)),
    ("NonLinearCoordinateTransform", LENS, (10, 20), (53.1484375, -25.0625)),
    ("ThinPlateSplineTransform", SPLINE, (25, 75), (27.530756596169873, 78.21293241100416)),
    ("ThinPlateSplineTransform", SPLINE, (10, 20), (10.822464654196777, 23.869441629784188)),
    ("ThinPlateSplineTransform", SPLINE, (-50, 300), (-27.33882287294599, 276.10450678906153)),
    ("MovingLeastSquaresTransform2", f"affine 2 2.0 {MATCHES}", (50, 50), (53.75, 46.25)),
    ("MovingLeastSquaresTransform2", f"affine 2 2.0 {MATCHES}", (25, 75), (26.704545442110884, 68.29545455788913)),
    ("MovingLeastSquaresTransform", f"affine 2 2.0 {MATCHES}", (25, 75), (26.704545454545453, 68.29545454545453)),
    ("MovingLeastSquaresTransform2", f"affine 2 2.0 {MATCHES}", (100, 0), (110, 0)),
    ("MovingLeastSquaresTransform2", f"rigid 2 1.0 {MATCHES}", (25, 75), (26.56884498894958, 67.89934017324535)),
    ("MovingLeastSquaresTransform", f"rigid 2 1.0 {MATCHES}", (25, 75), (26.56884497156437, 67.89934015951702)),
    ("MovingLeastSquaresTransform", f"translation 2 1.0 {MATCHES}", (50, 50), (53.75, 46.25)),
    ("HomographyModel2D", HOMOGRAPHY, (0, 0), (5, -3)),
    ("HomographyModel2D", HOMOGRAPHY, (100, 200), (119.04761904761904, 180)),
    ("ExponentialFunctionOffsetTransform", "3.26097,0.0060185,0.30164,0", (0, 7), (-3.56261, 7)),
    ("ExponentialFunctionOffsetTransform", "3.26097,0.0060185,0.30164,0", (200, 7), (198.71980208157657, 7)),
    ("ExponentialFunctionOffsetTransform", "3.26097 0.0060185 , 0.30164,0", (600, 7), (599.6102417223608, 7)),
    ("ExponentialRecoveryOffsetTransform", "9.47533,0.0053344,-14.99262,1", (7, 0), (7, 14.99262)),
    ("ExponentialRecoveryOffsetTransform", "9.47533,0.0053344,-14.99262,1", (7, 200), (7, 208.77756510174976)),
    ("ExponentialRecoveryOffsetTransform", "9.47533,0.0053344,-14.99262,1", (7, 600), (7, 605.9032782226925)),
    ("SEMDistortionTransformA", "19.4,64.8,24.4,972.0,0", (0, 7), (43.8, 7)),
    ("SEMDistortionTransformA", "19.4,64.8,24.4,972.0,0", (100, 7), (126.1601901592704, 7)),
    ("SEMDistortionTransformA", "19.4,64.8,24.4,972.0,0", (1000, 7), (1008.7213757035966, 7)),
    ("SEMDistortionTransformA", "19.4,64.8,24.4,972.0,1", (100, 50), (100, 82.14464078742071)),
    ("StageCreepCorrectionTransform", "19.4,64.8,24.4,972.0,1", (100, 50), (100, 8.916830218673224)),
    ("StageCreepCorrectionTransform", "19.4,64.8,24.4,972.0,1", (1000, 2000), (1000, 1996.872645603594)),
    ("StageCreepCorrectionTransform", "19.4 64.8, ,24.4 972.0 1", (17.5, -3), (17.5, -30.1881312417936)),
    *(
        (f"ExponentialFunctionOffsetTransform{suffix}", "3.16,0.0102,0.5,0", (x, 7), (expected, 7))
        for x, *both in (
            (0, 3.66, -3.66),
            (17.5, 20.64341601973256, 14.35658398026744),
            (100, 101.63948001094693, 98.36051998905307),
            (1000, 1000.500117458207, 999.499882541793),
        )
        for suffix, expected in zip(("WithWrongSign", ""), both, strict=True)
    ),
    *(
        ("DisplacementFieldTransform", f"{FIELD}?{query}", point, expected)
        for query, point, expected in (
            (PLACED, (100, -50), (100.88888888888889, -51.02777777777778)),
            (PLACED, (108, -42), (107.57057654075547, -42.27037773359841)),
            (PLACED, (110, -45), (109.5427435387674, -45.76938369781312)),
            (PLACED, (120.5, -38.25), (118.46520874751491, -38.37375745526839)),
            (PLACED, (95, -60), (95.83333333333333, -60.666666666666664)),
            (PLACED, (300, 300), (299.1888667992048, 300.6003976143141)),
            (f"{PLACED}&z=1", (100, -50), (101.6, -52.05)),
            (f"{PLACED}&z=1", (108, -42), (108, -42.333333333333336)),
            ("z=0", (0, 0), (0.3333333333333333, -0.5416666666666667)),
            ("z=0", (1.5, 1.25), (1.1304347826086956, 1.2173913043478262)),
            ("z=0", (3, 2), (2, 2.25)),
        )
    ),
]


def read(name: str, text: str) -> LeafTransform:
    """Parse the text of a transform by its simple class name."""
    leaf = next(leaf for leaf in CLASSES.values() if leaf.__name__ == name)
    return leaf.from_data_string(text)


def affine(text: str) -> AffineModel2D:
    return AffineModel2D.from_data_string(text)


@pytest.mark.parametrize(("name", "text", "point", "expected"), POINTS)
def test_apply__worked_number(name: str, text: str, point: Any, expected: Any) -> None:
    """Points are mapped to the reference's points."""
    np.testing.assert_allclose(read(name, text).apply(point), expected, rtol=RELATIVE, atol=1e-12)


@pytest.mark.parametrize(("name", "text", "point", "expected"), POINTS)
def test_inverse__worked_number(name: str, text: str, point: Any, expected: Any) -> None:
    """The inverse maps the reference's points to points that are mapped to them."""
    transform = read(name, text)
    if text == "3 4":
        with pytest.raises(NotInvertibleError, match="AffineModel2D is not invertible"):
            transform.inverse()
    else:
        # Pixels: the reference has about ten digits; of several solutions any is valid.
        mapped = transform.apply(transform.inverse().apply(expected))
        np.testing.assert_allclose(mapped, expected, rtol=RELATIVE, atol=1e-6)


BOXES = [
    ("StageCreepCorrectionTransform", "19.4,64.8,24.4,972.0,1", (1000, 1917, 1400, 2281)),
    ("ExponentialFunctionOffsetTransformWithWrongSign", "3.16,0.0102,0,0", (1003, 2000, 1400, 2300)),
    ("ExponentialFunctionOffsetTransform", "3.16,0.0102,0,0", (996, 2000, 1400, 2300)),
]


@pytest.mark.parametrize(("name", "text", "box"), BOXES)
def test_tile_box__worked_number(name: str, text: str, box: tuple[int, ...]) -> None:
    """The box of a tile of 400 × 300 pixels, moved by (1000, 2000), is the reference's."""
    moved = TransformList([read(name, text), AffineModel2D([[1, 0, 1000], [0, 1, 2000]])])
    assert tuple(tile_box(moved, 400, 300)) == box


def test_newer_classes__text() -> None:
    """Parameters are formatted as the service formats them."""
    creep, field = read("StageCreepCorrectionTransform", "19.4 64.8 24.4 972 1"), read(*POINTS[-1][:2])
    assert creep.evolve(a=20).data_string == "20.0,64.8,24.4,972.0,1"
    assert field.evolve(z=1).data_string == f"{FIELD}?z=1&scale=1.0&offset=0.0,0.0&vectorScale=1.0"


def test_stage_creep__without_solution() -> None:
    """Where Newton's method fails the result is the service's: NaN, or the tenth step, which has no inverse."""
    assert np.isnan(read("StageCreepCorrectionTransform", "0,0,0,0,0").apply([0, 7])[0])
    creep = read("StageCreepCorrectionTransform", "19.4,64.8,24.4,972.0,1")
    found = creep.apply([[0, 0], [0, 1]])
    np.testing.assert_allclose(found, [[0, -82.17230338849724], [0, -89.03682354664959]], rtol=1e-13)
    with pytest.raises(NotInvertibleError, match=r"StageCreepCorrectionTransform is not invertible at \(0\.0, -89\.0"):
        creep.inverse().apply(found[1])


def test_stage_creep__inverse_is_the_formula() -> None:
    """The inverse is s = w + a·exp(-w/b) + c·exp(-w/d), to the last digit."""
    inverse = read("StageCreepCorrectionTransform", "19.4,64.8,24.4,972.0,1").inverse()
    formula = read("SEMDistortionTransformA", "19.4,64.8,24.4,972.0,1")
    points = np.array([[0, 8.9], [0, 500], [0, 1996.872645603594]])
    np.testing.assert_array_equal(inverse.apply(points), formula.apply(points))


def test_displacement_field__written_again(tmp_path: Path) -> None:
    """A field that is written again is read again, and a missing chunk is zero."""
    shutil.copytree(FIELD, tmp_path / "field")
    field = DisplacementFieldTransform(f"precomputed://file://{tmp_path}/field", 0)
    assert field.apply([3, 2]).tolist() == [2, 2.25]
    (tmp_path / "field/s0/3-4_2-3_0-2").unlink()
    info = tmp_path / "field/info"
    os.utime(info, ns=(0, info.stat().st_mtime_ns + 1))
    np.testing.assert_array_equal(field.apply([[3.0, 2.0], [np.nan, 0.0]]), [[3, 2], [np.nan, np.nan]])
    (tmp_path / "field/s0/0-3_0-2_0-2").write_bytes(b"1234")
    os.utime(info, ns=(0, info.stat().st_mtime_ns + 1))
    with pytest.raises(TransformError, match="cannot be read: ValueError"):
        field.apply([3, 2])


def test_affine__inverse_text() -> None:
    """The inverse of an affine equals the service's."""
    expected = (
        "1.0891089108910892 -0.09900990099009901 0.19801980198019803 0.8910891089108911 "
        "-9.900990099009901 5.445544554455446"
    )
    inverse = affine(A).inverse()
    np.testing.assert_allclose(inverse.matrix, affine(expected).matrix, rtol=1e-15)
    np.testing.assert_allclose(inverse.apply([60, 225]), [100, 200], rtol=1e-14)


def test_affine__writes_what_others_lose() -> None:
    """A shear of 4e-11 and a scale of 1.000000000049 are preserved."""
    fine = AffineModel2D([[1.000000000049, 4e-11, 0], [1e-12, 1, 0]])
    assert fine.data_string == "1.000000000049 1e-12 4e-11 1.0 0.0 0.0"
    np.testing.assert_array_equal(from_spec(fine.to_spec()).apply([1e5, 1e5]), fine.apply([1e5, 1e5]))


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [(B, A, "0.905 0.055 -0.145 1.11 109.75 194.5"), (A, B, "0.91 0.045 -0.155 1.105 60 225")],
)
def test_affine__composition(after: str, before: str, expected: str) -> None:
    """Compositions of two affines in both orders equal the reference's."""
    whole = affine(after) @ affine(before)
    assert isinstance(whole, AffineModel2D)
    np.testing.assert_allclose(whole.matrix, affine(expected).matrix, rtol=1e-14)


def test_list__square() -> None:
    """A list of two affines maps a square to the reference's points."""
    square = [(0, 0), (100, 0), (100, 100), (0, 100), (50, 50)]
    expected = [(109.75, 194.5), (200.25, 200), (185.75, 311), (95.25, 305.5), (147.75, 252.75)]
    np.testing.assert_allclose(TransformList([affine(A), affine(B)]).apply(square), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("shear", "scale", "factor", "angle"),
    [
        ("x", (0.9144110350294372, 1.104536101718726), -0.1287128712871298, 0.09065988720074511),
        ("y", (0.9219544457292888, 1.0954988119842137), -0.12871287128712935, 0.21866894587394198),
    ],
)
def test_parts(shear: Any, scale: tuple[float, float], factor: float, angle: float) -> None:
    """Scale, shear and rotation equal the reference's in both forms."""
    parts = affine(A).parts(shear)
    np.testing.assert_allclose(parts.scale, scale, rtol=1e-14)
    # The reference loses three digits by dividing by a sine.
    np.testing.assert_allclose([parts.shear, parts.rotation_rad], [factor, angle], rtol=1e-11)
    assert parts.translation == (10.0, -5.0)


@pytest.mark.parametrize("shear", ["x", "y"])
@pytest.mark.parametrize("linear", [[[0.9, -0.2], [0.1, 1.1]], [[-1, 0], [0, 1]], [[0, -2], [3, 0]], [[1, 2], [0, -3]]])
def test_parts__multiply_back(linear: Any, shear: Any) -> None:
    """The product of scale, shear and rotation is the matrix, for reflections too."""
    parts = AffineModel2D(np.column_stack([linear, [0, 0]])).parts(shear)
    cosine, sine = math.cos(parts.rotation_rad), math.sin(parts.rotation_rad)
    unit = [[1, parts.shear], [0, 1]] if shear == "x" else [[1, 0], [parts.shear, 1]]
    product = np.diag(parts.scale) @ unit @ [[cosine, -sine], [sine, cosine]]
    np.testing.assert_allclose(product, linear, rtol=0, atol=1e-14)


def test_polynomial__first_degree() -> None:
    """The first-degree part of a polynomial has the reference's scale, shear and rotation."""
    first = PolynomialTransform2D.from_data_string(POLYNOMIAL_D).first_degree
    np.testing.assert_allclose(first.scale, (0.9729938327416765, 0.9614636918943371), rtol=1e-14)
    np.testing.assert_allclose(
        [first.shear, first.rotation_rad], [-0.004081332840999978, 0.023304874001833887], rtol=1e-11
    )
    assert first.translation == (67572.7357, 5446.8534)


def test_polynomial__inverses() -> None:
    """Newton's method recovers the point; the service's mesh is off by 0.016 px."""
    bend = PolynomialTransform2D.from_data_string(POLYNOMIAL_E)
    world = bend.apply([700.3, 1200.7])
    np.testing.assert_allclose(bend.inverse().apply(world), [700.3, 1200.7], rtol=0, atol=1e-9)
    mesh = mesh_inverse(bend, 2048, 2048).apply(world)
    np.testing.assert_allclose(mesh, [700.2989748158154, 1200.6840419201098], rtol=1e-12)


@pytest.mark.parametrize("order", range(6))
def test_polynomial__coefficient_count(order: int) -> None:
    """Each order has its number of coefficients."""
    count = (2, 6, 12, 20, 30, 42)[order]
    transform = PolynomialTransform2D(np.ones((2, count // 2)))
    assert (transform.order, transform.coefficient_count) == (order, count)


def test_thin_plate__text() -> None:
    """Text written by another program has the reference's parameters; newly formatted text is equal."""
    spline = ThinPlateSplineTransform.from_data_string(SPLINE)
    assert spline.affine is not None
    np.testing.assert_allclose(
        spline.affine, [[-0.01, 0.07, -13.239760316291216], [0.08, -0.02, 39.76723301213189]], rtol=1e-12
    )
    np.testing.assert_array_equal(spline.landmarks, [(0, 0), (100, 0), (0, 100), (100, 100), (50, 50)])
    again = ThinPlateSplineTransform.from_data_string(spline.evolve(weights=spline.weights).data_string)
    assert again == spline


def test_thin_plate__scaled() -> None:
    """The scaled spline maps f·p to f·T(p)."""
    spline = ThinPlateSplineTransform.from_data_string(SPLINE)
    points = np.array([(25, 75), (10, 20), (-50, 300), (0, 0)])
    np.testing.assert_allclose(
        spline.scaled(0.37).apply(0.37 * points), 0.37 * spline.apply(points), rtol=0, atol=1e-12
    )


def test_thin_plate__scaled_without_side_condition() -> None:
    """A spline whose weights have a linear moment scales exactly too."""
    spline = ThinPlateSplineTransform([[0, 0], [100, 100]], [[1e-3, 0], [-1e-3, 0]])
    points = np.array([(25, 75), (10, 20), (-50, 300)])
    np.testing.assert_allclose(spline.scaled(3.0).apply(3.0 * points), 3.0 * spline.apply(points), rtol=0, atol=1e-11)


def test_moving_least_squares__floats_of_the_service() -> None:
    """The class with 32-bit weights agrees with the service in every digit."""
    warp = read("MovingLeastSquaresTransform2", f"affine 2 2.0 {MATCHES}")
    np.testing.assert_allclose(warp.apply([25, 75]), (26.704545442110884, 68.29545455788913), rtol=1e-15)


@pytest.mark.parametrize("linear", [[[2.5, 0], [0, 2.5]], [[0, -1], [1, 0]]])
def test_thin_plate__inverse_far_from_identity(linear: Any) -> None:
    """A spline that scales by 2.5 or rotates by 90° can be inverted."""
    source = np.array([(0, 0), (100, 0), (0, 100), (100, 100), (50, 40)])
    spline = fit_thin_plate_spline(source, source @ np.transpose(linear) + [[0, 0], [0, 0], [0, 0], [0, 0], [3, 4]])
    points = np.array([(25, 75), (50, 41), (-50, 130)])
    np.testing.assert_allclose(spline.inverse().apply(spline.apply(points)), points, rtol=0, atol=1e-8)


def test_interpolated__blends_points() -> None:
    """Interpolation of an affine and a translation agrees with doubles and with 32-bit text."""
    exact = InterpolatedTransform(affine(A), TranslationModel2D(1234.5678901, -9.25), 0.25)
    read_back = InterpolatedTransform(affine(A), TranslationModel2D.from_data_string("1234.5678901 -9.25"), 0.25)
    np.testing.assert_allclose(exact.apply([10, 20]), [322.391972525, 16.1875], rtol=1e-14)
    np.testing.assert_array_equal(read_back.apply([10, 20]), [322.3919677734375, 16.1875])


def test_warp_field__one_moved_corner() -> None:
    """A two-by-two field agrees with the reference between and beyond the cell centers."""
    values = np.zeros((6, 2, 2))
    values[0] = values[3] = 1
    values[4:, 1, 1] = 20
    field = AffineWarpFieldTransform([0, 0], [1000, 1000], values)
    points = [(250, 250), (500, 500), (600, 400), (750, 750), (900, 990)]
    expected = [(250, 250), (505, 505), (604.2, 404.2), (770, 770), (920, 1010)]
    np.testing.assert_allclose(field.apply(points), expected, rtol=1e-14)


def test_warp_field__of_the_service(shared_data: Path) -> None:
    """The field from the service's own test file agrees with the reference."""
    (tile,) = read_tiles(shared_data / "warp-field-test" / "montage_warp.json")
    points = [(250, 250), (500, 500), (600, 400), (750, 750)]
    expected = [(250, 250), (505, 505), (604.2, 404.2), (770, 770)]
    np.testing.assert_allclose(tile.transforms.apply(points), expected, rtol=1e-14)


def test_warp_field__text_without_offset(shared_data: Path) -> None:
    """A field in the former format without offsets is rejected; the error names the tile."""
    tile = next(read_tiles(shared_data / "warp-field-test" / "montage_warp_tiles_translate.json"))
    with pytest.raises(TransformError, match=r"<TileRecord tier_1_canvas_A>: .*grid size of .*WarpField"):
        _ = tile.transforms


def test_warp_field__nearest_cell() -> None:
    """With nearest-neighbour interpolation, the field is discontinuous midway between cell centers."""
    values = np.zeros((6, 1, 2))
    values[0] = values[3] = 1
    values[4, 0, 1] = 20
    nearest = "net.imglib2.interpolation.randomaccess.NearestNeighborInterpolatorFactory"
    field = AffineWarpFieldTransform([0, 0], [1000, 1000], values, nearest)
    np.testing.assert_array_equal(field.apply([[499, 9], [501, 9]]), [[499, 9], [521, 9]])
    np.testing.assert_array_equal(field.jacobian([499, 9]), np.eye(2))


TURN = "0.7071067811865476 0.7071067811865475 -0.7071067811865475 0.7071067811865476 0 0"


@pytest.mark.parametrize(
    ("size", "name", "text", "border", "mesh"),
    [
        ((2048, 2048), "AffineModel2D", "1 0 0 1 0 0", (0, 0, 2048, 2048), (0, 0, 2047, 2047)),
        ((2048, 2048), "AffineModel2D", "1 0 0 1 100.5 -50.25", (100, -50, 2148, 1998), (100, -50, 2147, 1997)),
        ((2048, 2048), "AffineModel2D", "1 0 0 1 -0.5 -0.5", (0, 0, 2048, 2048), (0, 0, 2047, 2047)),
        ((2560, 2160), "AffineModel2D", "0.9 0.1 -0.2 1.1 10.3 -5.7", (-421, -5, 2315, 2627), (-421, -5, 2314, 2626)),
        ((100, 50), "AffineModel2D", "0.9 0.1 -0.2 1.1 10.3 -5.7", (0, -5, 100, 60), (0, -5, 99, 59)),
        ((100, 50), "AffineModel2D", TURN, (-35, 0, 72, 106), (-34, 0, 71, 105)),
        ((2048, 2048), "PolynomialTransform2D", POLYNOMIAL_E, (0, 0, 2048, 2468), (0, 0, 2047, 2467)),
    ],
)
def test_boxes(size: tuple[int, int], name: str, text: str, border: Any, mesh: Any) -> None:
    """Both kinds of bounding box equal the service's."""
    transform = read(name, text)
    assert tuple(tile_box(transform, *size)) == border
    assert tuple(mesh_box(transform, *size)) == mesh


def test_mesh_inverse__last_pixel() -> None:
    """A point half a pixel beyond the last one has no mesh inverse, like in the service."""
    mesh = mesh_inverse(AffineModel2D(), 2048, 2048)
    np.testing.assert_allclose(mesh.apply([2047, 2047]), [2047, 2047], rtol=1e-14)
    with pytest.raises(NotInvertibleError, match=r"\(2047\.5, 2047\.5\)"):
        mesh.apply([[3.0, 3.0], [2047.5, 2047.5]])
