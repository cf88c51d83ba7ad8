"""Wire objects of transforms: leaf, list, reference and interpolated."""

# Attributes have the names of the JSON members.
# ruff: noqa: N815

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from rendergateway.wire.base import Wire, always

__all__ = ["Interpolated", "Leaf", "MetaData", "Reference", "Spec", "SpecList", "flatten", "is_flat", "references"]


class MetaData(Wire):
    """Labels of a transform; the service drops other members."""

    labels: list[str] | None = None

    def __post_init__(self) -> None:
        """Drop repeated labels."""
        if self.labels:
            self.labels = list(dict.fromkeys(self.labels))


class _Named(Wire, tag_field="type"):
    id: str | None = None
    metaData: MetaData | None = None

    @property
    def labels(self) -> list[str]:
        """The labels; empty if missing."""
        return (self.metaData and self.metaData.labels) or []


class Leaf(_Named, tag="leaf"):
    """One transform: a Java class and its parameters as text."""

    className: str | None = None
    dataString: str | None = None


class Reference(_Named, tag="ref"):
    """Reference to a shared transform by id."""

    refId: str | None = None


class Interpolated(_Named, tag="interpolated"):
    """Interpolation between two transforms."""

    a: Leaf | SpecList | Reference | Interpolated | None = None
    b: Leaf | SpecList | Reference | Interpolated | None = None
    lambda_: float | None = msgspec.field(default=None, name="lambda")


class SpecList(_Named, tag="list"):
    """Transforms applied in sequence."""

    specList: list[Leaf | SpecList | Reference | Interpolated | None] = always(list)


Spec: TypeAlias = Leaf | SpecList | Reference | Interpolated


def references(spec: Spec | None) -> list[str | None]:
    """Return the ids that *spec* refers to, at any depth."""
    if isinstance(spec, Reference):
        return [spec.refId]
    if isinstance(spec, Interpolated):
        return references(spec.a) + references(spec.b)
    found: list[str | None] = []
    for part in spec.specList if isinstance(spec, SpecList) else ():
        # Runs for every saved tile: a function call per transform would dominate the cost.
        if type(part) is Reference:
            found.append(part.refId)
        elif type(part) is not Leaf:
            found += references(part)
    return found


def is_flat(transforms: SpecList) -> bool:
    """Whether flattening is a no-op."""
    if transforms.id is not None or transforms.metaData is not None:
        return False
    for spec in transforms.specList:  # noqa: SIM110  A generator would take three times as long per tile.
        if type(spec) is not Leaf:
            return False
    return True


def flatten(spec: Spec, shared: Callable[[str], Spec | None]) -> SpecList:
    """
    Return *spec* without nested lists and with every reference resolved.

    Labels of an enclosing list are added to each transform in it, in place: other references of this tile to the same
    shared transform see them too, as in the real service.

    Parameters
    ----------
    spec : Spec
        Consumed: its parts are modified and reused.
    shared : callable
        Returns a copy of a shared transform by id, the same copy for all calls within one tile; None if it is missing,
        which leaves the reference unchanged.
    """
    return SpecList(specList=[*_flat(spec, shared, ())])


def _flat(spec: Spec | None, shared: Callable[[str], Spec | None], above: tuple[str, ...]) -> list[Spec]:
    if isinstance(spec, SpecList):
        items = [item for part in spec.specList for item in _flat(part, shared, above)]
        if spec.metaData is not None:
            for item in items:
                _add_labels(item, spec.labels)
        return items
    if isinstance(spec, Reference):
        named = shared(spec.refId) if spec.refId is not None and spec.refId not in above else None
        return [spec] if named is None else _flat(named, shared, (*above, spec.refId or ""))
    if isinstance(spec, Interpolated):
        a, b = (_single(part, shared, above) for part in (spec.a, spec.b))
        return [Interpolated(id=spec.id, metaData=_copy(spec.metaData), a=a, b=b, lambda_=spec.lambda_)]
    return [] if spec is None else [spec]


def _single(spec: Spec | None, shared: Callable[[str], Spec | None], above: tuple[str, ...]) -> Spec:
    items = _flat(spec, shared, above)
    return items[0] if len(items) == 1 else SpecList(specList=list(items))


def _add_labels(spec: Spec, labels: list[str]) -> None:
    spec.metaData = MetaData(labels=spec.labels + labels or None)


def _copy(data: MetaData | None) -> MetaData | None:
    return None if data is None else MetaData(labels=data.labels)
