"""The projective transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import NotInvertibleError, TransformError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import named_numbers, number_words
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["HomographyModel2D"]


@resolvable_hints
@attrs.frozen(repr=False)
class HomographyModel2D(LeafTransform):
    """
    x' = (m00·x + m01·y + m02) / (m20·x + m21·y + m22), and y' with the second row.

    Parameters
    ----------
    matrix : array_like, shape (3, 3)
        Matrix applied to columns x, y, 1; row by row in the ``dataString``.

    Examples
    --------
    >>> HomographyModel2D([[1, 0.1, 5], [0.02, 0.95, -3], [1e-4, 2e-4, 1]]).apply([100, 200]).round(9).tolist()
    [119.047619048, 180.0]
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.HomographyModel2D"

    matrix: FloatArray = attrs.field(
        default=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        converter=numbers_array,
        validator=shaped(3, 3),
        eq=bytes,
    )

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``m00 m01 m02 m10 m11 m12 m20 m21 m22``."""
        values = named_numbers(text, cls.JAVA_NAME, "m00 m01 m02 m10 m11 m12 m20 m21 m22")
        return cls(np.reshape(values, (3, 3)))

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words(self.matrix.ravel(), self.JAVA_NAME)

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Map points (..., 2); see `Transform.apply`.

        Raises
        ------
        TransformError
            If a point is mapped to infinity; the message names the first such point.
        """
        projected = self._projected(as_points(points))
        return projected[..., :2] / projected[..., 2:]

    def _projected(self, points: FloatArray) -> FloatArray:
        projected = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        at_infinity = projected[..., 2] == 0
        if at_infinity.any():
            x, y = points[at_infinity][0].tolist()
            raise TransformError(f"HomographyModel2D maps ({x}, {y}) to infinity")
        return projected

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2); see `Transform.jacobian`."""
        projected = self._projected(as_points(points))
        mapped = projected[..., :2] / projected[..., 2:]
        slopes = self.matrix[:2, :2] - mapped[..., np.newaxis] * self.matrix[2, :2]
        return slopes / projected[..., 2, np.newaxis, np.newaxis]

    def inverse(self) -> HomographyModel2D:
        """
        Return the exact inverse.

        Raises
        ------
        NotInvertibleError
            If the matrix is singular.
        """
        try:
            inverse = np.linalg.inv(self.matrix)
        except np.linalg.LinAlgError as error:
            raise NotInvertibleError(
                f"HomographyModel2D is not invertible: singular matrix {self.matrix.tolist()}"
            ) from error
        # A common factor does not change the map; this one makes the last element 1 if possible.
        return HomographyModel2D(inverse / (inverse[2, 2] or 1.0))

    @property
    def is_affine(self) -> bool:
        """Whether the last row is 0 0 m22."""
        return not self.matrix[2, :2].any() and bool(self.matrix[2, 2])

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(self.matrix[:2] / self.matrix[2, 2])
