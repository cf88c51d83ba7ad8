"""Which class stands for which kind of object."""

from __future__ import annotations

import functools
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from rendergateway.errors import RegistrationError

if TYPE_CHECKING:
    from rendergateway.wrappers.object import ObjectWrapper

__all__ = ["DEFAULT", "ENTRY_POINTS", "Registry", "refresh_wrappers"]

ENTRY_POINTS = "rendergateway.wrappers"


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

    def register(self, wrapper_class: type[ObjectWrapper[Any]]) -> type[ObjectWrapper[Any]]:
        """
        Let *wrapper_class* stand for its kind; return it, so that this decorates a class.

        Raises
        ------
        RegistrationError
            If it is no subclass of the wrapper that stands for its kind by default.
        """
        kind = getattr(wrapper_class, "KIND", None)
        base = _BASES.get(kind) if isinstance(kind, str) else None
        if base is None or not (isinstance(wrapper_class, type) and issubclass(wrapper_class, base)):
            raise RegistrationError(
                f"{wrapper_class!r} cannot stand for {kind!r}: register a subclass of one of "
                f"{', '.join(sorted(base.__name__ for base in _BASES.values()))}"
            )
        self._classes[base.KIND] = wrapper_class
        return wrapper_class

    def __getitem__(self, kind: str) -> type[ObjectWrapper[Any]]:
        if kind in self._classes:
            return self._classes[kind]
        return self._below[kind] if self._below is not None else _BASES[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in _BASES

    def __repr__(self) -> str:
        own = ", ".join(f"{kind}: {wrapper.__name__}" for kind, wrapper in sorted(self._classes.items()))
        return f"<Registry {own or 'as it comes'}>"


DEFAULT = Registry()
_BASES: dict[str, type[ObjectWrapper[Any]]] = {}


def add_base(wrapper_class: type[ObjectWrapper[Any]]) -> type[ObjectWrapper[Any]]:
    """Make *wrapper_class* the one that stands for its kind by default, and that others must derive from."""
    _BASES[wrapper_class.KIND] = wrapper_class
    return wrapper_class


def refresh_wrappers() -> None:
    """
    Look again at the names in ``rendergateway`` and let the classes that stand there count, everywhere.

    The way of Blitz Gateway: assign ``rendergateway.TileWrapper = MyTile``, then call this. Objects that live keep
    their class.

    Raises
    ------
    RegistrationError
        If what stands there cannot stand for that kind.
    """
    package = sys.modules["rendergateway"]
    for base in _BASES.values():
        DEFAULT.register(getattr(package, base.__name__, base))


@functools.cache
def load_entry_points() -> None:
    """Register the classes that installed packages announce, once a process."""
    for entry_point in metadata.entry_points(group=ENTRY_POINTS):
        try:
            DEFAULT.register(entry_point.load())
        except Exception as error:
            raise RegistrationError(
                f"the entry point {entry_point.name} = {entry_point.value} does not register: {error}"
            ) from error
