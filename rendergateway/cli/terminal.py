"""Output: results on standard output, as sentences or JSON; messages and progress on standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["json_option", "result", "result_console", "say"]

F = TypeVar("F", bound=Callable[..., Any])

# Wide enough that no line of piped output is wrapped.
_UNBROKEN = 10_000


def json_option(command: F) -> F:
    """Add the option ``--json``; each command has it."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")(command)


def result(values: Any, sentence: str, as_json: bool) -> None:
    """Print a result: *values* as JSON, or the sentence."""
    # ASCII, so that no terminal replaces a character of the data.
    click.echo(json.dumps(_finite(values)) if as_json else visible(sentence))


def _finite(value: Any) -> Any:
    """Return *value* with NaN and infinities as texts, as the service writes them: JSON has no such numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def say(message: str) -> None:
    """Print a message that is not part of the result."""
    click.echo(visible(message), err=True)


def result_console() -> Console:
    """Return a console for results: as wide as the terminal, or of unlimited width without one."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console
