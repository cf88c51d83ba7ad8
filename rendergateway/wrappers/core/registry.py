"""Registry: the class of each kind of object."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from rendergateway.configuration.settings import Setting
from rendergateway.errors import RegistrationError
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ANNOUNCED", "DEFAULT", "ENTRY_POINTS", "Registry", "refresh_wrappers"]

ENTRY_POINTS = "rendergateway.wrappers"
# Of the process, not of a gateway: classes of installed packages are registered once for all.
PLUGINS = Setting("plugins", bool, "whether classes announced by installed packages are registered")

ClassT = TypeVar("ClassT", bound=type[Any])

# Identity and construction; a class that needs fields of its own takes them in __prepare__.
_RESERVED = frozenset({"__copy__", "__deepcopy__", "__eq__", "__hash__", "__init__", "__new__", "__reduce__"})


@attrs.define(eq=False)
class _InBlock:
    """A class registered in a block, and the one that was registered before."""

    wrapper_class: type[Any]
    before: type[Any] | None


@resolvable_hints
class Registry:
    """
    Kind → class, looked up at every wrap, so that a registration takes effect at the next one.

    Parameters
    ----------
    below : Registry, optional
        Looked up for kinds without a class in this registry: a gateway's registry lies over the default one.
    """

    def __init__(self, below: Registry | None = None) -> None:
        self._classes: dict[str, type[Any]] = {}
        self._blocks: list[_InBlock] = []
        self._below = below

    def register(self, wrapper_class: ClassT, *, replace: bool = False) -> ClassT:
        """
        Register *wrapper_class* for its kind and return it, so that this is usable as a decorator.

        Parameters
        ----------
        wrapper_class : type
            A subclass of the default wrapper of its kind.
        replace : bool
            Whether it may replace a registered class that it does not derive from. A class of the same module and name
            always may: a notebook cell that is run again.

        Raises
        ------
        RegistrationError
            If it cannot represent its kind, with all reasons; or if another class is registered.
        """
        kind = getattr(wrapper_class, "KIND", None)
        base = _BASES.get(kind) if isinstance(kind, str) else None
        if base is None:
            raise RegistrationError(
                f"{wrapper_class!r} is not a wrapper of any kind: register a subclass of one of "
                f"{', '.join(sorted(base.__name__ for base in _BASES.values()))}"
            )
        if problems := list(problems_of(wrapper_class, base)):
            raise RegistrationError(f"{wrapper_class!r} cannot represent {kind!r}: {'; '.join(problems)}")
        present = self._classes.get(base.KIND)
        if present is not None and not replace and not _may_follow(wrapper_class, present):
            raise RegistrationError(
                f"{present!r} is registered for {kind!r}, and {wrapper_class!r} does not derive from it; derive one "
                "class from both, or register with replace=True"
            )
        self._classes[base.KIND] = wrapper_class
        return wrapper_class

    @contextlib.contextmanager
    def kept(self) -> Iterator[Self]:
        """Restore all classes when the block ends, so that the registrations of a test end with it."""
        classes = dict(self._classes)
        try:
            yield self
        finally:
            self._classes = classes

    @contextlib.contextmanager
    def registered(self, *wrapper_classes: type[Any], replace: bool = False) -> Iterator[Self]:
        """Register classes within the block; its end undoes its own registrations, whatever was registered since."""
        own: list[_InBlock] = []
        try:
            for wrapper_class in wrapper_classes:
                before = self._classes.get(getattr(wrapper_class, "KIND", ""))
                own.append(_InBlock(self.register(wrapper_class, replace=replace), before))
                self._blocks.append(own[-1])
            yield self
        finally:
            for registration in reversed(own):
                self._undo(registration)

    def _undo(self, registration: _InBlock) -> None:
        kind, own, before = registration.wrapper_class.KIND, registration.wrapper_class, registration.before
        place = self._blocks.index(registration)
        later = [other for other in self._blocks[place + 1 :] if kind == other.wrapper_class.KIND]
        del self._blocks[place]
        if later and later[0].before is own:
            # Another block lies over this one: its end restores the class from before this one.
            later[0].before = before
        elif self._classes.get(kind) is own and before is None:
            del self._classes[kind]
        elif self._classes.get(kind) is own and before is not None:
            self._classes[kind] = before

    def __getitem__(self, kind: str) -> type[Any]:
        if kind in self._classes:
            return self._classes[kind]
        return self._below[kind] if self._below is not None else _BASES[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in _BASES

    @property
    def own_classes(self) -> dict[str, type[Any]]:
        """The classes registered in this registry, by kind; without those below it."""
        return dict(self._classes)

    def __reduce__(self) -> str | tuple[object, ...]:
        # Another process has its own default registry.
        return "DEFAULT" if self is DEFAULT else (_registry_of, (self._below, self._classes))

    def __repr__(self) -> str:
        own = ", ".join(f"{kind}: {wrapper.__name__}" for kind, wrapper in sorted(self._classes.items()))
        return f"<Registry {own or 'without registered classes'}>"


def _registry_of(below: Registry | None, classes: dict[str, type[Any]]) -> Registry:
    registry = Registry(below)
    registry._classes = classes
    return registry


def _may_follow(wrapper_class: type[Any], present: type[Any]) -> bool:
    is_again = (wrapper_class.__module__, wrapper_class.__qualname__) == (present.__module__, present.__qualname__)
    return is_again or issubclass(wrapper_class, present)


# Classes announced by installed packages, and over them the ones this process registers for all gateways.
ANNOUNCED = Registry()
DEFAULT = Registry(ANNOUNCED)
_BASES: dict[str, type[Any]] = {}
# The classes last found under the public names, so that restoring a name is noticed as well.
_assigned: dict[str, type[Any]] = {}


def add_base(wrapper_class: ClassT) -> ClassT:
    """Make *wrapper_class* the default class of its kind, and the base of every registered one."""
    _BASES[wrapper_class.KIND] = resolvable_hints(wrapper_class)
    return wrapper_class


def refresh_wrappers() -> None:
    """
    Register the classes assigned to the public names of ``rendergateway``, for all gateways.

    As in Blitz Gateway: assign ``rendergateway.TileWrapper = MyTile``, then call this. Live objects keep their class.
    Restoring a name unregisters the class again; classes registered in other ways are kept.

    Raises
    ------
    RegistrationError
        If an assigned class cannot represent its kind.
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
    Register the classes announced by installed packages, once per process; of related ones the most derived.

    One that cannot be imported or represent its kind, or clashes with that of another package, is left out with a
    warning that names the package. With ``RENDERGATEWAY_PLUGINS=no`` all are.
    """
    if not PLUGINS.parse(os.environ.get(PLUGINS.variable, "yes")):
        return
    from importlib import metadata  # Imported with the first gateway: a tenth of a plain import.

    for entry_point in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        try:
            announced = entry_point.load()
            present = ANNOUNCED._classes.get(getattr(announced, "KIND", ""))
            if present is None or not issubclass(present, announced):
                ANNOUNCED.register(announced)
        except Exception as error:
            package = getattr(entry_point.dist, "name", None) or entry_point.module.partition(".")[0]
            warnings.warn(
                f"the package {package} is not used: its class {entry_point.name} = {entry_point.value} cannot be "
                f"registered ({type(error).__name__}: {error}); repair or uninstall the package, or set "
                f"{PLUGINS.variable}=no",
                RuntimeWarning,
                stacklevel=2,
            )


# Validation at registration


def problems_of(wrapper_class: type[Any], base: type[Any]) -> Iterator[str]:
    """
    Yield each reason why *wrapper_class* cannot replace *base*.

    Parameters
    ----------
    wrapper_class : type
        The class to register.
    base : type
        The default wrapper of the kind.
    """
    if not (isinstance(wrapper_class, type) and issubclass(wrapper_class, base)):
        yield f"it is not a subclass of {base.__name__}"
        return
    for own_class in wrapper_class.__mro__:
        if own_class not in base.__mro__:
            yield from _problems_of_members(own_class, wrapper_class, base)
    if not issubclass(wrapper_class.RECORD, base.RECORD):
        yield f"its RECORD is not a {base.RECORD.__name__}"
    yield from _problems_of_prepare(wrapper_class)
    yield from _problems_of_marshalled(wrapper_class)


def _problems_of_members(own_class: type[Any], wrapper_class: type[Any], base: type[Any]) -> Iterator[str]:
    """Check each name that a class or mixin defines and that the base has already."""
    for name, member in vars(own_class).items():
        if name in _RESERVED or (_is_private(name) and hasattr(base, name)):
            yield f"{own_class.__name__}.{name} overrides identity or construction of wrappers; __prepare__ is the hook"
        elif not name.startswith("_") and hasattr(base, name):
            theirs = inspect.getattr_static(base, name)
            if inspect.getattr_static(wrapper_class, name) is theirs:
                yield f"{own_class.__name__}.{name} is hidden by {base.__name__}'s; list the mixin first"
            elif _sort_of(member) != _sort_of(theirs):
                yield (
                    f"{own_class.__name__}.{name} is a {_sort_of(member)} and hides the {_sort_of(theirs)} {name} of "
                    f"{base.__name__}; give it another name"
                )


def _is_private(name: str) -> bool:
    # Display hooks (_repr_png_) may be overridden.
    return name.startswith("_") and not name.startswith("__") and not name.startswith("_repr_")


def _sort_of(member: Any) -> str:
    if isinstance(member, property | functools.cached_property) or inspect.isdatadescriptor(member):
        return "property"
    return "method" if callable(member) or isinstance(member, classmethod | staticmethod) else "value"


def _problems_of_prepare(wrapper_class: type[Any]) -> Iterator[str]:
    """Check that ``__prepare__`` can be called without arguments, as it is for most objects."""
    try:
        inspect.signature(wrapper_class.__prepare__).bind(None)
    except TypeError as error:
        yield f"its __prepare__ cannot be called without arguments ({error}); add defaults"


def _problems_of_marshalled(wrapper_class: type[Any]) -> Iterator[str]:
    if isinstance(wrapper_class.MARSHALLED, str):
        yield "its MARSHALLED is a text, not a sequence of names"
        return
    for name in wrapper_class.MARSHALLED:
        if not hasattr(wrapper_class, name):
            yield f"its MARSHALLED names {name!r}, which does not exist"
