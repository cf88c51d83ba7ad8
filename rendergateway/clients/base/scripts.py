"""The folder of scripts that renderapi and shell pipelines call: ``run_ws_client.sh``."""

from __future__ import annotations

import compileall
import os
import shlex
import sys
from pathlib import Path

from rendergateway.clients.base.years import LIKE_VARIABLE
from rendergateway.model.files.objects import write_file

__all__ = ["default_folder", "write_scripts"]

# The current folder is not searched for modules: it may be anyone's.
_START = (
    "import sys; sys.path[:] = [folder for folder in sys.path if folder]; "
    "from rendergateway_command import client; client()"
)


def default_folder() -> Path:
    """Return the folder for the scripts of this interpreter, below the cache of the user."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "rendergateway" / "client-scripts" / Path(sys.prefix).as_posix().strip("/").replace("/", "-")


def write_scripts(folder: Path | None = None, like: int | str | None = None) -> Path:
    """
    Write ``run_ws_client.sh`` for this interpreter to a folder.

    Parameters
    ----------
    folder : Path, optional
        Created if it is missing; by default `default_folder`, or one below it for each year.
    like : int, optional
        2019 for clients that draw as those of that year; see `rendergateway.clients.base.years`.

    Returns
    -------
    Path
        The folder, absolute: the value of RENDER_CLIENT_SCRIPTS.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    _compile()
    folder = (folder or default_folder() / ("" if like is None else f"like-{like}")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    year = "" if like is None else f"{LIKE_VARIABLE}={shlex.quote(str(like))} "
    script = f'#!/bin/sh\n{year}exec {shlex.quote(sys.executable)} -c {shlex.quote(_START)} "$@"\n'
    path = folder / "run_ws_client.sh"
    with write_file(path) as file:
        file.write(script.encode())
    path.chmod(0o755)
    return folder


def _compile() -> None:
    """
    Compile the package, as pip does on installation, unless it is compiled: otherwise each start takes twice as long.

    Nothing is compiled in a folder that cannot be written.
    """
    compileall.compile_dir(Path(__file__).parents[2], quiet=2)
