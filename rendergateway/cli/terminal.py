"""Output: messages and progress on standard error, results on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["result_console", "say"]

# Wide enough that no line of piped output is wrapped.
_UNBROKEN = 10_000


def say(message: str) -> None:
    """Print a message that is not part of the result."""
    click.echo(message, err=True)


def result_console() -> Console:
    """Return a console for results: as wide as the terminal, or of unlimited width without one."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console
