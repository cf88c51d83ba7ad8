"""Output: messages and progress on standard error, results on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plural", "print_result", "result_console", "say"]

# Wide enough that no line of piped output is wrapped.
_UNBROKEN = 10_000


def say(message: str) -> None:
    """Print a message that is not part of the result."""
    click.echo(visible(message), err=True)


def print_result(line: str) -> None:
    """Print a line of the result."""
    click.echo(visible(line))


def plural(count: int, word: str) -> str:
    """
    Return a count with its noun.

    Examples
    --------
    >>> plural(1, "tile"), plural(3, "tile")
    ('1 tile', '3 tiles')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def result_console() -> Console:
    """Return a console for results: as wide as the terminal, or of unlimited width without one."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console
