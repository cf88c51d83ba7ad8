"""Checks of the names, numbers and boxes that callers pass, made when they are passed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from rendergateway.endpoints.endpoint import STATES
from rendergateway.errors import BadRequestError, ConfigurationError
from rendergateway.geometry import Bounds

__all__ = [
    "COMPUTE",
    "ZRange",
    "as_box",
    "as_name",
    "as_names",
    "as_state",
    "as_z",
    "as_z_range",
    "check_new_name",
    "check_parts",
    "is_local",
    "kind_of",
    "tile_id_of",
]

ZRange: TypeAlias = "float | tuple[float | None, float | None] | None"

# Where work is done that both sides can do.
COMPUTE = ("local", "service")
_REACHABLE = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


def is_local(compute: object) -> bool:
    """
    Return whether work is done by this process.

    Raises
    ------
    ValueError
        If *compute* is neither ``'local'`` nor ``'service'``.
    """
    if compute not in COMPUTE:
        raise ValueError(f"compute must be 'local' or 'service', got {compute!r}")
    return compute == "local"


def kind_of(value: object) -> str | None:
    """Return the kind of an object wrapper; None for anything else."""
    return getattr(value, "KIND", None)


def as_name(value: object, what: str) -> str:
    """
    Return a name as a plain text.

    Raises
    ------
    TypeError
        If it is not a text, or empty.
    """
    if not isinstance(value, str) or not value:
        raise TypeError(f"the name of {_one(what)} must be a text that is not empty, got {value!r}")
    return str(value)


def as_names(value: object, *kinds: str) -> list[str]:
    """
    Return the parts of a name like ``owner/project/stack``; all but the last may be left out.

    Parameters
    ----------
    value : str
        The name.
    *kinds : str
        The kinds that the parts name.

    Raises
    ------
    TypeError
        If it is not a text.
    ConfigurationError
        If a part is empty, or there are too many.
    """
    if not isinstance(value, str):
        raise TypeError(f"the name of {_one(kinds[-1])} must be a text, got {value!r}")
    parts = value.split("/")
    if len(parts) > len(kinds) or not all(parts):
        form = kinds[0]
        for kind in kinds[1:]:
            form = f"[{form}/]{kind}"
        raise ConfigurationError(f"the name of {_one(kinds[-1])} must be {form}, got {value!r}")
    return parts


def _one(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def check_new_name(names: Mapping[str, str]) -> None:
    """
    Refuse to rename to a name without a URL: the service renames, and the contents become unreachable.

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
                f"the {kind} {name!r} would have no URL, so its contents would be unreachable; use letters and digits, "
                "in groups joined by single underscores"
            )


def check_parts(wrapper_class: type[Any], obj: object, key: object) -> None:
    """
    Refuse to build a wrapper from a wrong record or key.

    Raises
    ------
    TypeError
        If *obj* is not a record of the class, or *key* is not a key.
    """
    if obj is not None and not isinstance(obj, wrapper_class.RECORD):
        raise TypeError(f"obj of a {wrapper_class.__name__} must be a {wrapper_class.RECORD.__name__}, got {obj!r}")
    if key is not None and not hasattr(key, "_asdict"):
        raise TypeError(
            f"key of a {wrapper_class.__name__} must be one of rendergateway.wrappers.core.keys, got {key!r}"
        )


def as_state(value: object) -> str:
    """
    Return the state of a stack.

    Raises
    ------
    ValueError
        If it is not a state.
    """
    if value not in STATES:
        raise ValueError(f"the state of a stack must be {', '.join(STATES)}; got {value!r}")
    return str(value)


def as_z(value: Any) -> float:
    """
    Return the z of a section.

    Raises
    ------
    TypeError, ValueError
        If it is not a finite number, nor the text of one.
    """
    try:
        z = float(value)
    except ValueError as error:
        raise ValueError(f"z must be a number, got {value!r}; pass a section id as section_id=") from error
    except TypeError as error:
        raise TypeError(f"z must be a number, got {value!r}") from error
    if not math.isfinite(z):
        raise ValueError(f"z must be finite, got {value!r}")
    return z


def as_z_range(z: ZRange) -> tuple[float | None, float | None]:
    """
    Return the first and the last z; None for an open end.

    Raises
    ------
    TypeError, ValueError
        If it is neither a number nor two of them.
    """
    if z is None:
        return None, None
    if isinstance(z, tuple) and len(z) == 2:
        low, high = z
        return None if low is None else as_z(low), None if high is None else as_z(high)
    try:
        value = as_z(z)
    except TypeError as error:
        raise TypeError(f"z must be a number, or (first, last) with None for an open end, got {z!r}") from error
    return value, value


def as_box(box: object) -> Bounds | None:
    """
    Return a bounding box, or None.

    Raises
    ------
    TypeError
        If it is not a Bounds.
    ValueError
        If a maximum is below its minimum.
    """
    if box is None:
        return None
    if not isinstance(box, Bounds):
        raise TypeError(f"box must be Bounds(min_x, min_y, max_x, max_y), got {box!r}")
    if not (box.width >= 0 and box.height >= 0):
        raise ValueError(f"the box {tuple(box)} is empty; pass min_x <= max_x and min_y <= max_y")
    return box


def tile_id_of(tile: Any) -> str:
    """
    Return the id of a tile passed as id, record or wrapper.

    Raises
    ------
    TypeError
        If it is something else.
    """
    tile_id = tile if isinstance(tile, str) else getattr(getattr(tile, "_key", tile), "tile_id", None)
    if not isinstance(tile_id, str):
        raise TypeError(f"a tile must be an id, a TileRecord or a TileWrapper, got {tile!r}")
    return str(tile_id)
