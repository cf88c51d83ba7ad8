"""Lists of transforms, references, and what reads any transform."""

from __future__ import annotations

import numpy as np

from tests.translations.pairs.rows import Row, differs, same

AFFINE = (
    "{'type': 'leaf', 'className': 'mpicbg.trakem2.transform.AffineModel2D', 'dataString': "
    "'1.0000000000 0.0000000000 0.0000000000 1.0000000000 5.0000000000 7.0000000000'}"
)
LEAF = f"d = {AFFINE}"
LIST = f"d = {{'type': 'list', 'specList': [{AFFINE}, {{'type': 'ref', 'refId': 'lens'}}]}}"
MIX = f"d = {{'type': 'interpolated', 'a': {AFFINE}, 'b': {AFFINE}, 'lambda': 0.25}}"
REF = "d = {'type': 'ref', 'refId': 'lens'}"
ID = '"lens"'

LEAF_UTILS: list[Row] = [same("load_leaf_json", "load_leaf_json(d)", "from_spec(d)", setup=LEAF)]

LISTS: list[Row] = [
    differs(
        "TransformList",
        "TransformList([affine, polynomial]).tform(points)",
        "TransformList([affine, polynomial]).apply(points)",
        "a transform like any other; there: it cannot be applied",
        lambda there, here: (
            isinstance(there, AttributeError) and np.allclose(here, [[440.4216, 129.8008], [458.5, 372.0]])
        ),
    ),
    same("TransformList.to_dict", "TransformList(json=d).to_dict()", "from_spec(d).to_spec()", setup=LIST),
    same(
        "TransformList.to_json",
        "json.loads(TransformList(json=d).to_json())",
        "json.loads(to_json(from_spec(d)))",
        setup=LIST,
    ),
    same("TransformList.from_dict", "TransformList().from_dict(d)", "list(from_spec(d))", setup=LIST),
    differs(
        "InterpolatedTransform",
        "InterpolatedTransform(affine, shift, 0.25).tform(points)",
        "InterpolatedTransform(affine, shift, 0.25).apply(points)",
        "there: it cannot be applied",
        lambda there, here: (
            isinstance(there, AttributeError) and np.allclose(here, [[426.375, 163.3125], [433.375, 381.3125]])
        ),
    ),
    same(
        "InterpolatedTransform.to_dict", "InterpolatedTransform(json=d).to_dict()", "from_spec(d).to_spec()", setup=MIX
    ),
    same(
        "InterpolatedTransform.from_dict", "t = InterpolatedTransform(); t.from_dict(d); t", "from_spec(d)", setup=MIX
    ),
    same("ReferenceTransform", 'ReferenceTransform("lens").refId', 'TransformReference("lens").ref_id'),
    same("ReferenceTransform.to_dict", 'ReferenceTransform("lens").to_dict()', 'TransformReference("lens").to_spec()'),
    same("ReferenceTransform.from_dict", "t = ReferenceTransform(); t.from_dict(d); t", "from_spec(d)", setup=REF),
    same("load_transform_json", "load_transform_json(d)", "from_spec(d)", setup=LIST),
]

SUMS: list[Row] = [
    same(
        "estimate_dstpts",
        'estimate_dstpts([ReferenceTransform("lens"), affine], points, [AffineModel(B0=5, transformId="lens")])',
        'TransformList([TransformReference("lens"), affine]).resolve({"lens": AffineModel2D([[1, 0, 5], [0, 1, 0]])})'
        ".apply(points)",
    ),
    differs(
        "estimate_transformsum",
        "estimate_transformsum([affine, polynomial], grid, order=2).tform(points)",
        "fit, worst_px = TransformList([affine, polynomial]).approximate(order=2, region=Bounds(0, 0, 512, 512)); "
        "fit.apply(points)",
        "also returns the largest error",
        lambda there, here: np.allclose(there, here, atol=1e-3),
        also_here="assert worst_px < 1e-6",
    ),
]
