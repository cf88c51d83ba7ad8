"""Stacks that go when a block ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rendergateway.errors import RenderGatewayError, StackStateError, add_note

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["deleted_at_the_end", "temporary_name"]


def temporary_name(stem: str) -> str:
    """Return a name that no other stack has."""
    return f"{stem}_temporary_{os.urandom(8).hex()}"


@contextlib.contextmanager
def deleted_at_the_end(stack: StackWrapper) -> Iterator[StackWrapper]:
    """
    Give *stack*, and delete it when the block ends: by itself, with an error, or with Ctrl-C.

    Raises
    ------
    RenderGatewayError
        If it cannot be deleted; after an error in the block, that error says so.
    """
    try:
        yield stack
    except BaseException as error:
        try:
            _delete(stack)
        except RenderGatewayError as failure:
            add_note(error, f"the temporary stack {'/'.join(stack._key)} could not be deleted: {failure}")
        raise
    _delete(stack)


def _delete(stack: StackWrapper) -> None:
    try:
        stack._call("stack.delete")
    except StackStateError:
        # A READ_ONLY stack is made COMPLETE first.
        stack._call("stack.set_state", state="COMPLETE")
        stack._call("stack.delete")
