"""Registry: the class of each kind of object."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from rendergateway.configuration.settings import Setting
from rendergateway.errors import RegistrationError
from rendergateway.mutators import changes_data
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ANNOUNCED", "DEFAULT", "ENTRY_POINTS", "Registry", "declare_bases", "refresh_wrappers"]

ENTRY_POINTS = "rendergateway.wrappers"
# Of the process, not of a gateway: classes of installed packages are registered once for all.
PLUGINS = Setting("plugins", bool, "whether classes announced by installed packages are registered")

ClassT = TypeVar("ClassT", bound=type[Any])

# Identity and construction; a class that needs fields of its own takes them in __prepare__.
_RESERVED = frozenset(
    {
        "__copy__",
        "__deepcopy__",
        "__eq__",
        "__getstate__",
        "__hash__",
        "__init__",
        "__new__",
        "__reduce__",
        "__reduce_ex__",
        "__setstate__",
    }
)


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
        # Kinds whose classes could not come along from another process, and their names.
        self._left_behind: dict[str, str] = {}
        self._below = below

    @changes_data
    def register(self, wrapper_class: ClassT, *, replace: bool = False) -> ClassT:
        """
        Register *wrapper_class* for its kind and return it, so that this is usable as a decorator.

        Parameters
        ----------
        wrapper_class : type
            A subclass of the default wrapper of its kind.
        replace : bool
            Whether it may replace a registered class that it does not derive from. A class always may if it has the
            module and name of that class, or of one that it derives from: a notebook cell that is run again.

        Raises
        ------
        RegistrationError
            If it cannot represent its kind, with all reasons; or if another class is registered.
        """
        base = _checked(wrapper_class)
        present = self._classes.get(base.KIND)
        if present is not None and not replace and not _may_follow(wrapper_class, present):
            raise RegistrationError(
                f"{present!r} is registered for {base.KIND!r}, and {wrapper_class!r} does not derive from it; "
                "derive one class from both, or register with replace=True"
            )
        self._classes[base.KIND] = wrapper_class
        self._left_behind.pop(base.KIND, None)
        return wrapper_class

    @changes_data
    @contextlib.contextmanager
    def kept(self) -> Iterator[Self]:
        """Restore all classes when the block ends, so that the registrations of a test end with it."""
        classes = dict(self._classes)
        try:
            yield self
        finally:
            self._classes = classes

    @changes_data
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
        if kind in self._left_behind:
            raise RegistrationError(
                f"the class {self._left_behind[kind]}, registered for {kind!r}, cannot be sent to another process; "
                "define it at the top of a module, or register one here"
            )
        if self._below is not None:
            return self._below[kind]
        if kind not in _BASES:
            raise KeyError(f"unknown kind: got {kind!r}; use one of {', '.join(sorted(_BASES))}")
        return _BASES[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in _BASES

    @property
    def own_classes(self) -> dict[str, type[Any]]:
        """The classes registered in this registry, by kind; without those below it."""
        return dict(self._classes)

    def __reduce__(self) -> str | tuple[object, ...]:
        # Another process has its own default registry.
        if self is DEFAULT:
            return "DEFAULT"
        sent = {kind: wrapper for kind, wrapper in self._classes.items() if _is_importable(wrapper)}
        left = {kind: wrapper.__qualname__ for kind, wrapper in self._classes.items() if kind not in sent}
        return _registry_of, (self._below, sent, {**self._left_behind, **left})

    def __repr__(self) -> str:
        own = ", ".join(f"{kind}: {wrapper.__name__}" for kind, wrapper in sorted(self._classes.items()))
        return f"<Registry {own or 'without registered classes'}>"


def _registry_of(below: Registry | None, classes: dict[str, type[Any]], left_behind: dict[str, str]) -> Registry:
    registry = Registry(below)
    registry._classes, registry._left_behind = classes, left_behind
    return registry


def _is_importable(wrapper_class: type[Any]) -> bool:
    """Return whether pickle finds the class by its name, unlike one that is defined inside a function."""
    found: Any = sys.modules.get(wrapper_class.__module__)
    for name in wrapper_class.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is wrapper_class


def _checked(wrapper_class: type[Any]) -> type[Any]:
    """Return the base of the kind that a class represents; raise `RegistrationError` if it cannot."""
    base = _base_of(wrapper_class)
    if base is None:
        raise RegistrationError(
            f"{wrapper_class!r} is not a wrapper of any kind: register a subclass of one of "
            f"{', '.join(sorted(base.__name__ for base in _BASES.values()))}"
        )
    if problems := list(problems_of(wrapper_class, base)):
        raise RegistrationError(f"{wrapper_class!r} cannot represent {base.KIND!r}: {'; '.join(problems)}")
    return base


def _may_follow(wrapper_class: type[Any], present: type[Any]) -> bool:
    if wrapper_class in present.__mro__:
        return wrapper_class is present
    name = wrapper_class.__module__, wrapper_class.__qualname__
    is_again = any((base.__module__, base.__qualname__) == name for base in present.__mro__)
    return is_again or issubclass(wrapper_class, present)


class _Bases(Mapping[str, type[Any]]):
    """Kind → default class; its module is imported when the class is first looked up."""

    def __init__(self) -> None:
        self.loaded: dict[str, type[Any]] = {}
        self.modules: dict[str, str] = {}

    def __getitem__(self, kind: str) -> type[Any]:
        if kind not in self.loaded:
            importlib.import_module(f"rendergateway.wrappers.objects.{self.modules[kind]}")
        return self.loaded[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self.modules

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)

    def __len__(self) -> int:
        return len(self.modules)


# Classes announced by installed packages, and over them the ones this process registers for all gateways.
ANNOUNCED = Registry()
DEFAULT = Registry(ANNOUNCED)
_BASES = _Bases()
# The classes last found under the public names, so that restoring a name is noticed as well.
_assigned: dict[str, type[Any]] = {}


def declare_bases(modules: Mapping[str, str]) -> None:
    """Set the module of ``wrappers.objects`` that adds the base of each kind."""
    _BASES.modules.update(modules)


def add_base(wrapper_class: ClassT) -> ClassT:
    """Make *wrapper_class* the default class of its kind, and the base of every registered one."""
    _BASES.loaded[wrapper_class.KIND] = resolvable_hints(wrapper_class)
    return wrapper_class


def refresh_wrappers() -> None:
    """
    Register the classes assigned to the public names of ``rendergateway``, for all gateways.

    As in Blitz Gateway: assign ``rendergateway.TileWrapper = MyTile``, then call this. Live objects keep their class.
    Restoring a name unregisters the class again; classes registered in other ways are kept.

    Raises
    ------
    RegistrationError
        If an assigned class cannot represent its kind, a wrapper was assigned to another name of ``rendergateway``, or
        to a name of the calling module only; nothing is registered then.
    """
    public = vars(sys.modules["rendergateway"])
    assigned = {kind: public.get(base.__name__, base) for kind, base in _BASES.items()}
    assigned = {kind: found for kind, found in assigned.items() if found is not _BASES[kind]}
    restored = [kind for kind in _assigned if kind not in assigned]
    problems = list(_problems_of_names(public, assigned))
    if not (assigned or restored or problems):
        problems = list(_assigned_elsewhere(sys._getframe(1).f_globals))
    if problems:
        raise RegistrationError("; ".join(problems))
    for kind in restored:
        if DEFAULT._classes.get(kind) is _assigned.pop(kind):
            del DEFAULT._classes[kind]
    for kind, found in assigned.items():
        _assigned[kind] = DEFAULT.register(found, replace=True)


def _problems_of_names(public: Mapping[str, Any], assigned: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of the classes assigned to the public names, or to others beside them."""
    for kind, found in assigned.items():
        if problems := list(problems_of(found, _BASES[kind])):
            yield f"{found!r} cannot represent {kind!r}: {'; '.join(problems)}"
    names = {base.__name__ for base in _BASES.values()}
    for name, found in public.items():
        if name not in names and found not in assigned.values() and (base := _base_of(found)) is not None:
            yield f"rendergateway.{name} is not the name of a wrapper; assign rendergateway.{base.__name__}"


def _assigned_elsewhere(names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the assignments of a module that has the public names from ``from rendergateway import *``."""
    for base in _BASES.values():
        found = names.get(base.__name__, base)
        if found is not base and _base_of(found) is base:
            yield (
                f"{base.__name__} was assigned in module {names.get('__name__')!r} only: got {found!r}; "
                f"import rendergateway, and assign rendergateway.{base.__name__}"
            )


def _base_of(found: Any) -> type[Any] | None:
    """Return the base of the kind of a class; None for anything else."""
    return next((base for base in _BASES.values() if isinstance(found, type) and issubclass(found, base)), None)


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
        if _is_protocol(own_class):
            yield from _problems_of_protocol(own_class, wrapper_class, base)
        elif own_class not in base.__mro__:
            yield from _problems_of_members(own_class, wrapper_class, base)
    if missing := sorted(getattr(wrapper_class, "__abstractmethods__", ())):
        yield f"its abstract members {', '.join(missing)} are not defined"
    if wrapper_class.KIND != base.KIND:
        yield f"its KIND is {wrapper_class.KIND!r}"
    if not issubclass(wrapper_class.RECORD, base.RECORD):
        yield f"its RECORD is not a {base.RECORD.__name__}"
    yield from _problems_of_prepare(wrapper_class)
    yield from _problems_of_marshalled(wrapper_class)


def _problems_of_members(own_class: type[Any], wrapper_class: type[Any], base: type[Any]) -> Iterator[str]:
    """Check each name that a class or mixin defines and that the base has already."""
    for name, member in vars(own_class).items():
        if name in _RESERVED or (_is_private(name) and any(name in vars(one) for one in _own_classes(base))):
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


def _own_classes(base: type[Any]) -> list[type[Any]]:
    """Return the classes of this package that a base is made of, without those of typing."""
    return [one for one in base.__mro__ if one.__module__.startswith("rendergateway.")]


def _is_protocol(own_class: type[Any]) -> bool:
    return bool(vars(own_class).get("_is_protocol"))


def _problems_of_protocol(protocol: type[Any], wrapper_class: type[Any], base: type[Any]) -> Iterator[str]:
    """Check that a protocol, whose members are empty, hides no member of the base."""
    for name, member in vars(protocol).items():
        if not name.startswith("_") and hasattr(base, name) and inspect.getattr_static(wrapper_class, name) is member:
            yield f"{protocol.__name__}.{name} of a protocol hides that of {base.__name__}; list the protocol last"


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
