"""
Coordinate transforms: numpy in, numpy out.

Each class has the simple name of the service's Java class. All are immutable values with one contract:
``apply(points)`` for any leading shape, ``inverse()``, ``a @ b`` meaning "a after b", ``to_spec()`` and
``from_spec(spec)``. The package imports ``errors``, ``extensions``, ``geometry`` and
``number_text`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.lazy import names_from
from rendergateway.transforms.base.matrices import affines_apply, affines_undo
from rendergateway.transforms.classes.affine import AffineModel2D, AffineParts
from rendergateway.transforms.classes.composite import (
    InterpolatedTransform,
    TransformList,
    TransformReference,
    UnknownTransform,
)
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.linear import RigidModel2D, SimilarityModel2D, TranslationModel2D
from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.transforms.classes.transform import Transform
from rendergateway.transforms.spec import CLASSES, from_spec, register_transform

if TYPE_CHECKING:
    from rendergateway.transforms.classes.displacement import DisplacementFieldTransform
    from rendergateway.transforms.classes.homography import HomographyModel2D
    from rendergateway.transforms.classes.lens import NonLinearCoordinateTransform
    from rendergateway.transforms.classes.moving_least_squares import (
        MovingLeastSquaresTransform,
        MovingLeastSquaresTransform2,
    )
    from rendergateway.transforms.classes.offsets import (
        ExponentialFunctionOffsetTransform,
        ExponentialFunctionOffsetTransformWithWrongSign,
        ExponentialRecoveryOffsetTransform,
        SEMDistortionTransformA,
        StageCreepCorrectionTransform,
    )
    from rendergateway.transforms.classes.polynomial import PolynomialTransform2D
    from rendergateway.transforms.classes.thin_plate import ThinPlateSplineTransform
    from rendergateway.transforms.classes.warp_field import AffineWarpFieldTransform
    from rendergateway.transforms.fitting.curved import fit_homography, fit_lens, fit_polynomial, fit_thin_plate_spline
    from rendergateway.transforms.fitting.linear import (
        fit_affine,
        fit_affines,
        fit_rigid,
        fit_similarity,
        fit_translation,
    )
    from rendergateway.transforms.fitting.ransac import fit_ransac
    from rendergateway.transforms.meshes.boxes import (
        affine_boxes,
        affine_corners,
        lens_boxes,
        mesh_box,
        tile_box,
    )
    from rendergateway.transforms.meshes.mesh import (
        MeshInverse,
        find_in_triangles,
        mesh_inverse,
        mesh_triangles,
        mesh_vertices,
        tile_mesh,
    )

__all__ = [
    "CLASSES",
    "AffineModel2D",
    "AffineParts",
    "AffineWarpFieldTransform",
    "DisplacementFieldTransform",
    "ExponentialFunctionOffsetTransform",
    "ExponentialFunctionOffsetTransformWithWrongSign",
    "ExponentialRecoveryOffsetTransform",
    "HomographyModel2D",
    "InterpolatedTransform",
    "LeafTransform",
    "MeshInverse",
    "MovingLeastSquaresTransform",
    "MovingLeastSquaresTransform2",
    "NewtonInverse",
    "NonLinearCoordinateTransform",
    "PolynomialTransform2D",
    "RigidModel2D",
    "SEMDistortionTransformA",
    "SimilarityModel2D",
    "StageCreepCorrectionTransform",
    "ThinPlateSplineTransform",
    "Transform",
    "TransformList",
    "TransformReference",
    "TranslationModel2D",
    "UnknownTransform",
    "affine_boxes",
    "affine_corners",
    "affines_apply",
    "affines_undo",
    "find_in_triangles",
    "fit_affine",
    "fit_affines",
    "fit_homography",
    "fit_lens",
    "fit_polynomial",
    "fit_ransac",
    "fit_rigid",
    "fit_similarity",
    "fit_thin_plate_spline",
    "fit_translation",
    "from_spec",
    "lens_boxes",
    "mesh_box",
    "mesh_inverse",
    "mesh_triangles",
    "mesh_vertices",
    "register_transform",
    "tile_box",
    "tile_mesh",
]

# Public names imported lazily, by module: rare classes, fits and meshes.
_LAZY = {
    "classes.displacement": ["DisplacementFieldTransform"],
    "classes.homography": ["HomographyModel2D"],
    "classes.lens": ["NonLinearCoordinateTransform"],
    "classes.moving_least_squares": ["MovingLeastSquaresTransform", "MovingLeastSquaresTransform2"],
    "classes.offsets": [
        "ExponentialFunctionOffsetTransform",
        "ExponentialFunctionOffsetTransformWithWrongSign",
        "ExponentialRecoveryOffsetTransform",
        "SEMDistortionTransformA",
        "StageCreepCorrectionTransform",
    ],
    "classes.polynomial": ["PolynomialTransform2D"],
    "classes.thin_plate": ["ThinPlateSplineTransform"],
    "classes.warp_field": ["AffineWarpFieldTransform"],
    "fitting.curved": ["fit_homography", "fit_lens", "fit_polynomial", "fit_thin_plate_spline"],
    "fitting.linear": ["fit_affine", "fit_affines", "fit_rigid", "fit_similarity", "fit_translation"],
    "fitting.ransac": ["fit_ransac"],
    "meshes.boxes": ["affine_boxes", "affine_corners", "lens_boxes", "mesh_box", "tile_box"],
    "meshes.mesh": ["MeshInverse", "find_in_triangles", "mesh_inverse", "mesh_triangles", "mesh_vertices", "tile_mesh"],
}

if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report missing names.
    __getattr__, __dir__ = names_from(__name__, {name: module for module, names in _LAZY.items() for name in names})
