"""Transforms made of others: lists, references, interpolations; and those whose class we do not know."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.transforms.affine import AffineModel2D, LinearModel, matrix_product
from rendergateway.transforms.base import Transform
from rendergateway.transforms.newton import NewtonInverse

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["InterpolatedTransform", "TransformList", "TransformReference", "UnknownTransform"]

_IDENTITY = AffineModel2D().matrix


def _transforms(value: Iterable[Transform]) -> tuple[Transform, ...]:
    transforms = tuple(value)
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise TransformError(f"a TransformList holds transforms, not {transform!r}")
    return transforms


@attrs.frozen(repr=False)
class TransformList(Transform):
    """
    Transforms applied one after the other, the first one first; an empty list is the identity.

    Parameters
    ----------
    transforms : iterable of Transform
        In the order of a tile's ``specList``.

    Examples
    --------
    >>> double, shift = AffineModel2D([[2, 0, 0], [0, 2, 0]]), AffineModel2D([[1, 0, 5], [0, 1, 7]])
    >>> TransformList([double, shift]).apply([1, 1]).tolist()
    [7.0, 9.0]
    """

    FORM: ClassVar[str] = "list"

    transforms: tuple[Transform, ...] = attrs.field(default=(), converter=_transforms)

    def __len__(self) -> int:
        return len(self.transforms)

    def __iter__(self) -> Iterator[Transform]:
        return iter(self.transforms)

    def __getitem__(self, position: int) -> Transform:
        return self.transforms[position]

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2) through all transforms in turn."""
        mapped = np.array(as_points(points))
        for transform in self.transforms:
            mapped = transform.apply(mapped)
        return mapped

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the product of the derivatives along the way."""
        mapped = as_points(points)
        jacobian = np.broadcast_to(np.eye(2), (*mapped.shape[:-1], 2, 2))
        for transform in self.transforms:
            jacobian = transform.jacobian(mapped) @ jacobian
            mapped = transform.apply(mapped)
        return jacobian

    def inverse(self) -> TransformList:
        """Return the inverses in reverse order."""
        return TransformList(transform.inverse() for transform in reversed(self.transforms))

    @property
    def is_affine(self) -> bool:
        """Whether all of them are."""
        return all(transform.is_affine for transform in self.transforms)

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(_exact_matrix(self))

    @property
    def domain(self) -> Bounds | None:
        """That of the first transform."""
        return self.transforms[0].domain if self.transforms else None

    def flattened(self, shared: Mapping[str, Transform] | None = None) -> TransformList:
        """
        Return one list without lists in it, as the service shows a tile's transforms.

        Labels of a list are added to each of its transforms; a transform keeps its own id. An interpolation stays one
        item, its two sides flattened by themselves.

        Parameters
        ----------
        shared : mapping of str to Transform, optional
            The shared transforms by id; without it references stay where they are.

        Raises
        ------
        TransformError
            If *shared* lacks an id, or references lead back to themselves.
        """
        whole = self if shared is None else self.resolve(shared)
        return TransformList(whole._flat_items(()))

    def split_at_lens(self) -> tuple[TransformList, TransformList]:
        """
        Part a flat list into the lens correction and what follows it, as the service does for pictures to be matched.

        The lens correction ends with the last transform labelled ``lens``. Where none is, the last transform follows
        it, and all behind the second.

        Examples
        --------
        >>> lens, shift = AffineModel2D(), AffineModel2D([[1, 0, 5], [0, 1, 7]])
        >>> [len(part) for part in TransformList([lens, shift]).split_at_lens()]
        [1, 1]
        """
        lenses = [place for place, transform in enumerate(self.transforms) if "lens" in transform.labels]
        end = lenses[-1] + 1 if lenses else max(0, min(len(self.transforms) - 1, 2))
        return TransformList(self.transforms[:end]), TransformList(self.transforms[end:])

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        for transform in self.transforms:
            yield from transform._flat_items((*self.labels, *labels))

    def resolve(self, shared: Mapping[str, Transform]) -> TransformList:
        """Return this list with what its references name in their places; see `Transform.resolve`."""
        return self._resolve(shared, ())

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> TransformList:
        return self.evolve(transforms=[transform._resolve(shared, path) for transform in self.transforms])

    def to_spec(self) -> dict[str, Any]:
        """Return ``type`` and ``specList``, and what it was read with."""
        return self._spec({"specList": [transform.to_spec() for transform in self.transforms]})


def _exact_matrix(transform: Transform) -> FloatArray:
    """Return the matrix (2, 3) of what is affine; no transforms are made on the way, as each tile of a picture asks."""
    if isinstance(transform, LinearModel):
        return transform.matrix
    if isinstance(transform, TransformList):
        matrices = map(_exact_matrix, transform.transforms)
        return functools.reduce(lambda before, after: matrix_product(after, before), matrices, _IDENTITY)
    return transform.as_affine().matrix


@attrs.frozen(repr=False)
class TransformReference(Transform):
    """
    A shared transform by its id.

    It knows nothing but the name: `resolve` puts the transform in its place.

    Parameters
    ----------
    ref_id : str
        The ``id`` of a shared transform of the same stack.
    """

    FORM: ClassVar[str] = "ref"

    ref_id: str

    def apply(self, points: npt.ArrayLike) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def jacobian(self, points: npt.ArrayLike) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def inverse(self) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TransformError(f"reference '{self.ref_id}' names a shared transform; resolve(shared) puts it there")

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Transform:
        if self.ref_id in path:
            raise TransformError(f"references lead back to themselves: {' → '.join((*path, self.ref_id))}")
        if self.ref_id not in shared:
            through = f", referred to through {' → '.join(path)}" if path else ""
            raise TransformError(f"there is no shared transform with id '{self.ref_id}'{through}")
        return shared[self.ref_id]._resolve(shared, (*path, self.ref_id))

    def to_spec(self) -> dict[str, Any]:
        """Return ``type`` and ``refId``, and what it was read with."""
        return self._spec({"refId": self.ref_id})


@attrs.frozen(repr=False)
class InterpolatedTransform(Transform):
    """
    The mean of two transforms' points: (1 − λ)·a(p) + λ·b(p).

    Parameters
    ----------
    a, b : Transform
        Of any form.
    lambda_ : float
        Share of b; may lie outside 0 … 1.

    Examples
    --------
    >>> near, far = AffineModel2D(), AffineModel2D([[1, 0, 10], [0, 1, 20]])
    >>> InterpolatedTransform(near, far, 0.3).apply([0, 0]).tolist()
    [3.0, 6.0]
    """

    FORM: ClassVar[str] = "interpolated"

    a: Transform
    b: Transform
    lambda_: float = attrs.field(converter=float)

    def _blend(self, a: FloatArray, b: FloatArray) -> FloatArray:
        return (1.0 - self.lambda_) * a + self.lambda_ * b

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2) both ways and blend."""
        start = self.a.apply(points)
        # Not (1 - λ)·a + λ·b, whose last digit differs from that of the recorded service.
        return start + (self.b.apply(points) - start) * self.lambda_

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the blended derivatives."""
        return self._blend(self.a.jacobian(points), self.b.jacobian(points))

    def inverse(self) -> Transform:
        """Return the inverse: exact if both sides are affine, else solved point by point (`NewtonInverse`)."""
        return self.as_affine().inverse() if self.is_affine else NewtonInverse(self)

    @property
    def is_affine(self) -> bool:
        """Whether both sides are."""
        return self.a.is_affine and self.b.is_affine

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(self._blend(self.a.as_affine().matrix, self.b.as_affine().matrix))

    @property
    def domain(self) -> Bounds | None:
        """That of the first side that has one."""
        return self.a.domain or self.b.domain

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        yield self.evolve(a=_flat_side(self.a), b=_flat_side(self.b))._with_labels(labels)

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Self:
        return self.evolve(a=self.a._resolve(shared, path), b=self.b._resolve(shared, path))

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``a``, ``b`` and ``lambda``, and what it was read with."""
        return self._spec({"a": self.a.to_spec(), "b": self.b.to_spec(), "lambda": self.lambda_})


def _flat_side(side: Transform) -> Transform:
    """Return one side of an interpolation flattened: a single item as it is, several as a list without a name."""
    items = tuple(side._flat_items(()))
    return items[0] if len(items) == 1 else TransformList(items)


@attrs.frozen(repr=False)
class UnknownTransform(Transform):
    """
    A transform of a Java class that has no counterpart here: kept word for word, never applied.

    Parameters
    ----------
    class_name : str
        Full Java class name.
    data_string : str, optional
        Its text.

    Examples
    --------
    >>> warp = UnknownTransform("bunwarpj.trakem2.transform.CubicBSplineTransform", "2048 2048 2 1.5 0.0")
    >>> warp.to_spec()["dataString"]
    '2048 2048 2 1.5 0.0'
    """

    class_name: str
    data_string: str | None = None

    def apply(self, points: npt.ArrayLike) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def jacobian(self, points: npt.ArrayLike) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def inverse(self) -> NoReturn:
        """Refuse: raise a `TransformError`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TransformError(
            f"transform class '{self.class_name}' cannot be found; its text is kept, but it cannot be applied here"
        )

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``className`` and ``dataString``, and what it was read with."""
        members = {"className": self.class_name, "dataString": self.data_string}
        return self._spec({name: value for name, value in members.items() if value is not None})
