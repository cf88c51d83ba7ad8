"""What the clients that save changed tiles have in common: they drop invalid tiles and leave the stack LOADING."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rendergateway import StackEdit, StackWrapper
from rendergateway.clients.base.messages import say_dropped
from rendergateway.errors import CommandError
from rendergateway.number_text import parse_double

__all__ = ["HOW", "editing", "refuse_nothing", "z_value"]


# Names of the clients' ways to apply a transform -> `how` of `StackEdit.apply`.
HOW = {
    "APPEND": "append",
    "REPLACE_LAST": "replace_last",
    "REPLACE_ALL": "replace_all",
    "CONCATENATE_TO_LAST": "concatenate_last",
    "INSERT_AS_FIRST": "prepend",
    "INSERT_BEFORE_LAST": "insert_before_last",
    "PRE_CONCATENATE_LAST": "concatenate_last",
}


@contextlib.contextmanager
def editing(stack: StackWrapper, *, complete: bool = False) -> Iterator[StackEdit]:
    """Yield an edit of a stack, and print the invalid tiles that were not saved."""
    with stack.editing(complete=complete) as edit:
        try:
            yield edit
        finally:
            say_dropped(edit.dropped)


def refuse_nothing(saved: int) -> None:
    """Raise CommandError if no tile was saved: a service refuses it."""
    if not saved:
        raise CommandError("collection does not have any tiles (maybe they were removed by a prior validation process)")


def z_value(text: str) -> float:
    """
    Return the z of a positional value that the parser takes as text.

    Raises
    ------
    CommandError
        If it is not a number.
    """
    try:
        return parse_double(text)
    except ValueError as error:
        raise CommandError(f'For input string: "{text}"') from error
