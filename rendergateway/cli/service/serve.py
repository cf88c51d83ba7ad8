"""``rendergateway serve``: the embedded service on a socket."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from rendergateway.cli.terminal import json_option, result, say
from rendergateway.errors import MissingExtraError
from rendergateway.extras import require

__all__ = ["serve"]


@click.command()
@click.argument("path", required=False)
@click.option("--memory", is_flag=True, help="Instead of PATH: a temporary database, deleted on exit.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; the default is for this machine only."
)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 for any free port.")
@click.option("--images", multiple=True, metavar="DIR", help="Folder below which images may be read; may be repeated.")
@click.option(
    "--remote-images", multiple=True, metavar="HOST", help="Host whose http: images may be read; may be repeated."
)
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1), help="Concurrent requests.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; one of them writes."
)
@click.option("--read-only", is_flag=True, help="Refuse every change.")
@click.option(
    "--tile-limit", type=click.IntRange(0), metavar="N", help="Maximum tiles per answer, 0: unlimited; default 50001."
)
@click.option("--filters", metavar="FILE", help="JSON file of named filter lists, instead of the default ones.")
@click.option(
    "--body-limit", type=click.IntRange(1), metavar="BYTES", help="Maximum size of a request body; 1 GiB by default."
)
@click.option(
    "--nesting-limit", type=click.IntRange(1, 500), metavar="N", help="Maximum depth of JSON; 100 by default."
)
@click.option(
    "--like",
    type=click.Choice(["2019"]),
    envvar="RENDERGATEWAY_LIKE",
    help="Behave as the services of that year; for clients: client-scripts --like 2019.",
)
@json_option
@click.option("--quiet", is_flag=True, help="Do not log requests to standard error.")
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="URL",
    help="Origin of web pages that may read, besides local ones; may be repeated.",
)
@click.option("--pages/--no-pages", default=True, show_default=True, help="Serve the catalogue at the same address.")
def serve(path: str | None, memory: bool, quiet: bool, as_json: bool, pages: bool, **options: Any) -> None:
    """
    Serve the database PATH until stopped.

    It is created if it is missing. A browser shows the catalogue of its stacks at the same address.

    It is reachable from this machine only, unless --host is another address.
    """
    if memory == (path is not None):
        raise click.UsageError("pass either the PATH of a database or --memory")
    from rendergateway.service.serve import Listening
    from rendergateway.service.serve import serve as run

    def ready(service: Listening) -> None:
        values = {"url": service.url, "database": str(service.database), "images": list(map(str, service.images))}
        result(values, str(service), as_json)

    options["on_ready"] = ready
    if quiet:
        options["on_request"] = _say_nothing
    # Options that are not set have the defaults of the service.
    options = {name: value for name, value in options.items() if value is not None}
    if options.get("tile_limit") == 0:
        options["tile_limit"] = None
    with contextlib.ExitStack() as stack:
        if path is None:
            path = str(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rendergateway-")), "render.db"))
        run(path, **options, pages=_pages(path, options) if pages else None)


def _pages(path: str, options: Mapping[str, Any]) -> Callable[[], Any] | None:
    """Return the catalogue of a database; None, with a message, if Flask is not installed."""
    try:
        require("the catalogue", "flask")
    except MissingExtraError as error:
        say(f"No web pages: {error}")
        return None
    from rendergateway.catalogue.server import ServedPages
    from rendergateway.service.base.options import TILE_LIMIT

    return ServedPages(
        Path(path).expanduser().resolve(),
        images=[str(Path(folder).expanduser().resolve()) for folder in options["images"]],
        remote_images=options["remote_images"],
        tile_limit=options.get("tile_limit", TILE_LIMIT),
        filters=options.get("filters"),
    )


def _say_nothing(line: str) -> None:
    """Discard a line of the log."""
