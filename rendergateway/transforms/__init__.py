"""
Coordinate transforms: numpy in, numpy out.

Each class carries the simple name of the service's Java class. All are frozen values with one contract:
``apply(points)`` for any leading shape, ``inverse()``, ``a @ b`` meaning "a after b", ``to_spec()`` and
``from_spec(spec)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.later import names_from
from rendergateway.transforms.affine import AffineModel2D, AffineParts
from rendergateway.transforms.affines import affines_apply, affines_undo
from rendergateway.transforms.base import Transform
from rendergateway.transforms.composite import (
    InterpolatedTransform,
    TransformList,
    TransformReference,
    UnknownTransform,
)
from rendergateway.transforms.leaf import LeafTransform
from rendergateway.transforms.linear import RigidModel2D, SimilarityModel2D, TranslationModel2D
from rendergateway.transforms.newton import NewtonInverse
from rendergateway.transforms.spec import CLASSES, from_spec

if TYPE_CHECKING:
    from rendergateway.transforms.boxes import (
        affine_boxes,
        affine_corners,
        lens_boxes,
        mesh_box,
        tile_box,
    )
    from rendergateway.transforms.curved_fits import fit_homography, fit_lens, fit_polynomial, fit_thin_plate_spline
    from rendergateway.transforms.fits import fit_affine, fit_affines, fit_rigid, fit_similarity, fit_translation
    from rendergateway.transforms.homography import HomographyModel2D
    from rendergateway.transforms.lens import NonLinearCoordinateTransform
    from rendergateway.transforms.mesh import (
        MeshInverse,
        find_in_triangles,
        mesh_inverse,
        mesh_triangles,
        mesh_vertices,
        tile_mesh,
    )
    from rendergateway.transforms.moving_least_squares import MovingLeastSquaresTransform, MovingLeastSquaresTransform2
    from rendergateway.transforms.offsets import (
        ExponentialFunctionOffsetTransform,
        ExponentialRecoveryOffsetTransform,
        SEMDistortionTransformA,
    )
    from rendergateway.transforms.polynomial import PolynomialTransform2D
    from rendergateway.transforms.ransac import fit_ransac
    from rendergateway.transforms.thin_plate import ThinPlateSplineTransform
    from rendergateway.transforms.warp_field import AffineWarpFieldTransform

__all__ = [
    "CLASSES",
    "AffineModel2D",
    "AffineParts",
    "AffineWarpFieldTransform",
    "ExponentialFunctionOffsetTransform",
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
    "tile_box",
    "tile_mesh",
]

__getattr__ = names_from(
    __name__,
    {
        "AffineWarpFieldTransform": "warp_field",
        "ExponentialFunctionOffsetTransform": "offsets",
        "ExponentialRecoveryOffsetTransform": "offsets",
        "HomographyModel2D": "homography",
        "MeshInverse": "mesh",
        "MovingLeastSquaresTransform": "moving_least_squares",
        "MovingLeastSquaresTransform2": "moving_least_squares",
        "NonLinearCoordinateTransform": "lens",
        "PolynomialTransform2D": "polynomial",
        "SEMDistortionTransformA": "offsets",
        "ThinPlateSplineTransform": "thin_plate",
        "affine_boxes": "boxes",
        "affine_corners": "boxes",
        "find_in_triangles": "mesh",
        "fit_affine": "fits",
        "fit_affines": "fits",
        "fit_homography": "curved_fits",
        "fit_lens": "curved_fits",
        "fit_polynomial": "curved_fits",
        "fit_ransac": "ransac",
        "fit_rigid": "fits",
        "fit_similarity": "fits",
        "fit_thin_plate_spline": "curved_fits",
        "fit_translation": "fits",
        "lens_boxes": "boxes",
        "mesh_box": "boxes",
        "mesh_inverse": "mesh",
        "mesh_triangles": "mesh",
        "mesh_vertices": "mesh",
        "tile_box": "boxes",
        "tile_mesh": "mesh",
    },
)
