"""What callers give to name things, checked where it is given: misuse shows there, not when something is read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from rendergateway.endpoints.endpoint import STATES
from rendergateway.errors import BadRequestError, ConfigurationError
from rendergateway.geometry import Bounds

if TYPE_CHECKING:
    from rendergateway.model import TileRecord
    from rendergateway.wrappers.core.object import ObjectWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = [
    "ZRange",
    "as_box",
    "as_name",
    "as_names",
    "as_state",
    "as_z",
    "as_z_range",
    "check_new_name",
    "check_parts",
    "tile_id_of",
]

ZRange: TypeAlias = "float | tuple[float | None, float | None] | None"

_REACHABLE = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


def as_name(value: object, what: str) -> str:
    """
    Return a name as a plain text.

    Raises
    ------
    TypeError
        If it is no text, or an empty one.
    """
    if not isinstance(value, str) or not value:
        raise TypeError(f"{_one(what)} is named by a text, not {value!r}")
    return str(value)


def as_names(value: object, *kinds: str) -> list[str]:
    """
    Return the parts of a name like ``owner/project/stack``, of which those before the last may be left out.

    Parameters
    ----------
    value : str
        The name.
    *kinds : str
        What the parts are names of.

    Raises
    ------
    TypeError
        If it is no text.
    ConfigurationError
        If a part is empty, or there are too many.
    """
    if not isinstance(value, str):
        raise TypeError(f"{_one(kinds[-1])} is named by a text, not {value!r}")
    parts = value.split("/")
    if len(parts) > len(kinds) or not all(parts):
        form = kinds[0]
        for kind in kinds[1:]:
            form = f"[{form}/]{kind}"
        raise ConfigurationError(f"{_one(kinds[-1])} is named {form}, not {value!r}")
    return parts


def _one(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def check_new_name(names: Mapping[str, str]) -> None:
    """
    Refuse to rename to what has no address: a service does it, and finds the thing under no name any more.

    Parameters
    ----------
    names : mapping of str to str
        Kind → name.

    Raises
    ------
    BadRequestError
        If a name is not made of ASCII letters and digits in groups joined by single underscores.
    """
    for kind, name in names.items():
        if not _REACHABLE.fullmatch(name):
            raise BadRequestError(
                f"the {kind} {name!r} would have no address, and what is in it be lost; names are letters and digits, "
                "in groups joined by single underscores"
            )


def check_parts(wrapper_class: type[ObjectWrapper[Any]], obj: object, key: object) -> None:
    """
    Refuse to build a wrapper of what is no record of its kind, or no key.

    Raises
    ------
    TypeError
        If either is something else.
    """
    if obj is not None and not isinstance(obj, wrapper_class.RECORD):
        raise TypeError(f"obj of a {wrapper_class.__name__} is a {wrapper_class.RECORD.__name__}, not {obj!r}")
    if key is not None and not hasattr(key, "_asdict"):
        raise TypeError(f"key of a {wrapper_class.__name__} is one of rendergateway.wrappers.core.keys, not {key!r}")


def as_state(value: object) -> str:
    """
    Return the state of a stack.

    Raises
    ------
    ValueError
        If it is none.
    """
    if value not in STATES:
        raise ValueError(f"a stack is {', '.join(STATES)}; {value!r} is none of them")
    return str(value)


def as_z(value: Any) -> float:
    """
    Return the z of a section.

    Raises
    ------
    TypeError, ValueError
        If it is no finite number, nor the text of one.
    """
    try:
        z = float(value)
    except ValueError as error:
        raise ValueError(f"z is a number, not {value!r}; a section id is given as section_id=") from error
    except TypeError as error:
        raise TypeError(f"z is a number, not {value!r}") from error
    if not math.isfinite(z):
        raise ValueError(f"z is a finite number, not {value!r}")
    return z


def as_z_range(z: ZRange) -> tuple[float | None, float | None]:
    """
    Return the first and the last z that are meant; None for an open end.

    Raises
    ------
    TypeError, ValueError
        If it is neither a number nor two of them.
    """
    if z is None:
        return None, None
    if isinstance(z, tuple) and len(z) == 2:
        low, high = (None if end is None else as_z(end) for end in z)
        return low, high
    try:
        return (as_z(z),) * 2
    except TypeError as error:
        raise TypeError(f"z is a number, or (first, last) with None for an open end, not {z!r}") from error


def as_box(box: object) -> Bounds | None:
    """
    Return a box, or None where none is given.

    Raises
    ------
    TypeError
        If it is no Bounds.
    ValueError
        If it goes from a larger number to a smaller one.
    """
    if box is None:
        return None
    if not isinstance(box, Bounds):
        raise TypeError(f"box= is Bounds(min_x, min_y, max_x, max_y), not {box!r}")
    if not (box.width >= 0 and box.height >= 0):
        raise ValueError(f"there is nothing in the box {tuple(box)}; it goes from min_x, min_y to max_x, max_y")
    return box


def tile_id_of(tile: str | TileRecord | TileWrapper) -> str:
    """
    Return the id of a tile that is given by it, or as a record or wrapper.

    Raises
    ------
    TypeError
        If it is something else.
    """
    tile_id = tile if isinstance(tile, str) else getattr(tile, "tile_id", None)
    if not isinstance(tile_id, str):
        raise TypeError(f"a tile is meant by its id, its record or its wrapper, not by {tile!r}")
    return str(tile_id)
