"""``rendergateway catalogue``: the web pages of a service, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rendergateway.cli.services import open_gateway, service_options
from rendergateway.cli.terminal import json_option, result
from rendergateway.extras import require

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway

__all__ = ["catalogue"]

F = TypeVar("F", bound=Callable[..., Any])


def _viewer_options(command: F) -> F:
    """Add the options that name other viewers."""
    for name, title in (("neuroglancer", "neuroglancer"), ("catmaid", "CATMAID"), ("ndviz", "NdViz")):
        command = click.option(f"--{name}", metavar="URL", help=f"Address of {title}, for links.")(command)
    return command


def _named_by(gateway: Gateway) -> dict[str, str]:
    """Return the addresses of viewers that the service names, as its own pages use them: ``service.properties``."""
    properties = gateway.call("service.properties").get("properties", {})
    found = {name: properties.get(f"view.{name}Host") for name in ("catmaid", "ndviz")}
    return {name: host if "://" in host else f"http://{host}" for name, host in found.items() if host}


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; the default is for this machine only."
)
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0 for any free port.")
@_viewer_options
@json_option
@service_options
def catalogue(
    host: str,
    port: int,
    neuroglancer: str | None,
    catmaid: str | None,
    ndviz: str | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Serve web pages of the objects of a service.

    The command runs until it is stopped. The pages only read. They are reachable from this machine only, unless
    --host is another address. Viewers that are not given are those that the service itself names.
    """
    require("the catalogue", "flask")
    from rendergateway.catalogue import serve_pages

    given = {"neuroglancer": neuroglancer, "catmaid": catmaid, "ndviz": ndviz}
    viewers = {name: url for name, url in given.items() if url}
    with open_gateway(service, profile) as gateway:
        gateway.connect()
        viewers = {**_named_by(gateway), **viewers}

        def ready(url: str) -> None:
            result({"url": url, "service": gateway.server}, f"Catalogue of {gateway.server} at {url}", as_json)

        serve_pages(gateway, host=host, port=port, viewers=viewers, on_ready=ready)
