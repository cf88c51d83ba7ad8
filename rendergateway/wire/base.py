"""Base of the wire objects: nulls omitted, unknown members dropped, Java's integer ranges."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["DateText", "Int32", "Wire", "always"]

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

# The canonical form of dates, for days that exist in every month; other dates are decoded leniently.
DateText = Annotated[
    str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$")
]


# Objects decoded from JSON have no cycles that the garbage collector would have to find.
class Wire(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """A wire object: members in the order of the service; None is omitted."""


def always(make: type[Any] | float) -> Any:
    """
    Return a field whose default is encoded too: *make* itself, or an instance of it.

    msgspec omits defaults unless they come from a factory other than a built-in type.
    """
    return msgspec.field(default_factory=(lambda: make()) if isinstance(make, type) else (lambda: make))
