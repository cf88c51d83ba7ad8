"""The z values of a stack, and empty results of an existing one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rendergateway.errors import NotFoundError, RecordError
from rendergateway.model.records.json_slices import decode
from rendergateway.wrappers.core.arguments import as_z, kind_of
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey

__all__ = ["listed_z_values", "unless_missing", "z_values_of"]

T = TypeVar("T")
S = TypeVar("S")


def unless_missing(stack: Bound[StackKey], read: Callable[[], T], nothing: S) -> T | S:
    """
    Return the result of *read*, or *nothing* if the service finds nothing although the stack exists.

    Raises
    ------
    NotFoundError
        If the stack does not exist.

    Notes
    -----
    One request, ``stack.read``, if *read* finds nothing.
    """
    try:
        return read()
    except NotFoundError:
        stack.fetch("stack.read")
        return nothing


def z_values_of(stack: Bound[StackKey], sections: Any) -> list[float]:
    """
    Return the z values of sections, each once; all z values of the stack for None.

    Parameters
    ----------
    stack : Bound
        The stack.
    sections : z, SectionWrapper or iterable of these, optional
        The sections.

    Raises
    ------
    ValueError
        If there are no sections, or a z is not finite.
    TypeError
        If something is neither a section nor a number.
    """
    if sections is None:
        return listed_z_values(stack)
    # A text is one z, not its letters.
    given: Iterable[Any] = [sections] if isinstance(sections, str) or not isinstance(sections, Iterable) else sections
    found = dict.fromkeys(as_z(section._key.z if kind_of(section) == "section" else section) for section in given)
    if not found:
        raise ValueError("sections= is empty; leave it out to select all sections")
    return list(found)


def listed_z_values(stack: Bound[StackKey], **limits: Any) -> list[float]:
    """
    Return the z values of a stack, between *limits* if given.

    Raises
    ------
    RecordError
        If the service returns anything but numbers.

    Notes
    -----
    One request, ``stack.z_values``.
    """
    found: list[float | str] = decode(stack.fetch("stack.z_values", **limits), list[float | str])
    try:
        # The service writes NaN as text.
        return list(map(float, found))
    except ValueError as error:
        raise RecordError(f"z values of stack {stack} must be numbers: {error}") from error
