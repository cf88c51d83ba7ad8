"""``rendergateway client-scripts``: the folder of ``run_ws_client.sh``."""

from __future__ import annotations

from pathlib import Path

import click

from rendergateway.cli.terminal import json_option, result
from rendergateway.clients.base.scripts import write_scripts
from rendergateway.clients.base.table import CLIENTS

__all__ = ["client_scripts"]


@click.command("client-scripts")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the scripts. Default: one below the cache folder of the user.",
)
@click.option("--like", type=click.Choice(["2019"]), help="Clients that draw as those of that year.")
@json_option
def client_scripts(folder: Path | None, like: str | None, as_json: bool) -> None:
    """
    Print the folder of run_ws_client.sh.

    It runs the Java clients of render without Java.

    \b
    For renderapi and everything built on it:
      export RENDER_CLIENT_SCRIPTS=$(rendergateway client-scripts)
    """  # noqa: D301
    path = write_scripts(folder, like)
    result({"folder": str(path), "clients": sorted(CLIENTS)}, str(path), as_json)
