"""The affine transform, and the base of its special cases."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, NotInvertibleError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.matrices import apply_matrix, determinant, inverse_matrix
from rendergateway.transforms.base.text import named_numbers, number_words
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AffineModel2D", "AffineParts", "LinearModel"]


@attrs.frozen
class AffineParts:
    """
    Factors of an affine: scale · shear · rotation (applied first), and the translation.

    Parameters
    ----------
    scale : tuple of float
        Scale along x and y; negative for a reflection.
    shear : float
        Off-diagonal element of the unit shear.
    rotation_rad : float
        Rotation from +x towards +y: clockwise on a screen, where y runs down.
    translation : tuple of float
        Translation in x and y, in pixels.
    """

    scale: tuple[float, float]
    shear: float
    rotation_rad: float
    translation: tuple[float, float]


@resolvable_hints
@attrs.frozen(repr=False)
class LinearModel(LeafTransform):
    """Base of all transforms that are affine, whatever their parameters."""

    @property
    @abstractmethod
    def matrix(self) -> FloatArray:
        """Rows ``m00 m01 tx`` and ``m10 m11 ty``: the (2, 3) matrix applied to columns x, y, 1."""

    @classmethod
    @abstractmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        """Return the transform of this class with *matrix*, which must be a matrix of this class."""

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        return apply_matrix(self.matrix, as_points(points))

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the linear part (2, 2) of the matrix for every point."""
        return np.broadcast_to(self.matrix[:, :2], (*as_points(points).shape[:-1], 2, 2))

    def inverse(self) -> Self:
        """
        Return the exact inverse, of the same class.

        Raises
        ------
        NotInvertibleError
            If the determinant is zero or not finite.
        """
        matrix = self.matrix
        inverse = inverse_matrix(matrix)
        if inverse is None:
            raise NotInvertibleError(
                f"{type(self).__name__} is not invertible: the determinant is {determinant(matrix)}, matrix "
                f"{matrix.tolist()}"
            )
        return self._from_matrix(inverse)

    @property
    def is_affine(self) -> bool:
        """Always True."""
        return True

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(self.matrix)

    def parts(self, shear: Literal["x", "y"] = "x") -> AffineParts:
        """
        Return scale, shear, rotation and translation.

        Parameters
        ----------
        shear : {"x", "y"}
            The coordinate that the shear moves: the unit shear is [[1, shear], [0, 1]] or [[1, 0], [shear, 1]].

        Raises
        ------
        ConversionError
            If a scale is zero, so that the factors do not exist.

        Examples
        --------
        >>> AffineModel2D([[0, -2, 5], [2, 0, 7]]).parts()
        AffineParts(scale=(2.0, 2.0), shear=0.0, rotation_rad=1.5707963267948966, translation=(5.0, 7.0))
        """
        linear, translation = self.matrix[:, :2], self.translation
        if shear == "x":
            scale, factor, angle = _row_factors(linear)
            return AffineParts(scale, factor, angle, translation)
        # Exchanging the axes converts one form into the other and reverses the rotation.
        scale, factor, angle = _row_factors(linear[::-1, ::-1])
        return AffineParts((scale[1], scale[0]), factor, -angle, translation)

    @property
    def scale(self) -> tuple[float, float]:
        """Scale along x and y, for a shear in x; see `parts`."""
        return self.parts().scale

    @property
    def shear(self) -> float:
        """Shear in x; see `parts`."""
        return self.parts().shear

    @property
    def rotation_rad(self) -> float:
        """Rotation from +x towards +y, for a shear in x; see `parts`."""
        return self.parts().rotation_rad

    @property
    def translation(self) -> tuple[float, float]:
        """Translation in x and y: the image of (0, 0)."""
        x, y = self.matrix[:, 2].tolist()
        return x, y


def _row_factors(linear: FloatArray) -> tuple[tuple[float, float], float, float]:
    """Return scales, shear in x and angle of diag(scales) · [[1, shear], [0, 1]] · rotation."""
    (m00, m01), (m10, m11) = linear.tolist()
    scale_y, angle = float(np.hypot(m10, m11)), float(np.arctan2(m10, m11))
    sine, cosine = (m10 / scale_y, m11 / scale_y) if scale_y else (0.0, 1.0)
    scale_x = m00 * cosine - m01 * sine
    if not (scale_x and scale_y):
        raise ConversionError(f"a matrix with a zero scale has no factors: got {linear.tolist()}")
    # Unlike a division by sin θ, this needs no special case for θ = 0.
    return (scale_x, scale_y), (m00 * sine + m01 * cosine) / scale_x, angle


@resolvable_hints
@attrs.frozen(repr=False)
class AffineModel2D(LinearModel):
    """
    x' = m00·x + m01·y + tx, y' = m10·x + m11·y + ty.

    Parameters
    ----------
    matrix : array_like, shape (2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty``; the identity by default. The ``dataString`` has the order
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
        """Parse ``m00 m10 m01 m11 tx ty``."""
        m00, m10, m01, m11, tx, ty = named_numbers(text, cls.JAVA_NAME, "m00 m10 m01 m11 tx ty")
        return cls([[m00, m01, tx], [m10, m11, ty]])

    @classmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        return cls(matrix)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words(self.matrix.T.ravel(), self.JAVA_NAME)
