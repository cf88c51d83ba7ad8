"""Rows of the page for users of renderapi: an entry, the call there, and the call here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

View: TypeAlias = Callable[[Any], Any]
Rule: TypeAlias = Callable[[Any, Any], object]


@attrs.frozen
class Row:
    """
    One row.

    Attributes
    ----------
    entry : str
        Name in renderapi's documentation.
    there, here : str
        Code on the page; empty if there is none.
    note : str
        Text on the page.
    status : {'same', 'differs', 'here', 'no'}
        See the page.
    setup : str
        Code that runs before both.
    there_as, here_as : callable, optional
        Views of the two results that are compared.
    holds : callable, optional
        Replaces the comparison: takes both results, or both contents after writing; returns whether they are as noted.
        An error of renderapi is passed as its result.
    also_there, also_here : str
        Assertions of the note, run after the calls with their results as ``_value``.
    writes : bool
        Whether the code changes its own copy of the data; then the contents are compared.
    """

    entry: str
    there: str = ""
    here: str = ""
    note: str = ""
    status: str = "same"
    setup: str = ""
    there_as: View | None = None
    here_as: View | None = None
    holds: Rule | None = None
    also_there: str = ""
    also_here: str = ""
    writes: bool = False


def same(entry: str, there: str, here: str, note: str = "", **more: Any) -> Row:
    """Both calls have the same result."""
    return Row(entry, there, here, note, **more)


def writes(entry: str, there: str, here: str, note: str = "", **more: Any) -> Row:
    """Both calls change equal data equally."""
    return Row(entry, there, here, note, writes=True, **more)


def differs(entry: str, there: str, here: str, note: str, holds: Rule, **more: Any) -> Row:
    """The results differ as noted."""
    return Row(entry, there, here, note, "differs", holds=holds, **more)


def only_here(entry: str, here: str, note: str, holds: Callable[[Any], object], **more: Any) -> Row:
    """Only the call here is run, for the noted reason."""
    return Row(entry, "", here, note, "here", holds=lambda _, result: holds(result), **more)


def left_out(entry: str, note: str) -> Row:
    """Deliberately left out."""
    return Row(entry, note=note, status="no")
