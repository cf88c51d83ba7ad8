"""The affine transform, and what it shares with its special cases."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, NotInvertibleError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.fields import numbers_array, shaped
from rendergateway.transforms.leaf import LeafTransform
from rendergateway.transforms.text import named_numbers, number_words

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AffineModel2D", "AffineParts", "LinearModel", "apply_matrix", "matrix_product"]

# Coordinates, below which one numpy call more costs more than the inner loops.
_FEW = 500
# Points per pass: so many stay in the processor's cache.
_CHUNK = 8192


@attrs.frozen
class AffineParts:
    """
    The factors of a 2 × 2 matrix, scale · shear · rotation (the rotation acts first), and the offset.

    Parameters
    ----------
    scale : tuple of float
        Along x and y; a mirror shows as a negative one.
    shear : float
        The one off-diagonal element of the unit shear.
    rotation_rad : float
        Angle that turns +x towards +y: clockwise on a screen, where y runs down.
    translation : tuple of float
        Offset in x and y, in pixels.
    """

    scale: tuple[float, float]
    shear: float
    rotation_rad: float
    translation: tuple[float, float]


def apply_matrix(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """
    Map points (..., 2) by a matrix (2, 3).

    Sums go from left to right and are rounded at each step, as the service does it, not by a matrix product: a
    coordinate that is whole there is whole here, and boxes, which are cut to whole numbers, agree.
    """
    if points.size > _FEW:
        return _apply_in_parts(matrix, points)
    mapped: FloatArray = points[..., :1] * matrix[:, 0]
    mapped += points[..., 1:] * matrix[:, 1]
    mapped += matrix[:, 2]
    return mapped


def matrix_product(after: FloatArray, before: FloatArray) -> FloatArray:
    """
    Return the matrix (2, 3) of *before* followed by *after*.

    Rounded at each step, as the service does it; for so few numbers a product of arrays takes several times as long.
    """
    (a, b, c), (d, e, f) = after.tolist()
    (p, q, r), (s, t, u) = before.tolist()
    return np.array(
        [[a * p + b * s, a * q + b * t, a * r + b * u + c], [d * p + e * s, d * q + e * t, d * r + e * u + f]]
    )


def _apply_in_parts(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Do the same coordinate by coordinate: slower for a few points, five times as fast for many."""
    flat = points.reshape(-1, 2)
    mapped = np.empty_like(flat)
    for start in range(0, len(flat), _CHUNK):
        x, y = np.ascontiguousarray(flat[start : start + _CHUNK].T)
        for axis, (m0, m1, offset) in enumerate(matrix.tolist()):
            np.add(x * m0 + y * m1, offset, out=mapped[start : start + _CHUNK, axis])
    return mapped.reshape(points.shape)


@attrs.frozen(repr=False)
class LinearModel(LeafTransform):
    """An affine transform, whatever numbers its class keeps."""

    @property
    @abstractmethod
    def matrix(self) -> FloatArray:
        """Rows ``m00 m01 tx`` and ``m10 m11 ty``: the (2, 3) matrix applied to columns x, y, 1."""

    @classmethod
    @abstractmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        """Return the model of this class whose matrix is *matrix*, known to be one of its own."""

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        return apply_matrix(self.matrix, as_points(points))

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the same (2, 2) matrix for every point."""
        return np.broadcast_to(self.matrix[:, :2], (*as_points(points).shape[:-1], 2, 2))

    def inverse(self) -> Self:
        """
        Return the exact inverse, of the same class.

        Raises
        ------
        NotInvertibleError
            If the determinant is zero or not finite.
        """
        (m00, m01, tx), (m10, m11, ty) = self.matrix.tolist()
        determinant = m00 * m11 - m01 * m10
        if determinant == 0 or not math.isfinite(determinant):
            raise NotInvertibleError(
                f"{type(self).__name__} has no inverse: its determinant is {determinant}, matrix {self.matrix.tolist()}"
            )
        a, b, c, d = m11 / determinant, -m01 / determinant, -m10 / determinant, m00 / determinant
        return self._from_matrix(np.array([[a, b, -(a * tx + b * ty)], [c, d, -(c * tx + d * ty)]]))

    @property
    def is_affine(self) -> bool:
        """True."""
        return True

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(self.matrix)

    def parts(self, shear: Literal["x", "y"] = "x") -> AffineParts:
        """
        Return scale, shear, rotation and translation.

        Parameters
        ----------
        shear : {"x", "y"}
            Which coordinate the shear moves: the unit shear is [[1, shear], [0, 1]] or [[1, 0], [shear, 1]].

        Raises
        ------
        ConversionError
            If a row of the matrix is zero, so that no such factors exist.

        Examples
        --------
        >>> AffineModel2D([[0, -2, 5], [2, 0, 7]]).parts()
        AffineParts(scale=(2.0, 2.0), shear=0.0, rotation_rad=1.5707963267948966, translation=(5.0, 7.0))
        """
        linear, translation = self.matrix[:, :2], self.translation
        if shear == "x":
            scale, factor, angle = _row_factors(linear)
            return AffineParts(scale, factor, angle, translation)
        # Exchanging the axes turns one form into the other, and the sense of the rotation round.
        scale, factor, angle = _row_factors(linear[::-1, ::-1])
        return AffineParts(scale[::-1], factor, -angle, translation)

    @property
    def scale(self) -> tuple[float, float]:
        """Scale along x and y, with the shear in x; see `parts`."""
        return self.parts().scale

    @property
    def shear(self) -> float:
        """Shear in x; see `parts`."""
        return self.parts().shear

    @property
    def rotation_rad(self) -> float:
        """Angle that turns +x towards +y, with the shear in x; see `parts`."""
        return self.parts().rotation_rad

    @property
    def translation(self) -> tuple[float, float]:
        """Where (0, 0) goes."""
        x, y = self.matrix[:, 2].tolist()
        return x, y


def _row_factors(linear: FloatArray) -> tuple[tuple[float, float], float, float]:
    """Return scales, shear in x and angle, from diag(scales) · [[1, shear], [0, 1]] · rotation."""
    (m00, m01), (m10, m11) = linear.tolist()
    scale_y, angle = float(np.hypot(m10, m11)), float(np.arctan2(m10, m11))
    sine, cosine = (m10 / scale_y, m11 / scale_y) if scale_y else (0.0, 1.0)
    scale_x = m00 * cosine - m01 * sine
    if not (scale_x and scale_y):
        raise ConversionError(f"a matrix with a zero scale has no shear: {linear.tolist()}")
    # Free of the special case sin θ = 0 that a division by it would need.
    return (scale_x, scale_y), (m00 * sine + m01 * cosine) / scale_x, angle


@attrs.frozen(repr=False)
class AffineModel2D(LinearModel):
    """
    x' = m00·x + m01·y + tx, y' = m10·x + m11·y + ty.

    Parameters
    ----------
    matrix : array_like, shape (2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty``; the identity if left out. On the wire the order is
        ``m00 m10 m01 m11 tx ty``.

    Examples
    --------
    >>> place = AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]])
    >>> place.apply([100, 200]).round(9).tolist()
    [60.0, 225.0]
    >>> place.to_spec()["dataString"]
    '0.9 0.1 -0.2 1.1 10.0 -5.0'
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.AffineModel2D"

    matrix: FloatArray = attrs.field(
        default=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), converter=numbers_array, validator=shaped(2, 3), eq=bytes
    )

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Read ``m00 m10 m01 m11 tx ty``."""
        m00, m10, m01, m11, tx, ty = named_numbers(text, cls.JAVA_NAME, "m00 m10 m01 m11 tx ty")
        return cls([[m00, m01, tx], [m10, m11, ty]])

    @classmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        return cls(matrix)

    def _write(self) -> str:
        return number_words(self.matrix.T.ravel(), self.JAVA_NAME)
