"""The ``rendergateway`` command."""

from __future__ import annotations

import sys

from rendergateway.errors import MissingExtraError
from rendergateway.extras import require

__all__ = ["main"]


def main() -> None:
    """Run the command line; the console script."""
    try:
        require("the rendergateway command", "click", "rich")
    except MissingExtraError as error:
        sys.exit(str(error))
    from rendergateway.cli.commands import commands

    commands(prog_name="rendergateway")
