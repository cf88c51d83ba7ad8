"""
The command line: each command is a few lines over a public function, and translates its errors into options.

It may import the whole package, and click and rich; nothing imports it. Results are written to standard output,
messages, progress and errors to standard error.
"""

from __future__ import annotations

import codecs
import io
import sys

from rendergateway.errors import MissingExtraError
from rendergateway.extras import require

__all__ = ["main"]

_ASCII = {"…": "...", "–": "-", "×": "x"}


def main() -> None:
    """Run the command line; `rendergateway_command`, the console script, calls it."""
    _accept_any_text()
    try:
        require("the rendergateway command", "click", "rich")
        from rendergateway.cli.commands import commands
    except MissingExtraError as error:
        sys.exit(str(error))
    commands(prog_name="rendergateway")


def _accept_any_text() -> None:
    """Replace characters that the terminal cannot encode, instead of failing."""
    codecs.register_error("rendergateway", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="rendergateway")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in unknown), error.end
