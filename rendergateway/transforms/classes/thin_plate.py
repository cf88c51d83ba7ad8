"""The thin-plate spline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import decode_block, encode_block, inappropriate, integer, number_words, split
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.transform import operations
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ThinPlateSplineTransform", "radial_values"]

_HEADER = "ThinPlateSplineR2LogR"
# Below this distance in pixels the radial function is zero.
_TINY = 1e-8
# Distances in memory at a time: few enough for the processor's cache.
_PAIRS_AT_ONCE = 1 << 15
# Up to this many points, enough for the border of a tile, sums equal the service's to the last digit.
_IN_ORDER = 1000
_NO_LINEAR_PART = 1e-9


def radial_values(points: FloatArray, landmarks: FloatArray, *, exact: bool = False) -> FloatArray:
    """
    Return r² ln r for the distances r between points and landmarks.

    Parameters
    ----------
    points : ndarray, shape (M, 2)
    landmarks : ndarray, shape (N, 2)
    exact : bool
        Whether logarithms are correctly rounded, which takes twenty times as long. Those of numpy before 2 are not.

    Returns
    -------
    ndarray, shape (M, N)
    """
    # The service squares the root: its rounding matters, because boxes are truncated to whole numbers.
    distances = np.sqrt(_squared_distances(points, landmarks))
    at_least = np.maximum(distances, _TINY, dtype=np.longdouble if exact else np.float64)
    values: FloatArray = np.log(at_least).astype(np.float64, copy=False)
    values *= distances * distances
    return values


def _squared_distances(points: FloatArray, landmarks: FloatArray) -> FloatArray:
    (x, y), (at_x, at_y) = np.ascontiguousarray(points.T), np.ascontiguousarray(landmarks.T)
    squared: FloatArray = np.subtract.outer(x, at_x)
    squared *= squared
    across = np.subtract.outer(y, at_y)
    across *= across
    squared += across
    return squared


def _bent(points: FloatArray, landmarks: FloatArray, weights: FloatArray) -> FloatArray:
    """Return Σ d · φ at each point, summed landmark by landmark, rounded like the service."""
    bent = np.empty_like(points)
    for part in _parts(points, landmarks):
        values = radial_values(landmarks, points[part], exact=True)
        for axis in range(2):
            bent[part, axis] = np.add.reduce(values * weights[:, axis, np.newaxis], axis=0)
    return bent


def _bent_quickly(points: FloatArray, landmarks: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the same except for rounding, twice as fast: half of r² ln r², by matrix products."""
    center = landmarks.mean(axis=0)
    x, y = (landmarks - center).T
    # r² = |s|² + |p|² - 2 s·p
    left = np.stack([-2 * x, -2 * y, x * x + y * y, np.ones_like(x)], axis=1)
    bent = np.empty_like(points)
    for part in _parts(points, landmarks):
        x, y = (points[part] - center).T
        squared = left @ np.stack([x, y, np.ones_like(x), x * x + y * y])
        # Rounding may turn zero negative. The addend only affects ln 0, which is then multiplied by zero.
        np.abs(squared, out=squared)
        values = squared + 1e-300
        np.log(values, out=values)
        values *= squared
        np.matmul(values.T, 0.5 * weights, out=bent[part])
    return bent


def _parts(points: FloatArray, landmarks: FloatArray) -> list[slice]:
    rows = max(1, _PAIRS_AT_ONCE // len(landmarks))
    return [slice(start, start + rows) for start in range(0, len(points), rows)]


def _optional_bytes(value: FloatArray | None) -> bytes | None:
    return None if value is None else bytes(value)


def _check_count(spline: ThinPlateSplineTransform, field: attrs.Attribute[FloatArray], value: FloatArray) -> None:
    if not len(value) == len(spline.landmarks) > 0:
        raise TransformError(
            "ThinPlateSplineTransform needs at least one landmark and as many weights: "
            f"got {len(value)} weights for {len(spline.landmarks)} landmarks"
        )


@resolvable_hints
@attrs.frozen(repr=False)
class ThinPlateSplineTransform(LeafTransform):
    """
    T(p) = p + A·p + b + Σ dᵢ·φ(|p − sᵢ|) with φ(r) = r² ln r.

    Parameters
    ----------
    landmarks : array_like, shape (N, 2)
        s: landmarks in input pixels.
    weights : array_like, shape (N, 2)
        d: one row per landmark.
    affine : array_like, shape (2, 3), optional
        A and, in the last column, b: the affine part minus the identity.

    See Also
    --------
    rendergateway.transforms.fit_thin_plate_spline : the spline through given points.
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.ThinPlateSplineTransform"

    landmarks: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None, 2), eq=bytes)
    weights: FloatArray = attrs.field(converter=numbers_array, validator=[shaped(None, 2), _check_count], eq=bytes)
    affine: FloatArray | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(numbers_array),
        validator=attrs.validators.optional(shaped(2, 3)),
        eq=_optional_bytes,
    )

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``ThinPlateSplineR2LogR 2 count affine points``; the first word is ignored."""
        words = split(text)
        if len(words) != 5:
            raise inappropriate(cls.JAVA_NAME, f"expected 5 words ({_HEADER} 2 count affine points): got {len(words)}")
        dimensions, count = integer(words[1], cls.JAVA_NAME, "dimensions"), integer(words[2], cls.JAVA_NAME, "count")
        if dimensions != 2 or count < 1:
            raise inappropriate(
                cls.JAVA_NAME, f"expected 2 dimensions and landmarks: got {dimensions} and {count} landmarks"
            )
        affine = None
        if words[3] != "null":
            block = decode_block(words[3], 6, cls.JAVA_NAME, "the affine part")
            affine = np.column_stack([block[:4].reshape(2, 2), block[4:]])
        landmarks, weights = np.split(decode_block(words[4], 4 * count, cls.JAVA_NAME, "points"), 2)
        return cls(landmarks.reshape(-1, 2), weights.reshape(2, -1).T, affine)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        affine = np.zeros((2, 3)) if self.affine is None else self.affine
        number_words([*self.landmarks.flat, *self.weights.flat, *affine.flat], self.JAVA_NAME)
        affine_word = "null" if self.affine is None else encode_block(np.append(affine[:, :2], affine[:, 2]))
        points_word = encode_block(np.concatenate([self.landmarks.ravel(), self.weights.T.ravel()]))
        return f"{_HEADER} 2 {len(self.landmarks)} {affine_word} {points_word}"

    @property
    def domain(self) -> Bounds:
        """Bounding box of the landmarks."""
        return Bounds(*self.landmarks.min(axis=0), *self.landmarks.max(axis=0))

    @property
    def affine_part(self) -> AffineModel2D:
        """The affine part of the map: p + A·p + b."""
        added = np.zeros((2, 3)) if self.affine is None else self.affine
        return AffineModel2D(np.eye(2, 3) + added)

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        mapped = (_bent if len(flat) <= _IN_ORDER else _bent_quickly)(flat, self.landmarks, self.weights)
        affine = np.zeros((2, 3)) if self.affine is None else self.affine
        mapped += flat[:, :1] * affine[:, 0]
        mapped += flat[:, 1:] * affine[:, 1]
        mapped += affine[:, 2] + flat
        return mapped.reshape(array.shape)

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2), from ∇φ = (2 ln r + 1)·(p − s)."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        slopes = np.empty((len(flat), 2, 2))
        for part in _parts(flat, self.landmarks):
            squared = _squared_distances(flat[part], self.landmarks)
            factors = np.log(np.maximum(squared, _TINY**2)) + 1.0
            for axis in range(2):
                offsets = np.subtract.outer(flat[part, axis], self.landmarks[:, axis])
                slopes[part, :, axis] = (factors * offsets) @ self.weights
        slopes += self.affine_part.matrix[:, :2]
        return slopes.reshape(*array.shape, 2)

    @property
    def is_affine(self) -> bool:
        """Whether all weights are zero."""
        return not self.weights.any()

    def _exact_affine(self) -> AffineModel2D:
        return self.affine_part

    def scaled(self, factor: float) -> ThinPlateSplineTransform:
        """
        Return the spline in pixels that are *factor* times as fine: it maps f·p to f·T(p), exactly.

        Raises
        ------
        TransformError
            If *factor* is not above zero.
        ConversionError
            If the weights do not sum to zero; those of a spline fitted without an affine part may not.
        """
        if not factor > 0:
            raise TransformError(f"factor of a scaled spline must be above zero: got {factor}")
        if np.any(np.abs(self.weights.sum(axis=0)) > _NO_LINEAR_PART * np.abs(self.weights).sum(axis=0)):
            raise ConversionError(
                "the weights of the spline do not sum to zero, so it has no exact scaled form: fit a new spline"
            )
        # φ(r/f) = (φ(r) − r² ln f)/f²: the sums over r² leave an affine term.
        added = np.zeros((2, 3)) if self.affine is None else np.array(self.affine)
        squared_norms = (self.landmarks**2).sum(axis=1)
        added[:, :2] += 2 * math.log(factor) * self.weights.T @ self.landmarks
        added[:, 2] = factor * (added[:, 2] - math.log(factor) * squared_norms @ self.weights)
        return ThinPlateSplineTransform(factor * self.landmarks, self.weights / factor, added)

    def reduced(self, tolerance_px: float = 1.0) -> ThinPlateSplineTransform:
        """
        Return a spline with fewer landmarks that is within a tolerance of this one at every landmark.

        Landmarks are added greedily at the largest errors.

        Parameters
        ----------
        tolerance_px : float
            Largest distance between both splines at the landmarks of this one.
        """
        spline: ThinPlateSplineTransform = operations().reduced_spline(self, tolerance_px)
        return spline
