"""What is said, and where: messages and progress to standard error, results to standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plural", "progress_bar", "result_console", "say"]

# Wide enough that no line of a piped result is broken.
_UNBROKEN = 10_000


def say(message: str) -> None:
    """Tell the user something that is not the result."""
    click.echo(message, err=True)


def plural(count: int, word: str) -> str:
    """
    Return a count with its word.

    Examples
    --------
    >>> plural(1, "tile"), plural(3, "tile")
    ('1 tile', '3 tiles')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def result_console() -> Console:
    """Return a console for results: as wide as the terminal, or without limit where there is none."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console


@contextlib.contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """
    Show how far a work is, on a terminal; elsewhere nothing.

    Parameters
    ----------
    what : str
        Said before the bar.
    total : int
        How many there are.

    Yields
    ------
    callable
        Takes how many are done.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
