"""What is wrong with a class that shall stand for a kind of object: said when it is registered, not when it is used."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["problems_of"]

# What holds objects together; a class that needs fields of its own takes them in __prepare__.
_RESERVED = frozenset({"__copy__", "__deepcopy__", "__eq__", "__hash__", "__init__", "__new__", "__reduce__"})


def problems_of(wrapper_class: type[Any], base: type[ObjectWrapper[Any]]) -> Iterator[str]:
    """
    Yield a sentence for each thing that keeps *wrapper_class* from standing in for *base*.

    Parameters
    ----------
    wrapper_class : type
        What shall be registered.
    base : type
        The wrapper that stands for the kind by default.
    """
    if not (isinstance(wrapper_class, type) and issubclass(wrapper_class, base)):
        yield f"it is no subclass of {base.__name__}"
        return
    for own_class in wrapper_class.__mro__:
        if own_class not in base.__mro__:
            yield from _problems_of_members(own_class, wrapper_class, base)
    if not issubclass(wrapper_class.RECORD, base.RECORD):
        yield f"its RECORD is no {base.RECORD.__name__}"
    yield from _problems_of_prepare(wrapper_class)
    yield from _problems_of_marshalled(wrapper_class)


def _problems_of_members(own_class: type[Any], wrapper_class: type[Any], base: type[Any]) -> Iterator[str]:
    """Look at each name that a class or mixin brings and that the base has already."""
    for name, member in vars(own_class).items():
        if name in _RESERVED or (_is_private(name) and hasattr(base, name)):
            yield f"{own_class.__name__}.{name} overrides what holds all wrappers together; __prepare__ is the hook"
        elif not name.startswith("_") and hasattr(base, name):
            theirs = inspect.getattr_static(base, name)
            if inspect.getattr_static(wrapper_class, name) is theirs:
                yield f"{own_class.__name__}.{name} has no effect behind {base.__name__}'s; name the mixin first"
            elif _sort_of(member) != _sort_of(theirs):
                yield (
                    f"{own_class.__name__}.{name} is a {_sort_of(member)} and hides the {_sort_of(theirs)} {name} of "
                    f"{base.__name__}; give it another name"
                )


def _is_private(name: str) -> bool:
    # The names of displays (_repr_png_) are there to be overridden.
    return name.startswith("_") and not name.startswith("__") and not name.startswith("_repr_")


def _sort_of(member: Any) -> str:
    if isinstance(member, property | functools.cached_property) or inspect.isdatadescriptor(member):
        return "property"
    return "method" if callable(member) or isinstance(member, classmethod | staticmethod) else "value"


def _problems_of_prepare(wrapper_class: type[Any]) -> Iterator[str]:
    """``__prepare__`` is called for every object, mostly with nothing."""
    try:
        inspect.signature(wrapper_class.__prepare__).bind(None)
    except TypeError as error:
        yield f"its __prepare__ cannot be called without more values ({error}); give them defaults"


def _problems_of_marshalled(wrapper_class: type[Any]) -> Iterator[str]:
    if isinstance(wrapper_class.MARSHALLED, str):
        yield "its MARSHALLED is one text, not several names"
        return
    for name in wrapper_class.MARSHALLED:
        if not hasattr(wrapper_class, name):
            yield f"its MARSHALLED names {name!r}, which it does not have"
