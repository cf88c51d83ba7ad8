"""Transforms that contain others: lists, references, interpolations; and transforms of unknown classes."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_float, as_points, checked_frame, frame_label
from rendergateway.transforms.base.matrices import matrix_product
from rendergateway.transforms.classes.affine import AffineModel2D, LinearModel
from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.transforms.classes.transform import Transform

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["InterpolatedTransform", "TransformList", "TransformReference", "UnknownTransform"]

_IDENTITY = AffineModel2D().matrix


def _transforms(value: Iterable[Transform]) -> tuple[Transform, ...]:
    transforms = tuple(value)
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise TransformError(f"the items of a TransformList must be transforms: got {transform!r}")
    return transforms


@attrs.frozen(repr=False)
class TransformList(Transform):
    """
    A sequence of transforms, the first one applied first; an empty list is the identity.

    Parameters
    ----------
    transforms : iterable of Transform
        Transforms in the order of a tile's ``specList``.

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
        """Map points (..., 2) with each transform in turn."""
        mapped = np.array(as_points(points))
        for transform in self.transforms:
            mapped = transform.apply(mapped)
        return mapped

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the product of the Jacobian matrices (chain rule)."""
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
        """Whether all transforms are affine."""
        return all(transform.is_affine for transform in self.transforms)

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(_exact_matrix(self))

    @property
    def domain(self) -> Bounds | None:
        """Domain of the first transform."""
        return self.transforms[0].domain if self.transforms else None

    def flattened(self, shared: Mapping[str, Transform] | None = None) -> TransformList:
        """
        Return one list without nested lists, like the service's resolved transforms of a tile.

        Labels of a list are added to each of its transforms; a transform keeps its own id. An interpolation remains
        one item, with both of its sides flattened.

        Parameters
        ----------
        shared : mapping of str to Transform, optional
            The shared transforms by id; by default references are kept.

        Raises
        ------
        TransformError
            If *shared* lacks an id, or references are circular.
        """
        whole = self if shared is None else self.resolve(shared)
        return TransformList(whole._flat_items(()))

    def split_at_lens(self) -> tuple[TransformList, TransformList]:
        """
        Split a flat list into the lens correction and the rest, like the service for images to be matched.

        The lens correction ends with the last transform labelled ``lens``. Without such a label it consists of all but
        the last transform, at most two.

        Examples
        --------
        >>> lens, shift = AffineModel2D(), AffineModel2D([[1, 0, 5], [0, 1, 7]])
        >>> [len(part) for part in TransformList([lens, shift]).split_at_lens()]
        [1, 1]
        """
        lenses = [place for place, transform in enumerate(self.transforms) if "lens" in transform.labels]
        end = lenses[-1] + 1 if lenses else max(0, min(len(self.transforms) - 1, 2))
        return TransformList(self.transforms[:end]), TransformList(self.transforms[end:])

    def split_at(self, frame: str) -> tuple[TransformList, TransformList]:
        """
        Split a flat list at a frame of match points or pictures: into it from the image, and from it into the world.

        Parameters
        ----------
        frame : str
            ``raw``: before all transforms. ``lens_corrected``: see `split_at_lens`. ``before:LABEL`` and
            ``after:LABEL``: before or after the last transform of that label. Without the label ``match``,
            ``before:match`` is before the last transform, as in the solvers of the service.

        Raises
        ------
        TransformError
            If no transform has the label.
        ValueError
            If the frame is unknown.

        References
        ----------
        .. [1] saalfeldlab/render, ``TileSpec.java``, ``getMatchingTransformSpecList`` and
           ``getPostMatchingTransformSpecList``.

        Examples
        --------
        >>> lens, rest = AffineModel2D(labels=["lens"]), AffineModel2D([[1, 0, 5], [0, 1, 7]])
        >>> [len(part) for part in TransformList([lens, rest]).split_at("after:lens")]
        [1, 1]
        """
        if checked_frame(frame) == "lens_corrected":
            return self.split_at_lens()
        side, label = frame_label(frame) or ("raw", "")
        labelled = [place for place, transform in enumerate(self.transforms) if label in transform.labels]
        if side == "raw":
            end = 0
        elif labelled:
            end = labelled[-1] + (side == "after")
        elif frame == "before:match":
            end = max(0, len(self.transforms) - 1)
        else:
            known = sorted({word for transform in self.transforms for word in transform.labels})
            raise TransformError(
                f"frame {frame!r} needs a transform labelled {label!r}: got labels {known}; use another frame"
            )
        return TransformList(self.transforms[:end]), TransformList(self.transforms[end:])

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        for transform in self.transforms:
            yield from transform._flat_items((*self.labels, *labels))

    def resolve(self, shared: Mapping[str, Transform]) -> TransformList:
        """Return this list with its references replaced; see `Transform.resolve`."""
        return self._resolve(shared, ())

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> TransformList:
        return self.evolve(transforms=[transform._resolve(shared, path) for transform in self.transforms])

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``specList``, and unknown members that it was read with."""
        return self._spec({"specList": [transform.to_spec() for transform in self.transforms]})


def _exact_matrix(transform: Transform) -> FloatArray:
    """Return the matrix (2, 3) of an affine transform without intermediate objects: rendering calls this per tile."""
    if isinstance(transform, LinearModel):
        return transform.matrix
    if isinstance(transform, TransformList):
        matrices = map(_exact_matrix, transform.transforms)
        return functools.reduce(lambda before, after: matrix_product(after, before), matrices, _IDENTITY)
    return transform.as_affine().matrix


@attrs.frozen(repr=False)
class TransformReference(Transform):
    """
    A reference to a shared transform by id; `resolve` replaces it with that transform.

    Parameters
    ----------
    ref_id : str
        The ``id`` of a shared transform of the same stack.
    """

    FORM: ClassVar[str] = "ref"

    ref_id: str

    def apply(self, points: npt.ArrayLike) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def jacobian(self, points: npt.ArrayLike) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def inverse(self) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TransformError(f"reference '{self.ref_id}' is not resolved: call resolve(shared) first")

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Transform:
        if self.ref_id in path:
            raise TransformError(f"references are circular: {' → '.join((*path, self.ref_id))}")
        if self.ref_id not in shared:
            through = f", referenced through {' → '.join(path)}" if path else ""
            raise TransformError(f"there is no shared transform with id '{self.ref_id}'{through}")
        return shared[self.ref_id]._resolve(shared, (*path, self.ref_id))

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``refId``, and unknown members that it was read with."""
        return self._spec({"refId": self.ref_id})


@attrs.frozen(repr=False)
class InterpolatedTransform(Transform):
    """
    Linear interpolation between two transforms: (1 − λ)·a(p) + λ·b(p).

    Parameters
    ----------
    a, b : Transform
        Transforms of any form.
    lambda_ : float
        Weight λ of b; may lie outside 0 … 1.

    Examples
    --------
    >>> near, far = AffineModel2D(), AffineModel2D([[1, 0, 10], [0, 1, 20]])
    >>> InterpolatedTransform(near, far, 0.3).apply([0, 0]).tolist()
    [3.0, 6.0]
    """

    FORM: ClassVar[str] = "interpolated"

    a: Transform
    b: Transform
    lambda_: float = attrs.field(converter=as_float)

    def _blend(self, a: FloatArray, b: FloatArray) -> FloatArray:
        return (1.0 - self.lambda_) * a + self.lambda_ * b

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2) with both transforms and interpolate."""
        start = self.a.apply(points)
        # Not (1 - λ)·a + λ·b, whose last digit differs from that of the recorded service.
        return start + (self.b.apply(points) - start) * self.lambda_

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the interpolated Jacobian matrices."""
        return self._blend(self.a.jacobian(points), self.b.jacobian(points))

    def inverse(self) -> Transform:
        """Return the inverse: exact if both sides are affine, else numerical (`NewtonInverse`)."""
        return self.as_affine().inverse() if self.is_affine else NewtonInverse(self)

    @property
    def is_affine(self) -> bool:
        """Whether both sides are affine."""
        return self.a.is_affine and self.b.is_affine

    def _exact_affine(self) -> AffineModel2D:
        return AffineModel2D(self._blend(self.a.as_affine().matrix, self.b.as_affine().matrix))

    @property
    def domain(self) -> Bounds | None:
        """Domain of the first side that has one."""
        return self.a.domain or self.b.domain

    def _flat_items(self, labels: tuple[str, ...]) -> Iterator[Transform]:
        yield self.evolve(a=_flat_side(self.a), b=_flat_side(self.b))._with_labels(labels)

    def _resolve(self, shared: Mapping[str, Transform], path: tuple[str, ...]) -> Self:
        return self.evolve(a=self.a._resolve(shared, path), b=self.b._resolve(shared, path))

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``a``, ``b``, ``lambda``, and unknown members that it was read with."""
        return self._spec({"a": self.a.to_spec(), "b": self.b.to_spec(), "lambda": self.lambda_})


def _flat_side(side: Transform) -> Transform:
    """Return one side of an interpolation flattened: a single item, or a list without id for several."""
    items = tuple(side._flat_items(()))
    return items[0] if len(items) == 1 else TransformList(items)


@attrs.frozen(repr=False)
class UnknownTransform(Transform):
    """
    A transform of an unknown Java class: preserved verbatim, but not applicable.

    Parameters
    ----------
    class_name : str
        Full Java class name.
    data_string : str, optional
        Text of its parameters.
    problem : str, optional
        Why it cannot be applied, if its class is known.

    Examples
    --------
    >>> warp = UnknownTransform("bunwarpj.trakem2.transform.CubicBSplineTransform", "2048 2048 2 1.5 0.0")
    >>> warp.to_spec()["dataString"]
    '2048 2048 2 1.5 0.0'
    """

    class_name: str
    data_string: str | None = None
    problem: str = attrs.field(default="", eq=False)

    def apply(self, points: npt.ArrayLike) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def jacobian(self, points: npt.ArrayLike) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def inverse(self) -> NoReturn:
        """Raise `TransformError`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TransformError(
            self.problem
            or f"transform class '{self.class_name}' cannot be found; it is preserved, but cannot be applied locally "
            "unless register_transform() defines it"
        )

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``className``, ``dataString``, and unknown members that it was read with."""
        members = {"className": self.class_name, "dataString": self.data_string}
        return self._spec({name: value for name, value in members.items() if value is not None})
