"""Reading transforms from JSON, and the table of their classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar, overload

from rendergateway.errors import RegistrationError, TransformError
from rendergateway.extensions import Extensions
from rendergateway.transforms.classes.composite import (
    InterpolatedTransform,
    TransformList,
    TransformReference,
    UnknownTransform,
)
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.transform import Transform, spec_id

__all__ = ["CLASSES", "from_spec", "register_transform"]

LeafT = TypeVar("LeafT", bound=type[LeafTransform])


class _Classes(Mapping[str, type[LeafTransform]]):
    """Java class name → class, imported lazily: most classes are rare."""

    def __init__(self, modules: Mapping[str, str], *, former: Mapping[str, str]) -> None:
        self._modules = modules
        self._former = former
        self._loaded: dict[str, type[LeafTransform]] = {}

    def __getitem__(self, name: str) -> type[LeafTransform]:
        if name not in self._loaded:
            current = self._former.get(name, name)
            module = import_module(f"rendergateway.transforms.classes.{self._modules[current]}")
            self._loaded[name] = getattr(module, current.rpartition(".")[2])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._modules, *self._former])

    def __len__(self) -> int:
        return len(self._modules) + len(self._former)


_BUILT_IN = _Classes(
    {
        "mpicbg.trakem2.transform.AffineModel2D": "affine",
        "mpicbg.trakem2.transform.TranslationModel2D": "linear",
        "mpicbg.trakem2.transform.RigidModel2D": "linear",
        "mpicbg.trakem2.transform.SimilarityModel2D": "linear",
        "mpicbg.trakem2.transform.HomographyModel2D": "homography",
        "mpicbg.trakem2.transform.PolynomialTransform2D": "polynomial",
        "mpicbg.trakem2.transform.NonLinearCoordinateTransform": "lens",
        "mpicbg.trakem2.transform.ThinPlateSplineTransform": "thin_plate",
        "mpicbg.trakem2.transform.MovingLeastSquaresTransform": "moving_least_squares",
        "mpicbg.trakem2.transform.MovingLeastSquaresTransform2": "moving_least_squares",
        "org.janelia.alignment.transform.AffineWarpFieldTransform": "warp_field",
        "org.janelia.alignment.transform.DisplacementFieldTransform": "displacement",
        "org.janelia.alignment.transform.ExponentialFunctionOffsetTransform": "offsets",
        "org.janelia.alignment.transform.ExponentialFunctionOffsetTransformWithWrongSign": "offsets",
        "org.janelia.alignment.transform.ExponentialRecoveryOffsetTransform": "offsets",
        "org.janelia.alignment.transform.SEMDistortionTransformA": "offsets",
        "org.janelia.alignment.transform.StageCreepCorrectionTransform": "offsets",
    },
    former={
        "lenscorrection.NonLinearTransform": "mpicbg.trakem2.transform.NonLinearCoordinateTransform",
        "mpicbg.trakem2.transform.nonLinearTransform": "mpicbg.trakem2.transform.NonLinearCoordinateTransform",
    },
)
CLASSES: Extensions[type[LeafTransform]] = Extensions("transform class", _BUILT_IN)


@overload
def register_transform(leaf: LeafT, *, replace: bool = False) -> LeafT: ...


@overload
def register_transform(leaf: None = None, *, replace: bool = False) -> Callable[[LeafT], LeafT]: ...


def register_transform(leaf: LeafT | None = None, *, replace: bool = False) -> LeafT | Callable[[LeafT], LeafT]:
    """
    Register a transform class under its Java class name; usable as a decorator.

    Specifications that are read from now on, by this process or an embedded service in it, use the class. Pickled
    gateways include it, so that other processes use it too. ``CLASSES.registered(name, leaf)`` registers it for a
    block.

    Parameters
    ----------
    leaf : type
        Subclass of `LeafTransform` with ``JAVA_NAME``, ``from_data_string``, ``to_data_string`` and ``apply``.
    replace : bool
        Whether the name may have a class.

    Raises
    ------
    RegistrationError
        If the class is incomplete, or the name has another class and *replace* is false.
    """
    if leaf is None:
        return lambda later: register_transform(later, replace=replace)
    if not (isinstance(leaf, type) and issubclass(leaf, LeafTransform)):
        raise RegistrationError(f"transform class must derive from LeafTransform: got {leaf!r}")
    missing = sorted(getattr(leaf, "__abstractmethods__", ()))
    if missing:
        raise RegistrationError(f"transform class {leaf.__name__} is incomplete: define {', '.join(missing)}")
    CLASSES.register(getattr(leaf, "JAVA_NAME", ""), leaf, replace=replace)
    return leaf


def from_spec(spec: Mapping[str, Any]) -> Transform:
    """
    Read a transform from its JSON members.

    A missing or unknown ``type`` means a leaf, like in the service; a leaf of an unknown class becomes an
    `UnknownTransform`.

    Raises
    ------
    TransformError
        If a member is missing or a text is invalid for its class. The message starts with the service's own message,
        if it has one, followed by ``"; "`` and details.

    Examples
    --------
    >>> from_spec({"type": "ref", "refId": "lens"})
    TransformReference('lens')
    >>> from_spec({"className": "mpicbg.trakem2.transform.TranslationModel2D", "dataString": "10 -5", "id": "shift"})
    TranslationModel2D(10.0, -5.0, id='shift')
    """
    if not isinstance(spec, Mapping):
        raise TransformError(f"a transform must be an object with type or className: got {spec!r}")
    read = _FORMS.get(spec.get("type", "leaf"), _leaf)
    transform, nested = read(spec)
    return transform._read_from(spec, nested)


def _leaf(spec: Mapping[str, Any]) -> tuple[Transform, tuple[str, ...]]:
    name, text = spec.get("className"), spec.get("dataString")
    if name is None:
        raise TransformError(f"no className defined for leaf transform spec with id '{spec_id(spec) or 'null'}'")
    leaf = CLASSES.get(name)
    if leaf is None:
        return UnknownTransform(name, text), ()
    if text is None:
        raise TransformError(f"no dataString defined for leaf transform spec with id '{spec_id(spec) or 'null'}'")
    problem = leaf._unsupported(text)
    return (UnknownTransform(name, text, problem) if problem else leaf.from_data_string(text)), ()


def _list(spec: Mapping[str, Any]) -> tuple[Transform, tuple[str, ...]]:
    items = spec.get("specList")
    if not isinstance(items, list | tuple):
        raise TransformError(f"specList of a transform list must be a list: got {items!r}")
    return TransformList(map(from_spec, items)), ("specList",)


def _reference(spec: Mapping[str, Any]) -> tuple[Transform, tuple[str, ...]]:
    return TransformReference(str(_member(spec, "refId"))), ()


def _interpolated(spec: Mapping[str, Any]) -> tuple[Transform, tuple[str, ...]]:
    a, b = from_spec(_member(spec, "a")), from_spec(_member(spec, "b"))
    share = _member(spec, "lambda")
    try:
        return InterpolatedTransform(a, b, share), ("a", "b")
    except (TypeError, ValueError) as error:
        raise TransformError(f"lambda of an interpolated transform must be a number: got {share!r}") from error


def _member(spec: Mapping[str, Any], name: str) -> Any:
    if spec.get(name) is None:
        raise TransformError(f"{name} is missing in a transform of type {spec['type']}")
    return spec[name]


_FORMS: dict[str, Callable[[Mapping[str, Any]], tuple[Transform, tuple[str, ...]]]] = {
    "list": _list,
    "ref": _reference,
    "interpolated": _interpolated,
}
