"""Moving least squares: a linear model fitted at every point."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import inappropriate, number_words, numbers, single_precision, split
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.transforms.classes.transform import Transform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MovingLeastSquaresTransform", "MovingLeastSquaresTransform2"]

_MODELS = ("translation", "rigid", "similarity", "affine")
# Pairs of a point and a match in memory at a time.
_PAIRS_AT_ONCE = 1 << 16
_WORDS_PER_MATCH = 5


@resolvable_hints
@attrs.frozen(repr=False)
class MovingLeastSquaresTransform(LeafTransform):
    """
    At each point x, the least-squares model with weights wᵢ / |pᵢ − x|^(2α), applied to x.

    A source point is mapped to its target. A point is mapped to itself if the matches do not
    determine the model.

    Parameters
    ----------
    model : {"translation", "rigid", "similarity", "affine"}
        The model to fit.
    alpha : float
        Decay of the influence of a match with distance.
    source, target : array_like, shape (N, 2)
        Matches: input and output pixels.
    weights : array_like, shape (N,), optional
        Weights of the matches; 1 by default.
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.MovingLeastSquaresTransform"

    model: str = attrs.field(validator=attrs.validators.instance_of(str))
    alpha: float = attrs.field(converter=float)
    source: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None, 2), eq=bytes)
    target: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None, 2), eq=bytes)
    weights: FloatArray = attrs.field(
        default=attrs.Factory(lambda self: np.ones(len(self.source)), takes_self=True),
        converter=numbers_array,
        validator=shaped(None),
        eq=bytes,
    )

    def __attrs_post_init__(self) -> None:
        if self.model not in _MODELS:
            raise TransformError(
                f"model of {type(self).__name__} must be one of {', '.join(_MODELS)}: got {self.model!r}"
            )
        if not len(self.source) == len(self.target) == len(self.weights) > 0:
            raise TransformError(
                f"{type(self).__name__} needs equally many source points, targets and weights, at least one: got "
                f"{len(self.source)}, {len(self.target)} and {len(self.weights)}"
            )

    @classmethod
    def _read_numbers(cls, words: list[str]) -> list[float]:
        return numbers(words, cls.JAVA_NAME)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``model 2 alpha``, then ``px py qx qy w`` of each match."""
        words = split(text)
        if len(words) < 3 + _WORDS_PER_MATCH or (len(words) - 3) % _WORDS_PER_MATCH:
            raise inappropriate(
                cls.JAVA_NAME, f"expected 3 words and 5 per match (px py qx qy w): got {len(words)} words"
            )
        if words[0] not in _MODELS or words[1] != "2":
            raise inappropriate(
                cls.JAVA_NAME, f"expected {', '.join(_MODELS)} in 2 dimensions: got {words[0]} in {words[1]}"
            )
        alpha, *values = cls._read_numbers(words[2:])
        matches = np.reshape(values, (-1, _WORDS_PER_MATCH))
        return cls(words[0], alpha, matches[:, 0:2], matches[:, 2:4], matches[:, 4])

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        matches = np.column_stack([self.source, self.target, self.weights])
        return f"{self.model} 2 {number_words([self.alpha, *matches.flat], self.JAVA_NAME)}"

    @property
    def domain(self) -> Bounds:
        """Bounding box of the source points, at least one pixel wide and high."""
        low, high = self.source.min(axis=0), self.source.max(axis=0)
        return Bounds(*low, *np.maximum(high, low + 1))

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        mapped = np.empty_like(flat)
        rows = max(1, _PAIRS_AT_ONCE // len(self.source))
        for start in range(0, len(flat), rows):
            mapped[start : start + rows] = self._mapped(flat[start : start + rows])
        return mapped.reshape(array.shape)

    def _mapped(self, points: FloatArray) -> FloatArray:
        squared = ((points[:, np.newaxis] - self.source) ** 2).sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = self._weights_at(squared)
            mapped = _locally_fitted(self.model, points, self.source, self.target, weights)
        mapped = np.where(np.isfinite(mapped), mapped, points)
        at_match = squared == 0
        return np.where(at_match.any(axis=1, keepdims=True), self.target[at_match.argmax(axis=1)], mapped)

    def _weights_at(self, squared: FloatArray) -> FloatArray:
        weights: FloatArray = self.weights / squared**self.alpha
        return weights


@attrs.frozen(repr=False)
class MovingLeastSquaresTransform2(MovingLeastSquaresTransform):
    """
    `MovingLeastSquaresTransform` in single precision: the class that the service uses today.

    Text is parsed with 32-bit precision, like in the service; numbers passed in Python stay doubles.

    Parameters
    ----------
    model, alpha, source, target, weights
        Parameters of `MovingLeastSquaresTransform`.
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.MovingLeastSquaresTransform2"

    @classmethod
    def _read_numbers(cls, words: list[str]) -> list[float]:
        return single_precision(numbers(words, cls.JAVA_NAME))

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2) of the map without the steps caused by the rounding of weights."""
        smooth = MovingLeastSquaresTransform(self.model, self.alpha, self.source, self.target, self.weights)
        return smooth.jacobian(points)

    def inverse(self) -> Transform:
        """Return the inverse, to 1e-6 px: the rounding of weights causes steps that limit the iteration."""
        return NewtonInverse(self, tolerance_px=1e-6)

    def _weights_at(self, squared: FloatArray) -> FloatArray:
        # The service stores these weights as 32-bit floats, which affects the ninth digit of its results.
        return super()._weights_at(squared).astype(np.float32).astype(np.float64)


def _locally_fitted(
    model: str, points: FloatArray, source: FloatArray, target: FloatArray, weights: FloatArray
) -> FloatArray:
    """Map each of *points* (M, 2) with the model fitted with its row of *weights* (M, N)."""
    share = weights / weights.sum(axis=1, keepdims=True)
    source_center, target_center = share @ source, share @ target
    offset = points - source_center
    a, b = source - source_center[:, np.newaxis], target - target_center[:, np.newaxis]
    moments, spread = (np.einsum("mn,mni,mnj->mij", share, a, other) for other in (b, a))
    if model == "affine":
        offset = _affine_offset(spread, moments, offset)
    elif model != "translation":
        offset = _rotated(moments, spread if model == "similarity" else None, offset)
    mapped: FloatArray = target_center + offset
    return mapped


def _rotated(moments: FloatArray, spread: FloatArray | None, offset: FloatArray) -> FloatArray:
    """Return *offset* rotated by the best angle, and scaled by the best factor if *spread* is not None."""
    cosine, sine = moments[:, 0, 0] + moments[:, 1, 1], moments[:, 0, 1] - moments[:, 1, 0]
    size = np.hypot(cosine, sine) if spread is None else spread[:, 0, 0] + spread[:, 1, 1]
    x, y = offset.T / size
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)


def _affine_offset(spread: FloatArray, moments: FloatArray, offset: FloatArray) -> FloatArray:
    """Return offset · spread⁻¹ · moments; not finite if *spread* is singular."""
    xx, xy, yy = spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]
    x, y = offset.T
    solved: FloatArray = np.stack([yy * x - xy * y, xx * y - xy * x], axis=1) / (xx * yy - xy**2)[:, np.newaxis]
    mapped: FloatArray = solved[:, np.newaxis] @ moments
    return mapped[:, 0]
