"""``rendergateway serve``: the embedded service behind a socket."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

__all__ = ["serve"]


@click.command()
@click.argument("path", required=False)
@click.option("--memory", is_flag=True, help="Instead of PATH: a private file that goes when the service ends.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; other machines see no loopback.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--images", multiple=True, metavar="DIR", help="A folder below which images may be read; repeatable.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1), help="Requests worked on at once.")
@click.option("--read-only", is_flag=True, help="Refuse every change.")
@click.option("--tile-limit", type=click.IntRange(1), metavar="N", help="Most tiles in one answer.")
@click.option("--body-limit", type=click.IntRange(1), metavar="BYTES", help="Most bytes of a body; 1 GiB unless set.")
@click.option(
    "--nesting-limit", type=click.IntRange(1, 500), metavar="N", help="Deepest JSON of a body; 100 unless set."
)
@click.option("--quiet", is_flag=True, help="Do not log a line per request to standard error.")
@click.option("--allow-origin", multiple=True, metavar="URL", help="Web pages, besides local ones, that may read.")
def serve(path: str | None, memory: bool, quiet: bool, **options: Any) -> None:
    """
    Serve the database PATH, made where it is missing, until told to stop.

    Nobody but this machine reaches it, unless --host says otherwise.
    """
    if memory == (path is not None):
        raise click.UsageError("name the database to serve, or give --memory")
    from rendergateway.service.serve import serve as run

    if quiet:
        options["on_request"] = _say_nothing
    # What is not set is for the service to say.
    options = {name: value for name, value in options.items() if value is not None}
    if path is not None:
        run(path, **options)
        return
    with tempfile.TemporaryDirectory(prefix="rendergateway-") as folder:
        run(Path(folder, "render.db"), **options)


def _say_nothing(line: str) -> None:
    """Take a line of the log and keep it."""
