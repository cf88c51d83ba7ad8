"""The ``rendergateway`` command."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the console script."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        sys.exit(f"the rendergateway command needs {error.name}: pip install 'rendergateway[service]'")
    from rendergateway.cli.commands import commands

    commands(prog_name="rendergateway")
