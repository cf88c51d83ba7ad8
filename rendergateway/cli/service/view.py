"""``rendergateway view``: a stack in neuroglancer, with its own Python package."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import click

from rendergateway.cli.services import named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.terminal import json_option, result
from rendergateway.extras import needed_for, require

if TYPE_CHECKING:
    from rendergateway.wrappers import StackWrapper

__all__ = ["view"]


@click.command()
@stack_argument()
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open the page in the web browser.")
@json_option
@service_options
def view(name: str, opens: bool, service: str | None, profile: str | None, as_json: bool) -> None:
    """
    Show a stack in neuroglancer.

    The command runs until it is stopped. The browser reads the pictures from the service, so a database must be
    served first: rendergateway serve.
    """
    require("rendergateway view", "neuroglancer")
    with open_gateway(service, profile) as gateway:
        shown = named_stack(gateway, name).load()
        viewer = _viewer(shown)
        url = str(viewer)
        result({"url": url}, f"{shown} at {url}; Ctrl-C ends it", as_json)
        if opens:
            click.launch(url)
        threading.Event().wait()


def _viewer(shown: StackWrapper) -> Any:
    from rendergateway.links import neuroglancer_state

    with needed_for("rendergateway view"):
        import neuroglancer

    viewer = neuroglancer.Viewer()
    viewer.set_state(neuroglancer_state(shown.link("neuroglancer")))
    return viewer
