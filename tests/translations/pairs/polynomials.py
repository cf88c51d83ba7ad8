"""Polynomials and lens corrections."""

from __future__ import annotations

import numpy as np

from tests.translations.pairs.rows import Row, differs, left_out, same

REGION = "Bounds(0, 0, 512, 512)"

POLYNOMIALS: list[Row] = [
    same(
        "Polynomial2DTransform",
        "Polynomial2DTransform(params=np.array([[5, 1, 0.1], [7, -0.1, 1]])).tform(points)",
        "PolynomialTransform2D([[5, 1, 0.1], [7, -0.1, 1]]).apply(points)",
    ),
    differs(
        "Polynomial2DTransform.is_affine",
        "Polynomial2DTransform(identity=True).is_affine",
        "PolynomialTransform2D([[0, 1, 0], [0, 0, 1]]).is_affine",
        "there: always False",
        lambda there, here: there is False and here is True,
    ),
    same("Polynomial2DTransform.order", "polynomial.order", "polynomial.order"),
    same(
        "Polynomial2DTransform.calc_properties",
        "polynomial.calc_properties()",
        "a = polynomial.first_degree; [*a.scale, a.shear, 0, a.rotation_rad]",
        "of the terms of degree 1; `polynomial.as_affine(region)` fits",
        also_here="assert polynomial.as_affine(Bounds(0, 0, 512, 512)) != polynomial.first_degree",
    ),
    same("Polynomial2DTransform.scale", "polynomial.scale", "polynomial.first_degree.scale"),
    same("Polynomial2DTransform.shear", "polynomial.shear", "polynomial.first_degree.shear"),
    same("Polynomial2DTransform.translation", "polynomial.translation", "polynomial.first_degree.translation"),
    same("Polynomial2DTransform.rotation", "polynomial.rotation", "polynomial.first_degree.rotation_rad"),
    same(
        "Polynomial2DTransform.dataString",
        "polynomial.dataString",
        'polynomial.to_spec()["dataString"]',
        there_as=lambda text: [float(word) for word in text.split()],
        here_as=lambda text: [float(word) for word in text.split()],
    ),
    same(
        "Polynomial2DTransform.fit",
        "Polynomial2DTransform.fit(grid, polynomial.tform(grid), order=2)",
        "fit_polynomial(grid, polynomial.apply(grid), order=2).coefficients",
    ),
    differs(
        "Polynomial2DTransform.estimate",
        "Polynomial2DTransform().estimate(grid, lens.tform(grid), order=1)",
        "fit_polynomial(grid, lens.apply(grid), order=1).order",
        "there: an error for any residual above 0.001 px",
        lambda there, here: type(there).__name__ == "EstimationError" and here == 1,
    ),
    same("Polynomial2DTransform.tform", "polynomial.tform(points)", "polynomial.apply(points)"),
    same("Polynomial2DTransform.coefficients", "polynomial.coefficients()", "polynomial.coefficient_count"),
    same(
        "Polynomial2DTransform.asorder",
        "polynomial.asorder(3).params",
        "polynomial.as_order(3).coefficients",
        "also lower, if nothing is lost",
        also_here="assert polynomial.as_order(3).as_order(2) == polynomial",
    ),
    same(
        "Polynomial2DTransform.fromAffine",
        "Polynomial2DTransform.fromAffine(affine).params",
        "PolynomialTransform2D.from_affine(affine).coefficients",
    ),
    same(
        "NonLinearCoordinateTransform",
        "NonLinearCoordinateTransform(dataString=lens_text).tform(points)",
        "NonLinearCoordinateTransform.from_data_string(lens_text).apply(points)",
    ),
    left_out("NonLinearCoordinateTransform.kernelExpand", "a step of the evaluation"),
    same(
        "NonLinearCoordinateTransform.fit",
        "lens.beta, lens.normMean, lens.normVar = lens.fit(grid, polynomial.tform(grid)); lens.tform(points)",
        "fit_lens(grid, polynomial.apply(grid), dimension=2).apply(points)",
    ),
    same(
        "NonLinearCoordinateTransform.estimate",
        "lens.estimate(grid, polynomial.tform(grid)); lens.tform(points)",
        "fit_lens(grid, polynomial.apply(grid), dimension=2).apply(points)",
    ),
    differs(
        "NonLinearCoordinateTransform.tform",
        "lens.tform(np.array([[101, 203]]))",
        "lens.apply(np.array([[101, 203]]))",
        "there: integers in, integers out",
        lambda there, here: there.dtype.kind == "i" and np.array_equal(there, here.astype(int)) and (here % 1).any(),
    ),
    differs(
        "NonLinearCoordinateTransform.dataString",
        "lens.dataString",
        'lens.to_spec()["dataString"]',
        "there: width and height are exchanged",
        lambda there, here: there.split()[-2:] == ["1024", "2048"] and here.split()[-2:] == ["2048", "1024"],
    ),
    differs(
        "NonLinearTransform",
        "NonLinearTransform(dataString=lens_text).className",
        'from_spec({"className": "mpicbg.trakem2.transform.nonLinearTransform", "dataString": lens_text})',
        "there: another class name than its own, which no service has",
        lambda there, here: there.endswith(".NonLinearCoordinateTransform") and type(here).__name__ in there,
    ),
    differs(
        "LensCorrection",
        "LensCorrection(dataString=lens_text).className",
        'from_spec({"className": "lenscorrection.NonLinearTransform", "dataString": lens_text}).to_spec()["className"]',
        "the old name is kept; there: replaced",
        lambda there, here: (
            there.endswith(".NonLinearCoordinateTransform") and here == "lenscorrection.NonLinearTransform"
        ),
    ),
]
