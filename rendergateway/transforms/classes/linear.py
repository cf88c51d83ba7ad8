"""
Translation, rigid and similarity transforms.

The service parses these three as 32-bit floats. Numbers parsed from text are therefore rounded to 32 bits, so that
coordinates agree with the service; numbers passed in Python stay doubles and are written as such. Store an
`AffineModel2D` to keep all digits in the service.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.transforms.base.text import named_numbers, number_words, single_precision
from rendergateway.transforms.classes.affine import LinearModel
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RigidModel2D", "SimilarityModel2D", "TranslationModel2D"]


def _float(value: float) -> float:
    # + 0.0 turns -0.0 into 0.0, so equal maps are equal values.
    return float(value) + 0.0


@resolvable_hints
@attrs.frozen(repr=False)
class TranslationModel2D(LinearModel):
    """
    A translation; text is parsed with 32-bit precision, like in the service.

    Parameters
    ----------
    tx, ty : float
        Translation in pixels.

    Examples
    --------
    >>> TranslationModel2D(10, -5).apply([[0, 0], [100, 50]]).tolist()
    [[10.0, -5.0], [110.0, 45.0]]
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.TranslationModel2D"

    tx: float = attrs.field(default=0.0, converter=_float)
    ty: float = attrs.field(default=0.0, converter=_float)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``tx ty``, rounded to 32 bits."""
        return cls(*single_precision(named_numbers(text, cls.JAVA_NAME, "tx ty")))

    @classmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        return cls(matrix[0, 2], matrix[1, 2])

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words((self.tx, self.ty), self.JAVA_NAME)

    @property
    def matrix(self) -> FloatArray:
        """Rows ``1 0 tx`` and ``0 1 ty``."""
        return np.array([[1.0, 0.0, self.tx], [0.0, 1.0, self.ty]])


@resolvable_hints
@attrs.frozen(repr=False)
class RigidModel2D(LinearModel):
    """
    A rotation about the origin, then a translation; text is parsed with 32-bit precision, like in the service.

    Parameters
    ----------
    angle_rad : float
        Rotation from +x towards +y: clockwise on a screen.
    tx, ty : float
        Translation in pixels.

    Examples
    --------
    >>> RigidModel2D(math.pi / 2, 100, -20).apply([10, 0]).round(9).tolist()
    [100.0, -10.0]
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.RigidModel2D"

    angle_rad: float = attrs.field(default=0.0, converter=_float)
    tx: float = attrs.field(default=0.0, converter=_float)
    ty: float = attrs.field(default=0.0, converter=_float)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``theta tx ty``, rounded to 32 bits."""
        return cls(*single_precision(named_numbers(text, cls.JAVA_NAME, "theta tx ty")))

    @classmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        return cls(math.atan2(matrix[1, 0], matrix[0, 0]), matrix[0, 2], matrix[1, 2])

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words((self.angle_rad, self.tx, self.ty), self.JAVA_NAME)

    @property
    def matrix(self) -> FloatArray:
        """Rows ``cos -sin tx`` and ``sin cos ty``."""
        return _rotation(np.cos(self.angle_rad), np.sin(self.angle_rad), self.tx, self.ty)


@resolvable_hints
@attrs.frozen(repr=False)
class SimilarityModel2D(LinearModel):
    """
    A rotation and uniform scale about the origin, then a translation.

    Text is parsed with 32-bit precision, like in the service.

    Parameters
    ----------
    scos, ssin : float
        Scale times cosine and scale times sine of the rotation from +x towards +y (not scale and angle, as in
        renderapi).
    tx, ty : float
        Translation in pixels.

    Examples
    --------
    >>> SimilarityModel2D(1.2, 0.3, 5, 6).apply([10, 20]).round(9).tolist()
    [11.0, 33.0]
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.SimilarityModel2D"

    scos: float = attrs.field(default=1.0, converter=_float)
    ssin: float = attrs.field(default=0.0, converter=_float)
    tx: float = attrs.field(default=0.0, converter=_float)
    ty: float = attrs.field(default=0.0, converter=_float)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``scos ssin tx ty``, rounded to 32 bits."""
        return cls(*single_precision(named_numbers(text, cls.JAVA_NAME, "scos ssin tx ty")))

    @classmethod
    def _from_matrix(cls, matrix: FloatArray) -> Self:
        return cls(matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2])

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words((self.scos, self.ssin, self.tx, self.ty), self.JAVA_NAME)

    @property
    def matrix(self) -> FloatArray:
        """Rows ``scos -ssin tx`` and ``ssin scos ty``."""
        return _rotation(self.scos, self.ssin, self.tx, self.ty)


def _rotation(cosine: float, sine: float, tx: float, ty: float) -> FloatArray:
    return np.array([[cosine, -sine, tx], [sine, cosine, ty]])
