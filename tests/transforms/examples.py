"""Examples of every transform class, and the region that the laws are checked in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rendergateway.geometry import Bounds
from rendergateway.transforms import (
    AffineModel2D,
    AffineWarpFieldTransform,
    DisplacementFieldTransform,
    ExponentialFunctionOffsetTransform,
    ExponentialFunctionOffsetTransformWithWrongSign,
    ExponentialRecoveryOffsetTransform,
    HomographyModel2D,
    InterpolatedTransform,
    MovingLeastSquaresTransform,
    MovingLeastSquaresTransform2,
    NonLinearCoordinateTransform,
    PolynomialTransform2D,
    RigidModel2D,
    SEMDistortionTransformA,
    SimilarityModel2D,
    StageCreepCorrectionTransform,
    ThinPlateSplineTransform,
    Transform,
    TransformList,
    TranslationModel2D,
    fit_lens,
    fit_thin_plate_spline,
)

REGION = Bounds(0, 0, 200, 100)

_GRID = np.stack(np.meshgrid(np.linspace(-50, 250, 6), np.linspace(-50, 150, 5)), axis=-1).reshape(-1, 2)
_BENT = _GRID + [12, -7] + 2e-4 * _GRID**2


def _warp_field() -> AffineWarpFieldTransform:
    values = np.zeros((6, 3, 4))
    values[0] = values[3] = 1.0
    values[4:] = np.linspace(-3, 3, 24).reshape(2, 3, 4)
    return AffineWarpFieldTransform([-20, -20], [240, 140], values)


EXAMPLES: dict[str, Transform] = {
    "affine": AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]]),
    "translation": TranslationModel2D(1234.5678901, -9.25),
    "rigid": RigidModel2D(0.5235987755982988, 100, -20),
    "similarity": SimilarityModel2D(1.2, 0.3, 5, 6),
    "homography": HomographyModel2D([[1, 0.1, 5], [0.02, 0.95, -3], [1e-4, 2e-4, 1]]),
    "homography-affine": HomographyModel2D([[2.0, 0.2, 10.0], [0.0, 4.0, -6.0], [0.0, 0.0, 2.0]]),
    "lens-affine": NonLinearCoordinateTransform([[9, 1], [0, 8], [1, 2]], [4, 5, 0], [9, 8, 0], 200, 100),
    "thin-plate-affine": ThinPlateSplineTransform([[0, 0]], [[0, 0]], [[0.1, 0.0, 5.0], [0.0, 0.0, 6.0]]),
    "polynomial-linear": PolynomialTransform2D([[3, 1, 0.1], [-4, 0.2, 1]]),
    "polynomial": PolynomialTransform2D([[3, 1.01, 0.02, 1e-4, -5e-5, 2e-5], [-4, -0.01, 0.98, 3e-5, 1e-4, -8e-5]]),
    "lens": fit_lens(_GRID, _BENT, dimension=3, width=200, height=100),
    "thin-plate": fit_thin_plate_spline(_GRID, _BENT),
    "thin-plate-without-affine": ThinPlateSplineTransform([[0, 0], [100, 100]], [[1e-5, 0], [0, 2e-5]]),
    "moving-affine": MovingLeastSquaresTransform("affine", 2.0, _GRID, _BENT),
    "moving-rigid": MovingLeastSquaresTransform("rigid", 1.0, _GRID, _BENT, np.arange(1, 31)),
    "moving-2": MovingLeastSquaresTransform2("similarity", 1.0, _GRID, _BENT),
    "warp-field": _warp_field(),
    "exponential": ExponentialFunctionOffsetTransform(3.26097, 0.0060185, 0.30164, 0),
    "recovery": ExponentialRecoveryOffsetTransform(9.47533, 0.0053344, -14.99262, 1),
    "wrong-sign": ExponentialFunctionOffsetTransformWithWrongSign(3.16, 0.0102, 0.5, 0),
    "stage-creep": StageCreepCorrectionTransform(19.4, 644.8, 24.4, 972.0, 1),
    "field": DisplacementFieldTransform(str(Path(__file__).parent / "field"), 0, 300.0, [-300.0, -200.0], 9.0),
    "sem": SEMDistortionTransformA(19.4, 64.8, 24.4, 972.0, 0),
}
EXAMPLES["list"] = TransformList([EXAMPLES["lens"], EXAMPLES["affine"], EXAMPLES["rigid"]])
EXAMPLES["list-empty"] = TransformList()
EXAMPLES["interpolated-affine"] = InterpolatedTransform(EXAMPLES["affine"], EXAMPLES["translation"], 0.25)
EXAMPLES["interpolated"] = InterpolatedTransform(EXAMPLES["polynomial"], EXAMPLES["list"], 0.5)
EXAMPLES["named"] = AffineModel2D([[1, 0, 0.1], [0, 1, 0.2]], id="shift", labels=("lens", "match"))
