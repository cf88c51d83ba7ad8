"""
The contract of coordinate transforms.

Five methods return transforms of other classes: `from_spec`, ``@``, `approximate`, `as_polynomial` and `as_affine` over
a region. They call ``transforms.operations``, which imports those classes, through one late import, `operations`. Of
the classes, only the two that return types name are imported here, for type checkers.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.display import shortened
from rendergateway.errors import ConversionError, TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transforms.classes.affine import AffineModel2D
    from rendergateway.transforms.classes.polynomial import PolynomialTransform2D

__all__ = ["Transform", "operations", "spec_id", "spec_labels"]

_NAMES_OF_THE_SPEC = frozenset({"id", "labels"})
_SHOWN_NUMBERS = 12
_SHOWN_LETTERS = 400


def operations() -> ModuleType:
    """
    Return the module ``transforms.operations``.

    Late, because that module imports this one, and because classes and fits that a program never uses stay unloaded.
    """
    from rendergateway.transforms import operations

    return operations


def _words(labels: Iterable[str]) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise TransformError(f"labels must be a sequence of words: got {labels!r}")
    return tuple(labels)


@resolvable_hints
@attrs.frozen(repr=False)
class Transform(ABC):
    """
    A map of the plane: an immutable value with equality, hash and pickling.

    Values are equal if their class, parameters, `id` and `labels` are; the text they were read from is not compared.

    Parameters
    ----------
    id : str, optional
        Id of a transform that the tiles of a stack share (``id`` in JSON).
    labels : sequence of str
        ``metaData.labels`` in JSON; the service interprets ``lens`` and ``match``.
    """

    FORM: ClassVar[str] = "leaf"
    # Makes numpy arrays defer to our operators.
    __array_ufunc__: ClassVar[None] = None

    id: str | None = attrs.field(default=None, kw_only=True)
    labels: tuple[str, ...] = attrs.field(default=(), converter=_words, kw_only=True)
    # The JSON this was read from, without nested transforms, so that to_spec() preserves unknown members.
    _origin: dict[str, Any] = attrs.field(init=False, factory=dict, eq=False)

    @abstractmethod
    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Map points.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in pixels.

        Returns
        -------
        ndarray, shape (..., 2)
            A new array.
        """

    @abstractmethod
    def inverse(self) -> Transform:
        """
        Return the inverse transform.

        Raises
        ------
        NotInvertibleError
            If the transform has no inverse. A numerical inverse solves point by point: its ``apply`` raises instead.
        """

    @abstractmethod
    def to_spec(self) -> dict[str, Any]:
        """Return the JSON members of this transform, including unknown members that it was read with."""

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """
        Read a transform from its JSON members.

        Raises
        ------
        TransformError
            If they are not valid, or describe a transform of another class.
        """
        transform = operations().from_spec(spec)
        if not isinstance(transform, cls):
            raise TransformError(f"the specification must be of class {cls.__name__}: got {type(transform).__name__}")
        return transform

    @property
    def is_affine(self) -> bool:
        """Whether the map is affine everywhere: lines stay straight, parallels stay parallel."""
        return False

    @property
    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return all(_is_finite(getattr(self, field.name)) for field in attrs.fields(type(self)) if field.init)

    @property
    def domain(self) -> Bounds | None:
        """Region of input pixels that the transform was made for; None if unknown."""
        return None

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """
        Return the Jacobian matrix at each point.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in pixels.

        Returns
        -------
        ndarray, shape (..., 2, 2)
            Derivatives of the mapped x (first row) and y with respect to x (first column) and y. Computed from
            central differences unless the class has a formula.
        """
        center = as_points(points)
        # The cube root of the machine precision balances rounding against truncation.
        width = 6e-6 * np.maximum(1.0, np.abs(center).max(axis=-1, keepdims=True))
        columns = [
            (self.apply(center + width * axis) - self.apply(center - width * axis)) / (2 * width) for axis in np.eye(2)
        ]
        return np.stack(columns, axis=-1)

    def as_affine(self, region: Bounds | Sequence[float] | None = None) -> AffineModel2D:
        """
        Convert to an affine transform.

        Parameters
        ----------
        region : Bounds, optional
            Input pixels over which a transform that is not affine is approximated, by least squares on a grid.

        Raises
        ------
        ConversionError
            If the transform is not affine and no region is given.
        """
        if self.is_affine:
            return self._exact_affine()
        if region is None:
            raise ConversionError(f"{type(self).__name__} is not affine: pass as_affine() a region to fit over")
        fit, _ = self.approximate(order=1, region=region)
        return fit.as_affine()

    def _exact_affine(self) -> AffineModel2D:
        """Return the equal affine; called only if `is_affine`."""
        raise NotImplementedError

    def approximate(
        self, *, order: int = 2, region: Bounds | Sequence[float]
    ) -> tuple[AffineModel2D | PolynomialTransform2D, float]:
        """
        Fit a polynomial, or an affine for order 1, to this transform.

        Parameters
        ----------
        order : int
            Highest degree, 1 or more.
        region : Bounds or (min x, min y, max x, max y)
            Input pixels to fit over.

        Returns
        -------
        fit : AffineModel2D or PolynomialTransform2D
            Least-squares fit on a grid over the region.
        worst_px : float
            Largest distance between fit and transform, on a grid four times as dense.
        """
        fit: tuple[AffineModel2D | PolynomialTransform2D, float] = operations().approximate(self, order, region)
        return fit

    def as_polynomial(self) -> PolynomialTransform2D:
        """
        Convert to a polynomial, exactly.

        Raises
        ------
        ConversionError
            If the transform is not a polynomial; `approximate` fits one.
        """
        if not self.is_affine:
            raise ConversionError(f"{type(self).__name__} is not a polynomial: approximate() fits one over a region")
        polynomial: PolynomialTransform2D = operations().PolynomialTransform2D.from_affine(self)
        return polynomial

    def _rough_inverse(self, points: FloatArray) -> FloatArray | None:
        """Return first guesses of the points that are mapped to *points*; None if there is no formula."""
        return None

    def __matmul__(self, other: Transform) -> Transform:
        """Return *other* followed by this: a single transform if the classes allow it, else a list."""
        if not isinstance(other, Transform):
            return NotImplemented
        composed: Transform = operations().composed(self, other)
        return composed

    def resolve(self, shared: Mapping[str, Transform]) -> Transform:
        """
        Return this transform with every reference replaced by the shared transform of that id.

        Parameters
        ----------
        shared : mapping of str to Transform
            The shared transforms of the stack by id.

        Raises
        ------
        TransformError
            If an id is missing, or references are circular.
        """
        return self._resolve(shared, ())

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Transform:
        return self

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        """Yield the items that replace this in a flattened list; *labels* are those of the enclosing lists."""
        yield self._with_labels(labels)

    def _with_labels(self, labels: tuple[str, ...]) -> Self:
        """Return a copy with *labels* appended, without duplicates."""
        joined = tuple(dict.fromkeys((*self.labels, *labels)))
        return self if joined == self.labels else self.evolve(labels=joined)

    def evolve(self, **changes: Any) -> Self:
        """
        Return a copy with changed members.

        The original ``dataString`` is kept if only `id` and `labels` change; unknown members of the JSON always are.

        Examples
        --------
        >>> from rendergateway.transforms import from_spec
        >>> shift = from_spec({"className": "mpicbg.trakem2.transform.AffineModel2D", "dataString": "1 0 0 1.0 5 7"})
        >>> shift.evolve(id="shift").to_spec()["dataString"]
        '1 0 0 1.0 5 7'
        """
        origin = dict(self._origin)
        if not changes.keys() <= _NAMES_OF_THE_SPEC:
            origin.pop("dataString", None)
        return attrs.evolve(self, **changes)._remember(origin)

    def _remember(self, origin: dict[str, Any]) -> Self:
        """Set *origin* as the JSON that this new value was read from; return the value."""
        object.__setattr__(self, "_origin", origin)
        return self

    def _read_from(self, spec: Mapping[str, Any], nested: Sequence[str]) -> Self:
        """Set id, labels and unknown members of this new value from *spec*; return the value."""
        object.__setattr__(self, "id", spec_id(spec))
        object.__setattr__(self, "labels", spec_labels(spec))
        # Nested transforms have an origin of their own; None keeps their position in the order of members.
        known = {**spec, **dict.fromkeys(nested)}
        plain = all(value is None or isinstance(value, str) for value in known.values())
        return self._remember(known if plain else copy.deepcopy(known))

    def _spec(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON this was read from, updated with *members* and the current id and labels."""
        spec = copy.deepcopy(self._origin) or {"type": self.FORM}
        spec.update(members)
        if self.id != spec_id(spec):
            spec["id"] = self.id
        if self.id is None:
            spec.pop("id", None)
        if self.labels != spec_labels(spec):
            spec["metaData"] = {**(spec.get("metaData") or {}), "labels": list(self.labels)}
        return spec

    def __repr__(self) -> str:
        fields = [field for field in attrs.fields(type(self)) if field.init]
        shown = [_shown(getattr(self, field.name)) for field in fields if not field.kw_only]
        shown += [f"{name}={value!r}" for name, value in (("id", self.id), ("labels", self.labels)) if value]
        return f"{type(self).__name__}({shortened(', '.join(shown), _SHOWN_LETTERS)})"


def _is_finite(value: object) -> bool:
    if isinstance(value, Transform):
        return value.is_finite
    if isinstance(value, tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float | np.ndarray) or bool(np.isfinite(value).all())


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    return repr(value.tolist()) if value.size <= _SHOWN_NUMBERS else f"<array {value.shape}>"


def spec_id(spec: Mapping[str, Any]) -> str | None:
    """Return the ``id`` of a specification as text; the service also accepts a number."""
    name = spec.get("id")
    return None if name is None else str(name)


def spec_labels(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``metaData.labels`` of a specification."""
    meta_data = spec.get("metaData") or {}
    if not isinstance(meta_data, Mapping):
        raise TransformError(f"metaData of a transform must be an object: got {meta_data!r}")
    labels = meta_data.get("labels") or ()
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise TransformError(f"metaData.labels of a transform must be a list of words: got {labels!r}")
    return tuple(map(str, labels))
