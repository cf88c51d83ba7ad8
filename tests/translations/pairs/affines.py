"""Linear transforms and their fits."""

from __future__ import annotations

import numpy as np

from tests.translations.pairs.rows import Row, differs, left_out, same

UNKNOWN = "d = {'type': 'leaf', 'className': 'a.b.Unknown', 'dataString': '1 2 3'}"
RIGID = "d = {'className': 'mpicbg.trakem2.transform.RigidModel2D', 'dataString': '0.5 10.0 20.0'}"

TRANSFORM: list[Row] = [
    same(
        "Transform",
        'Transform("a.b.Unknown", "1 2 3")',
        'UnknownTransform("a.b.Unknown", "1 2 3")',
        "applying it is an error",
        also_here='assert raised(lambda: _value.apply(points)) == "TransformError"',
    ),
    same("Transform.to_dict", 'Transform("a.b.C", "1 2").to_dict()', 'UnknownTransform("a.b.C", "1 2").to_spec()'),
    same("Transform.from_dict", "t = Transform(); t.from_dict(d); t", "from_spec(d)", setup=UNKNOWN),
]

AFFINE: list[Row] = [
    same(
        "AffineModel",
        "AffineModel(M00=0.9, M01=-0.2, M10=0.1, M11=1.1, B0=10, B1=-5).M[:2]",
        "AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]]).matrix",
    ),
    differs(
        "AffineModel.dataString",
        "AffineModel(B0=1e-12).dataString",
        'AffineModel2D([[1, 0, 1e-12], [0, 1, 0]]).to_spec()["dataString"]',
        "every digit; there: ten decimals",
        lambda there, here: float(there.split()[4]) == 0 and float(here.split()[4]) == 1e-12,
    ),
    differs(
        "AffineModel.load_M",
        "affine.B0 = 50.0; before = affine.M.copy(); affine.load_M(); [before[0, 2], affine.M[0, 2]]",
        "affine.evolve(matrix=affine.matrix + [[0, 0, 40], [0, 0, 0]]).matrix[0, 2]",
        "immutable; there: attributes and matrix disagree before it is called",
        lambda there, here: there == [10, 50] and here == 50,
    ),
    same(
        "AffineModel.fit",
        "AffineModel.fit(source, target).ravel()",
        "fit_affine(source, target).matrix",
        "`weights=` too",
        here_as=lambda matrix: [*matrix[:, :2].ravel(), *matrix[:, 2]],
        also_here="assert not np.allclose(fit_affine(source, target, weights=[1, 2, 3, 4, 5, 6]).matrix, _value)",
    ),
    same("AffineModel.estimate", "affine.estimate(source, target)[:2]", "fit_affine(source, target).matrix"),
    same(
        "AffineModel.concatenate",
        "affine.concatenate(shift).M[:2]",
        "(affine @ shift).matrix",
        "first the shift",
    ),
    same("AffineModel.invert", "affine.invert().M[:2]", "affine.inverse().matrix"),
    left_out("AffineModel.convert_to_point_vector", "points have any leading shape; no column of ones is appended"),
    left_out("AffineModel.convert_points_vector_to_array", "points have any leading shape"),
    same("AffineModel.tform", "affine.tform(points)", "affine.apply(points)"),
    same("AffineModel.inverse_tform", "affine.inverse_tform(points)", "affine.inverse().apply(points)"),
    same(
        "AffineModel.calc_properties",
        "affine.calc_properties()",
        "[*affine.scale, affine.shear, 0, affine.rotation_rad]",
        "`affine.parts()`: all of them",
        also_here="assert affine.parts().scale == affine.scale",
    ),
    same("AffineModel.scale", "affine.scale", "affine.scale"),
    same("AffineModel.shear", "affine.shear", "affine.shear"),
    same("AffineModel.translation", "affine.translation", "affine.translation"),
    same("AffineModel.rotation", "affine.rotation", "affine.rotation_rad"),
    differs(
        "TranslationModel",
        "TranslationModel(json=d).dataString",
        'from_spec(d).to_spec()["dataString"]',
        "there: six numbers, under a class name that takes two",
        lambda there, here: (len(there.split()), len(here.split())) == (6, 2),
        setup="d = {'className': 'mpicbg.trakem2.transform.TranslationModel2D', 'dataString': '5.0 7.0'}",
    ),
    same("TranslationModel.fit", "TranslationModel.fit(source, target)[:2]", "fit_translation(source, target).matrix"),
    differs(
        "TranslationModel.estimate",
        "m = TranslationModel(); m.estimate(source, target); m.load_M(); m.M[:2]",
        "fit_translation(source, target).matrix",
        "there: `load_M` undoes it",
        lambda there, here: np.array_equal(there, np.eye(2, 3)) and not np.allclose(here, np.eye(2, 3)),
    ),
    differs(
        "RigidModel",
        "RigidModel(json=d).tform(points)",
        "from_spec(d).apply(points)",
        "there: y is wrong, m11 is read as a sine",
        lambda there, here: (
            np.allclose(there[:, 0], here[:, 0], atol=1e-3)
            and np.allclose(here[:, 1] - there[:, 1], (np.cos(0.5) - np.sin(0.5)) * np.array([100.0, 300.0]), atol=1e-3)
        ),
        setup=RIGID,
    ),
    same("RigidModel.fit", "RigidModel.fit(source, target)[:2]", "fit_rigid(source, target).matrix"),
    same("RigidModel.estimate", "RigidModel().estimate(source, target)[:2]", "fit_rigid(source, target).matrix"),
    differs(
        "SimilarityModel",
        "SimilarityModel(json=d).tform(points)",
        "from_spec(d).apply(points)",
        "there: s·cos and s·sin are read as scale and angle",
        lambda there, here: np.allclose(here, [[318, 376], [230, 560]], atol=1e-3) and np.abs(there - here).max() > 10,
        setup="d = {'className': 'mpicbg.trakem2.transform.SimilarityModel2D', 'dataString': '0.8 0.6 10.0 20.0'}",
    ),
    same(
        "SimilarityModel.fit",
        "SimilarityModel.fit(source, target)[:2]",
        "fit_similarity(source, target).matrix",
    ),
]

COMMON: list[Row] = [
    same(
        "calc_first_order_properties",
        "calc_first_order_properties(affine.M[:2, :2])",
        "[*affine.scale, affine.shear, 0, affine.rotation_rad]",
        '`affine.parts(shear="y")`: shear in y',
        also_there='assert np.isclose(calc_first_order_properties(affine.M[:2, :2], "y")[3], -13 / 101)',
        also_here='assert np.isclose(affine.parts(shear="y").shear, -13 / 101)',
    )
]
