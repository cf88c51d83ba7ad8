"""Checks of the names, numbers and boxes that callers pass, made when they are passed."""

from __future__ import annotations

import math
import numbers
import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from rendergateway.endpoints.endpoint import STATES
from rendergateway.errors import BadRequestError, ConfigurationError
from rendergateway.geometry import Bounds

__all__ = [
    "COMPUTE",
    "Box",
    "ZRange",
    "as_box",
    "as_client",
    "as_count",
    "as_name",
    "as_names",
    "as_number",
    "as_part",
    "as_state",
    "as_z",
    "as_z_range",
    "check_kind",
    "check_new_name",
    "check_parts",
    "is_local",
    "kind_of",
    "tile_id_of",
]

# A box, or its sides: min x, min y, max x, max y.
Box: TypeAlias = Bounds | Iterable[float]
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
    return _utf8(str(value), what)


def as_part(value: object, kind: str) -> str | None:
    """
    Return the name of an owner or project, passed as text or as the object itself; None for None.

    Raises
    ------
    TypeError
        If it is something else.
    """
    return None if value is None else str(value._key[-1]) if kind_of(value) == kind else as_name(value, kind)  # type: ignore[attr-defined]


def _utf8(text: str, what: str) -> str:
    """Refuse a lone surrogate, which no URL and no JSON text can contain."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the name of {_one(what)} must be valid Unicode, got {text!r}: {error.reason}") from error
    return text


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
    return [_utf8(part, kind) for part, kind in zip(parts, kinds[-len(parts) :], strict=True)]


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


def check_kind(value: object, kind: str, what: str) -> Any:
    """
    Return a wrapper of one kind.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if kind_of(value) != kind:
        hint = f"; gateway.{kind}({value!r}) opens it" if isinstance(value, str) else ""
        raise TypeError(f"{what} must be {_one(kind)} object, got {value!r}{hint}")
    return value


def as_client(gateway: Any) -> Any:
    """
    Return a gateway.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not hasattr(gateway, "objects"):
        raise TypeError(f"gateway= must be a Gateway, got {gateway!r}")
    return gateway


def as_count(value: Any, what: str, least: int | None = 1) -> int:
    """
    Return a whole number, passed as one or as its digits.

    Raises
    ------
    ValueError
        If it is not a whole number, or below *least*.
    """
    whole: int | None
    try:
        whole = int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        whole = int(float(value)) if isinstance(value, numbers.Real) and float(value).is_integer() else None
    if whole is None or isinstance(value, bool):
        raise ValueError(f"{what} must be a whole number{'' if least is None else f' >= {least}'}, got {value!r}")
    if least is not None and whole < least:
        raise ValueError(f"{what} must be >= {least}, got {value!r}")
    return whole


def as_number(value: Any, what: str) -> float:
    """
    Return a finite number, passed as one or as its text.

    Raises
    ------
    TypeError, ValueError
        If it is not one.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what} must be a number, got {value!r}") from error
    if not math.isfinite(number):
        raise ValueError(f"{what} must be finite, got {value!r}")
    return number


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
    if isinstance(value, bool):
        raise TypeError(f"z must be a number, got {value!r}")
    try:
        return as_number(value, "z")
    except ValueError as error:
        hint = "; pass a section id as section_id=" if isinstance(value, str) else ""
        raise ValueError(f"{error}{hint}") from error


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
        low, high = (None if one is None else as_z(one) for one in z)
        if low is not None and high is not None and low > high:
            raise ValueError(f"z must be (first, last) with first <= last, got {z!r}")
        return low, high
    try:
        value = as_z(z)
    except TypeError as error:
        raise TypeError(f"z must be a number, or (first, last) with None for an open end, got {z!r}") from error
    return value, value


def as_box(box: object) -> Bounds | None:
    """
    Return a bounding box, passed as one or as its four sides; None for None.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If a maximum is below its minimum.
    """
    if box is None:
        return None
    if not isinstance(box, Bounds):
        try:
            min_x, min_y, max_x, max_y = (as_number(side, "box") for side in box)  # type: ignore[attr-defined]
        except (TypeError, ValueError) as error:
            raise TypeError(f"box must be Bounds or (min_x, min_y, max_x, max_y), got {box!r}") from error
        box = Bounds(min_x, min_y, max_x, max_y)
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
