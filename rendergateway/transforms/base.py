"""What every coordinate transform offers."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transforms.affine import AffineModel2D
    from rendergateway.transforms.polynomial import PolynomialTransform2D

__all__ = ["Transform", "spec_id", "spec_labels"]

_NAMES_OF_THE_SPEC = frozenset({"id", "labels"})
_SHOWN_NUMBERS = 12


def _region_grid(region: Bounds | Sequence[float], count: int) -> FloatArray:
    """Return count × count points over *region*, its border included, as an array (count², 2)."""
    min_x, min_y, max_x, max_y = region
    x, y = np.meshgrid(np.linspace(min_x, max_x, count), np.linspace(min_y, max_y, count))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _words(labels: Iterable[str]) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise TransformError(f"labels are several words, here stands {labels!r}")
    return tuple(labels)


@attrs.frozen(repr=False)
class Transform(ABC):
    """
    A map of the plane; a frozen value that can be compared, hashed and pickled.

    Values are equal if class, parameters, `id` and `labels` are; the text they were read from does not count.

    Parameters
    ----------
    id : str, optional
        Under this name a stack shares the transform among its tiles (``id`` in JSON).
    labels : sequence of str
        ``metaData.labels`` in JSON; ``lens`` and ``match`` mean something to the service.
    """

    FORM: ClassVar[str] = "leaf"
    # An array beside an operator leaves the operator to us.
    __array_ufunc__: ClassVar[None] = None

    id: str | None = attrs.field(default=None, kw_only=True)
    labels: tuple[str, ...] = attrs.field(default=(), converter=_words, kw_only=True)
    # The JSON this was read from, without nested transforms: what it says beyond our members is written again.
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
        Return the transform that undoes this one.

        Raises
        ------
        NotInvertibleError
            If there is none. Where no formula exists, single points are solved and refused by the result's ``apply``.
        """

    @abstractmethod
    def to_spec(self) -> dict[str, Any]:
        """Return the JSON members of this transform; unknown members it was read with come back unchanged."""

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """
        Read the JSON members of a transform.

        Raises
        ------
        TransformError
            If they describe none, or one of another class than this.
        """
        from rendergateway.transforms.spec import from_spec

        transform = from_spec(spec)
        if not isinstance(transform, cls):
            raise TransformError(f"{cls.__name__} expected, the specification is that of {type(transform).__name__}")
        return transform

    @property
    def is_affine(self) -> bool:
        """Whether straight lines stay straight and parallel ones parallel, everywhere."""
        return False

    @property
    def domain(self) -> Bounds | None:
        """Where the transform was made for, in pixels of its input; None where it does not say."""
        return None

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """
        Return the derivatives at *points*.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in pixels.

        Returns
        -------
        ndarray, shape (..., 2, 2)
            Derivatives of the mapped x (first row) and y by x (first column) and y: from central differences where
            the class has no formula.
        """
        center = as_points(points)
        # The cube root of the precision balances rounding against curvature.
        width = 6e-6 * np.maximum(1.0, np.abs(center).max(axis=-1, keepdims=True))
        columns = [
            (self.apply(center + width * axis) - self.apply(center - width * axis)) / (2 * width) for axis in np.eye(2)
        ]
        return np.stack(columns, axis=-1)

    def as_affine(self, region: Bounds | Sequence[float] | None = None) -> AffineModel2D:
        """
        Return this transform as an affine one.

        Parameters
        ----------
        region : Bounds, optional
            Input pixels over which the best affine (least squares on a grid) stands for a transform that is none.

        Raises
        ------
        ConversionError
            If the transform is not affine and no region is given.
        """
        if self.is_affine:
            return self._exact_affine()
        if region is None:
            raise ConversionError(f"{type(self).__name__} is not affine: as_affine needs the region to fit over")
        fit, _ = self.approximate(order=1, region=region)
        return fit.as_affine()

    def _exact_affine(self) -> AffineModel2D:
        """Return the affine that this is; asked only if it is one."""
        raise NotImplementedError

    def approximate(
        self, *, order: int = 2, region: Bounds | Sequence[float]
    ) -> tuple[AffineModel2D | PolynomialTransform2D, float]:
        """
        Fit a polynomial (order 1: an affine) to this transform.

        Parameters
        ----------
        order : int
            Highest power, 1 or more.
        region : Bounds or (min x, min y, max x, max y)
            Input pixels to fit over.

        Returns
        -------
        fit : AffineModel2D or PolynomialTransform2D
            The least-squares fit over a grid of the region.
        worst_px : float
            Largest distance to this transform, on a grid four times as dense.
        """
        from rendergateway.transforms.curved_fits import fit_polynomial
        from rendergateway.transforms.fits import fit_affine

        count = 2 * order + 7
        points = _region_grid(region, count)
        mapped = self.apply(points)
        fit = fit_affine(points, mapped) if order == 1 else fit_polynomial(points, mapped, order=order)
        dense = _region_grid(region, 4 * count + 1)
        return fit, float(np.linalg.norm(fit.apply(dense) - self.apply(dense), axis=1).max())

    def as_polynomial(self) -> PolynomialTransform2D:
        """
        Return this transform as a polynomial, without loss.

        Raises
        ------
        ConversionError
            If it is none; `approximate` fits one.
        """
        from rendergateway.transforms.polynomial import PolynomialTransform2D

        if not self.is_affine:
            raise ConversionError(f"{type(self).__name__} is no polynomial; approximate() fits one over a region")
        return PolynomialTransform2D.from_affine(self)

    def __matmul__(self, other: Transform) -> Transform:
        """Return *other* followed by this: one value where the classes allow it, else a list."""
        from rendergateway.transforms.composition import composed

        return composed(self, other) if isinstance(other, Transform) else NotImplemented

    def resolve(self, shared: Mapping[str, Transform]) -> Transform:
        """
        Return this transform with every reference replaced by what it names.

        Parameters
        ----------
        shared : mapping of str to Transform
            The shared transforms of the stack by id.

        Raises
        ------
        TransformError
            If an id is missing, or references lead back to themselves.
        """
        return self._resolve(shared, ())

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Transform:
        return self

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        """Yield what stands for this in a flattened list; *labels* are those of the lists around it."""
        yield self._with_labels(labels)

    def _with_labels(self, labels: tuple[str, ...]) -> Self:
        """Return this with *labels* behind its own, each once."""
        joined = tuple(dict.fromkeys((*self.labels, *labels)))
        return self if joined == self.labels else self.evolve(labels=joined)

    def evolve(self, **changes: Any) -> Self:
        """
        Return a copy with some members changed.

        The original text stays as long as only `id` and `labels` change; members of the JSON that we do not know
        stay anyway.

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
        """Take *origin* as the JSON this new value was read from, and return this."""
        object.__setattr__(self, "_origin", origin)
        return self

    def _read_from(self, spec: Mapping[str, Any], nested: Sequence[str]) -> Self:
        """Take id, labels and unknown members of *spec* over into this new value, and return this."""
        object.__setattr__(self, "id", spec_id(spec))
        object.__setattr__(self, "labels", spec_labels(spec))
        # Nested transforms keep their own origin; here None holds their place in the order of members.
        known = {**spec, **dict.fromkeys(nested)}
        plain = all(value is None or isinstance(value, str) for value in known.values())
        return self._remember(known if plain else copy.deepcopy(known))

    def _spec(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return *members* within the JSON this was read from, with the present id and labels."""
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
        return f"{type(self).__name__}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    return repr(value.tolist()) if value.size <= _SHOWN_NUMBERS else f"<array {value.shape}>"


def spec_id(spec: Mapping[str, Any]) -> str | None:
    """Return the ``id`` of a specification; the service reads a number as its text."""
    name = spec.get("id")
    return None if name is None else str(name)


def spec_labels(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``metaData.labels`` of a specification."""
    meta_data = spec.get("metaData") or {}
    if not isinstance(meta_data, Mapping):
        raise TransformError(f"metaData of a transform is an object, here stands {meta_data!r}")
    labels = meta_data.get("labels") or ()
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise TransformError(f"metaData.labels of a transform is a list of words, here stands {labels!r}")
    return tuple(map(str, labels))
