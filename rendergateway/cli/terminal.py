"""What is said, and where: messages and progress to standard error, results to standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plural", "result_console", "say"]

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
