"""What the objects on the wire have in common: nulls left out, unknown members dropped, Java's number ranges."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["DateText", "Int32", "Wire", "always"]

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

# The form in which dates are written, for days that every month has; other dates go through the lenient lane.
DateText = Annotated[
    str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$")
]


# What comes from JSON has no cycles that a garbage collector would have to find.
class Wire(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """An object on the wire: members in the order of the service, those that are None left out."""


def always(make: type[Any] | float) -> Any:
    """
    Return a field whose default is written too: *make* itself, or what it makes.

    msgspec leaves defaults out unless they come from a function that it does not know.
    """
    return msgspec.field(default_factory=(lambda: make()) if isinstance(make, type) else (lambda: make))
