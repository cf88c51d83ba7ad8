"""Options of a solve: model, regularization, weights, selection of points, method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import attrs
import numpy as np

from rendergateway.geometry import FloatArray

__all__ = ["MODELS", "SOLVERS", "SolveKeywords", "SolveOptions"]

# Model -> order of its polynomial; None for models of rotations and scales.
MODELS: Mapping[str, int | None] = {
    "translation": 0,
    "rigid": None,
    "similarity": None,
    "affine": 1,
    "polynomial2": 2,
    "polynomial3": 3,
    "scaled_translation": None,
}
SOLVERS = ("auto", "direct", "iterative")


class SolveKeywords(TypedDict, total=False):
    """Keyword arguments of a solve; they are the fields of `SolveOptions`."""

    model: str
    default_lambda: float
    translation_factor: float
    poly_factors: Sequence[float] | None
    montage_weight: float
    cross_weight: float
    inverse_dz: bool
    depth: float
    depth_weights: Mapping[float, float] | None
    npts_min: int
    npts_max: int
    outliers_px: float | None
    passes: int
    solver: str
    scale_limits: tuple[float, float] | None


def _one_of(words: Sequence[str]) -> Any:
    def check(options: SolveOptions, field: attrs.Attribute[Any], value: object) -> None:
        if value not in words:
            raise ValueError(f"{field.name} must be {' or '.join(map(repr, words))}: got {value!r}")

    return check


def _number(low: float, *, above: bool = False) -> Any:
    def check(options: SolveOptions, field: attrs.Attribute[Any], value: Any) -> None:
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
        if not is_number or value < low or (above and value == low):
            raise ValueError(f"{field.name} must be a number {'>' if above else '>='} {low:g}: got {value!r}")

    return check


def _count(low: int) -> Any:
    def check(options: SolveOptions, field: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < low:
            raise ValueError(f"{field.name} must be an integer >= {low}: got {value!r}")

    return check


def _factors(value: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if value is None else tuple(map(float, value))


def _by_depth(value: Mapping[float, float] | None) -> dict[float, float] | None:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"depth_weights must map distances in z to weights, like {{0: 1, 1: 0.5}}: got {value!r}")
    return None if value is None else {float(depth): float(weight) for depth, weight in value.items()}


def _limits(value: Sequence[float] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = map(float, value)
    if not 0 < low < 1 < high:
        raise ValueError(f"scale_limits must be (low, high) around 1, or None: got {low, high}")
    return low, high


@attrs.frozen(kw_only=True)
class SolveOptions:
    """
    Options of a solve.

    Parameters
    ----------
    model : str
        ``translation``: a shift per tile; its linear part stays. ``rigid``, ``similarity``, ``affine``. ``polynomial2``
        and ``polynomial3``: polynomials of that order. ``scaled_translation``: a shift per tile, and one scale per
        section.
    default_lambda : float
        Weight of the distance of each linear parameter from the template. Its square is counted, beside the squared
        residuals in world pixels; so it decides what the matches leave open.
    translation_factor : float
        *default_lambda* is multiplied by it for translations.
    poly_factors : sequence of float, optional
        Factors of *default_lambda* for each degree, from 0, of polynomial models. A coefficient of degree d is counted
        after multiplication by the (d-1)th power of the typical distance of points from the centre of their tile, so
        that those of all degrees are comparable. Default: *translation_factor*, then 1.
    montage_weight, cross_weight : float
        Factors of the weights of matches within a section, and between sections.
    inverse_dz : bool
        Whether weights between sections are divided by their distance in z plus 1.
    depth : float
        Largest distance in z of two tiles whose matches are used.
    depth_weights : mapping of float to float, optional
        Factor of the weights per distance in z; instead of the four above. Matches at other distances are not used.
    npts_min, npts_max : int
        Pairs with fewer points are not used; of more points, the first ones are.
    outliers_px : float, optional
        Points with a larger residual, in world pixels, are outliers: they lose their weight in repeated solves, and do
        not count in the last one. Default: all points count.
    passes : int
        Number of solves; each but the first is regularized toward the result of the one before, so that less of the
        template remains.
    solver : {'auto', 'direct', 'iterative'}
        Sparse factorization, or preconditioned conjugate gradients; by default the latter for large systems.
    scale_limits : (float, float), optional
        A tile whose scale changes by a factor outside of these limits is taken for a sign of a diverged solve. None for
        no limits.

    Raises
    ------
    ValueError
        If a value is unknown, or outside of its range.
    """

    model: str = attrs.field(default="affine", validator=_one_of(tuple(MODELS)))
    default_lambda: float = attrs.field(default=1000.0, validator=_number(0))
    translation_factor: float = attrs.field(default=1e-5, validator=_number(0))
    poly_factors: tuple[float, ...] | None = attrs.field(default=None, converter=_factors)
    montage_weight: float = attrs.field(default=1.0, validator=_number(0))
    cross_weight: float = attrs.field(default=1.0, validator=_number(0))
    inverse_dz: bool = True
    depth: float = attrs.field(default=2, validator=_number(0))
    depth_weights: dict[float, float] | None = attrs.field(default=None, converter=_by_depth)
    npts_min: int = attrs.field(default=5, validator=_count(1))
    npts_max: int = attrs.field(default=500, validator=_count(1))
    outliers_px: float | None = attrs.field(default=None, validator=attrs.validators.optional(_number(0, above=True)))
    passes: int = attrs.field(default=1, validator=_count(1))
    solver: str = attrs.field(default="auto", validator=_one_of(SOLVERS))
    scale_limits: tuple[float, float] | None = attrs.field(default=(0.5, 2.0), converter=_limits)

    def __attrs_post_init__(self) -> None:
        order = MODELS[self.model]
        if self.poly_factors is not None and (order is None or len(self.poly_factors) != order + 1):
            wanted = f"{order + 1} factors, one per degree" if order is not None else "none for this model"
            raise ValueError(f"poly_factors of model {self.model!r} must be {wanted}: got {self.poly_factors}")
        if self.npts_max < self.npts_min:
            raise ValueError(f"npts_max must be >= npts_min: got {self.npts_max} and {self.npts_min}")

    @property
    def order(self) -> int | None:
        """Order of the polynomial; None for the other models."""
        return MODELS[self.model]

    def lambdas(self) -> FloatArray:
        """Return the weight of the parameters per degree, (4,); the model may have fewer degrees."""
        factors = self.poly_factors or (self.translation_factor, 1.0, 1.0, 1.0)
        return self.default_lambda * np.array(factors[: (self.order or 1) + 1])

    def weights_at(self, distance: FloatArray) -> FloatArray:
        """Return the factor of the weights of matches at distances in z, 0 for matches that are not used."""
        if self.depth_weights is not None:
            depths, weights = np.array(sorted(self.depth_weights.items())).reshape(-1, 2).T
            place = np.searchsorted(depths, distance).clip(max=max(0, len(depths) - 1))
            return np.where(depths[place] == distance, weights[place], 0.0) if len(depths) else np.zeros_like(distance)
        across = self.cross_weight / (distance + 1) if self.inverse_dz else np.full_like(distance, self.cross_weight)
        return np.where(distance > self.depth, 0.0, np.where(distance == 0, self.montage_weight, across))
