"""Which class stands for which kind of object."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from rendergateway.errors import RegistrationError
from rendergateway.wrappers.core.fitness import problems_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["ANNOUNCED", "DEFAULT", "ENTRY_POINTS", "Registry", "refresh_wrappers"]

ENTRY_POINTS = "rendergateway.wrappers"

ClassT = TypeVar("ClassT", bound="type[ObjectWrapper[Any]]")


class Registry:
    """
    Kind → class, looked up at every wrap, so that a registration takes effect at the next one.

    Parameters
    ----------
    below : Registry, optional
        Asked for the kinds that have no class here: a gateway's registry lies over the default one.
    """

    def __init__(self, below: Registry | None = None) -> None:
        self._classes: dict[str, type[ObjectWrapper[Any]]] = {}
        self._below = below

    def register(self, wrapper_class: ClassT, *, replace: bool = False) -> ClassT:
        """
        Let *wrapper_class* stand for its kind; return it, so that this decorates a class.

        Parameters
        ----------
        wrapper_class : type
            A subclass of the wrapper that stands for its kind by default.
        replace : bool
            Whether it may take the place of another class here that it does not derive from. One of the same module
            and name may always: a cell of a notebook that is run again.

        Raises
        ------
        RegistrationError
            If it cannot stand for its kind, with all reasons; or if another class does already.
        """
        kind = getattr(wrapper_class, "KIND", None)
        base = _BASES.get(kind) if isinstance(kind, str) else None
        if base is None:
            raise RegistrationError(
                f"{wrapper_class!r} stands for no kind of object: register a subclass of one of "
                f"{', '.join(sorted(base.__name__ for base in _BASES.values()))}"
            )
        if problems := list(problems_of(wrapper_class, base)):
            raise RegistrationError(f"{wrapper_class!r} cannot stand for {kind!r}: {'; '.join(problems)}")
        present = self._classes.get(base.KIND)
        if present is not None and not replace and not _may_follow(wrapper_class, present):
            raise RegistrationError(
                f"{present!r} stands for {kind!r} already, and {wrapper_class!r} does not derive from it; derive one "
                "class from both, or register with replace=True"
            )
        self._classes[base.KIND] = wrapper_class
        return wrapper_class

    @contextlib.contextmanager
    def kept(self) -> Iterator[Self]:
        """Put all classes back when the block ends: what a test registers goes with it."""
        classes = dict(self._classes)
        try:
            yield self
        finally:
            self._classes = classes

    def __getitem__(self, kind: str) -> type[ObjectWrapper[Any]]:
        if kind in self._classes:
            return self._classes[kind]
        return self._below[kind] if self._below is not None else _BASES[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in _BASES

    def __reduce__(self) -> str | tuple[object, ...]:
        # Another process has a default registry of its own.
        return "DEFAULT" if self is DEFAULT else (_registry_of, (self._below, self._classes))

    def __repr__(self) -> str:
        own = ", ".join(f"{kind}: {wrapper.__name__}" for kind, wrapper in sorted(self._classes.items()))
        return f"<Registry {own or 'as it comes'}>"


def _registry_of(below: Registry | None, classes: dict[str, type[ObjectWrapper[Any]]]) -> Registry:
    registry = Registry(below)
    registry._classes = classes
    return registry


def _may_follow(wrapper_class: type[Any], present: type[Any]) -> bool:
    is_again = (wrapper_class.__module__, wrapper_class.__qualname__) == (present.__module__, present.__qualname__)
    return is_again or issubclass(wrapper_class, present)


# What installed packages announce, and over it what this process registers for all gateways.
ANNOUNCED = Registry()
DEFAULT = Registry(ANNOUNCED)
_BASES: dict[str, type[ObjectWrapper[Any]]] = {}
# What was last found under the public names, so that a name that was put back counts as well.
_assigned: dict[str, type[ObjectWrapper[Any]]] = {}


def add_base(wrapper_class: type[ObjectWrapper[Any]]) -> type[ObjectWrapper[Any]]:
    """Make *wrapper_class* the one that stands for its kind by default, and that others must derive from."""
    _BASES[wrapper_class.KIND] = wrapper_class
    return wrapper_class


def refresh_wrappers() -> None:
    """
    Look again at the names in ``rendergateway`` and let the classes that stand there count, everywhere.

    The way of Blitz Gateway: assign ``rendergateway.TileWrapper = MyTile``, then call this. Objects that live keep
    their class. A name that was put back to what it was takes the class away again; classes that were registered in
    other ways stay.

    Raises
    ------
    RegistrationError
        If what stands there cannot stand for that kind.
    """
    package = sys.modules["rendergateway"]
    for kind, base in _BASES.items():
        found = getattr(package, base.__name__, base)
        if found is not base:
            _assigned[kind] = DEFAULT.register(found, replace=True)
        elif kind in _assigned and DEFAULT._classes.get(kind) is _assigned.pop(kind):
            del DEFAULT._classes[kind]


@functools.cache
def load_entry_points() -> None:
    """
    Register the classes that installed packages announce, once a process; of related ones the most derived counts.

    Raises
    ------
    RegistrationError
        If one does not load or cannot stand for its kind, or two packages want one kind.
    """
    from importlib import metadata  # Loaded with the first gateway: a tenth of a plain import.

    for entry_point in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        try:
            announced = entry_point.load()
            present = ANNOUNCED._classes.get(getattr(announced, "KIND", ""))
            if present is None or not issubclass(present, announced):
                ANNOUNCED.register(announced)
        except Exception as error:
            raise RegistrationError(
                f"the entry point {entry_point.name} = {entry_point.value} does not register: {error}"
            ) from error
