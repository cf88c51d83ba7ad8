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
@click.option("--allow-origin", multiple=True, metavar="URL", help="Web pages, besides local ones, that may read.")
def serve(path: str | None, memory: bool, **options: Any) -> None:
    """
    Serve the database PATH, made where it is missing, until told to stop.

    Nobody but this machine reaches it, unless --host says otherwise.
    """
    if memory == (path is not None):
        raise click.UsageError("name the database to serve, or give --memory")
    from rendergateway.service.launch import serve as run

    if path is not None:
        run(path, **options)
        return
    with tempfile.TemporaryDirectory(prefix="rendergateway-") as folder:
        run(Path(folder, "render.db"), **options)
