"""Thin-plate splines."""

from __future__ import annotations

import numpy as np

from tests.translations.pairs.rows import Row, differs, left_out, same

POINTS = np.array([[20.0, 30.0], [200.0, 10.0]])

SPLINES: list[Row] = [
    same(
        "ThinPlateSplineTransform",
        "ThinPlateSplineTransform(dataString=spline.dataString).tform(points)",
        'ThinPlateSplineTransform.from_data_string(spline.to_spec()["dataString"]).apply(points)',
    ),
    same("ThinPlateSplineTransform.tform", "spline.tform(points)", "spline.apply(points)"),
    same("ThinPlateSplineTransform.apply", "spline.apply(points)", "spline.apply(points)"),
    same(
        "ThinPlateSplineTransform.computeDeformationContribution",
        "spline.computeDeformationContribution(points)",
        "spline.apply(points) - spline.affine_part.apply(points)",
    ),
    differs(
        "ThinPlateSplineTransform.gradient_descent",
        "spline.gradient_descent(points)",
        "spline.inverse().apply(points)",
        "there: to 0.0001 px",
        lambda there, here: 1e-9 < np.abs(there - here).max() < 1e-3,
    ),
    differs(
        "ThinPlateSplineTransform.inverse_tform",
        "t = ThinPlateSplineTransform(); t.estimate(grid, 3 * grid + 1); t.inverse_tform(points)",
        "fit_thin_plate_spline(grid, 3 * grid + 1).inverse().apply(points)",
        "there: nan for a scale of 3",
        lambda there, here: np.isnan(there).any() and np.allclose(here, (np.array([[460, 100], [500, 300]]) - 1) / 3),
    ),
    same(
        "ThinPlateSplineTransform.fit",
        "ThinPlateSplineTransform.fit(source, target)[0].T",
        "fit_thin_plate_spline(source, target).weights",
    ),
    same(
        "ThinPlateSplineTransform.estimate",
        "t = ThinPlateSplineTransform(); t.estimate(source, target); t.tform(points)",
        "fit_thin_plate_spline(source, target).apply(points)",
    ),
    same(
        "ThinPlateSplineTransform.dataString",
        "from_text = ThinPlateSplineTransform(dataString=spline.dataString); from_text.srcPts.T",
        'ThinPlateSplineTransform.from_data_string(spline.to_spec()["dataString"]).landmarks',
    ),
    left_out("ThinPlateSplineTransform.mesh_refine", "a step of `reduced`"),
    differs(
        "ThinPlateSplineTransform.adaptive_mesh_estimate",
        "spline.adaptive_mesh_estimate(tol=1.0).tform(source)",
        "spline.reduced(tolerance_px=1.0).apply(source)",
        "other landmarks; both within the tolerance",
        lambda there, here: 0 < np.abs(there - here).max() < 2,
    ),
    left_out(
        "ThinPlateSplineTransform.src_array", "`np.stack(np.meshgrid(x, y), axis=-1)`: points have any leading shape"
    ),
    differs(
        "ThinPlateSplineTransform.scale_coordinates",
        "spline.scale_coordinates(0.5)",
        "spline.scaled(0.5)",
        "the same landmarks; there: another fit, to 400 points",
        lambda there, here: (
            (there.srcPts.shape[1], len(here.landmarks)) == (400, 6)
            and np.allclose(there.tform(POINTS), here.apply(POINTS))
        ),
    ),
]
