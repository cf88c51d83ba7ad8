"""All filters by the names of their classes; filters made of filters; and their application to an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, TypeVar

import attrs
import numpy as np

from rendergateway.errors import FilterError, RecordError
from rendergateway.extensions import Extensions
from rendergateway.rendering.base.recipe import FilterStep
from rendergateway.rendering.filters.background import BackgroundCorrectionFilter
from rendergateway.rendering.filters.clahe import CLAHE
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels
from rendergateway.rendering.filters.histograms import EqualizeHistogram
from rendergateway.rendering.filters.intensity import (
    AffineIntensityFilter,
    ExponentialIntensityFilter,
    Invert,
    ShadingCorrectionFilter,
)
from rendergateway.rendering.filters.intensity_maps import (
    LinearIntensityMap8BitFilter,
    QuadraticIntensityMap8BitFilter,
)
from rendergateway.rendering.filters.local_contrast import NormalizeLocalContrast
from rendergateway.rendering.filters.noise import ValueToNoise
from rendergateway.rendering.filters.rank import Rank
from rendergateway.rendering.filters.rolling_ball import RollingBallSubtraction
from rendergateway.rendering.filters.streaks import (
    ConfigurableMaskStreakCorrector,
    ConfigurableMaskStreakExtractor,
    LocalConfigurableMaskStreakCorrector,
    LocalSmoothMaskStreakCorrector,
    SmoothMaskStreakCorrector,
)
from rendergateway.wire import Filter as FilterJson
from rendergateway.wire import decode_body

__all__ = ["FILTERS", "NEWER_FILTERS", "FilterFunction", "applied", "built", "register_filter", "step_of"]

FilterFunction: TypeAlias = "Callable[[Pixels, Mapping[str, str], float, np.random.Generator], Pixels]"
FunctionT = TypeVar("FunctionT", bound=FilterFunction)

_PACKAGE = "org.janelia.alignment"


def register_filter(name: str, *, replace: bool = False) -> Callable[[FunctionT], FunctionT]:
    """
    Return a decorator that registers a function as the filter of a class name.

    Pictures drawn from now on, by this process or an embedded service in it, use it. Pickled gateways include it, so
    that other processes use it too. ``FILTERS.registered(name, function)`` registers it for a block.

    Parameters
    ----------
    name : str
        Full Java class name, as in filter specifications.
    replace : bool
        Whether the name may have a function.

    Raises
    ------
    RegistrationError
        If the name has another function and *replace* is false.

    Notes
    -----
    The function takes ``pixels``, an array (H, W) or (H, W, 3) that it must not change; ``parameters``, texts by name;
    ``scale``, of the image relative to its full size; and ``random``, a numpy ``Generator``. It returns an array of
    the same shape and dtype. It is called by several threads.
    """
    return FILTERS.decorator(name, replace=replace)


def step_of(spec: FilterJson | None) -> FilterStep:
    """Return the step of a filter spec."""
    return FilterStep(None) if spec is None else FilterStep(spec.className, spec.parameters)


def built(step: FilterStep) -> Filter:
    """
    Return the filter that a step names.

    Raises
    ------
    FilterError
        If the class is unknown, or a parameter is missing or invalid; the message is the service's.
    """
    name = step.class_name
    if name is None:
        raise FilterError("no className defined for filter spec")
    if name in _OTHER_CLASSES:
        raise FilterError(_OTHER_CLASSES[name])
    if name not in FILTERS:
        raise FilterError(f"filter class '{name}' cannot be found")
    found = FILTERS[name]
    if not isinstance(found, type):
        return _OfFunction(name, found, step.parameters or {})
    assert issubclass(found, Filter)
    return found.read(step.parameters)


def applied(pixels: Pixels, filters: Iterable[Filter], context: FilterContext) -> Pixels:
    """
    Apply filters to an image, in order.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Image at one mipmap level; not modified.
    filters : iterable of Filter
    context : FilterContext

    Raises
    ------
    FilterError
        If a filter cannot be applied to the image.
    """
    for one in filters:
        pixels = one.apply(pixels, context)
    return pixels


@attrs.frozen
class _OfFunction(Filter):
    """A registered function with its parameters."""

    name: str
    function: FilterFunction
    parameters: Mapping[str, str]

    @property
    def is_repeatable(self) -> bool:
        # Unknown: the function may draw random numbers, read a file, or be changed.
        return False

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        try:
            result = self.function(pixels, self.parameters, context.scale, context.random)
        except FilterError:
            raise
        except Exception as error:  # code of a lab
            raise FilterError(f"filter {self.name} failed: {error!r}") from error
        if np.shape(result)[:2] != pixels.shape[:2]:
            raise FilterError(f"filter {self.name} must keep the shape {pixels.shape}: got {np.shape(result)}")
        return result


@attrs.frozen
class CompositeFilter(Filter):
    """Several filters in order."""

    filters: tuple[Filter, ...]

    @classmethod
    def read(cls, parameters: Mapping[str, str] | None) -> CompositeFilter:
        """Return the filters whose JSON is in the parameters ``filter0``, ``filter1``, … without a gap."""
        if parameters is None:
            raise FilterError("missing parameters: got none for filter CompositeFilter; add the member parameters")
        filters: list[Filter] = []
        while (text := parameters.get(f"filter{len(filters)}")) is not None:
            try:
                filters.append(built(step_of(decode_body(text.encode(), FilterJson))))
            except RecordError as error:
                raise FilterError(f"invalid JSON in CompositeFilter: got {text!r}; write a filter spec") from error
        if len(filters) < sum(name.startswith("filter") for name in parameters):
            raise FilterError(f"CompositeFilter must have filter0, filter1, … without a gap: got {sorted(parameters)}")
        return cls(tuple(filters))

    @property
    def is_repeatable(self) -> bool:
        return all(one.is_repeatable for one in self.filters)

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        return applied(pixels, self.filters, context)


# Present in each version of the service; and those that the branch newsolver adds.
_OLDER_FILTERS: dict[str, type[Filter]] = {
    f"{_PACKAGE}.filter.{kind.__name__}": kind
    for kind in (CLAHE, EqualizeHistogram, NormalizeLocalContrast, Rank, RollingBallSubtraction, ValueToNoise)
}
NEWER_FILTERS: dict[str, type[Filter]] = {
    f"{_PACKAGE}.filter.{kind.__name__}": kind
    for kind in (
        AffineIntensityFilter,
        BackgroundCorrectionFilter,
        CompositeFilter,
        ExponentialIntensityFilter,
        Invert,
        LinearIntensityMap8BitFilter,
        QuadraticIntensityMap8BitFilter,
        ShadingCorrectionFilter,
    )
}
_DESTREAK: dict[str, type[Filter]] = {
    f"{_PACKAGE}.destreak.{kind.__name__}": kind
    for kind in (
        ConfigurableMaskStreakCorrector,
        ConfigurableMaskStreakExtractor,
        LocalConfigurableMaskStreakCorrector,
        LocalSmoothMaskStreakCorrector,
        SmoothMaskStreakCorrector,
    )
}
NEWER_FILTERS |= _DESTREAK
FILTERS: Extensions[type[Filter] | FilterFunction] = Extensions("filter", {**_OLDER_FILTERS, **NEWER_FILTERS})

_OTHER_CLASSES = {
    f"{_PACKAGE}.filter.Filter": f"failed to create instance of filter class '{_PACKAGE}.filter.Filter'",
    "java.lang.String": (
        f"class 'java.lang.String' does not implement the 'interface {_PACKAGE}.filter.Filter' interface"
    ),
}
