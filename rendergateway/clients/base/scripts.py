"""The folder of scripts that renderapi and shell pipelines call: ``run_ws_client.sh``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

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


def write_scripts(folder: Path | None = None) -> Path:
    """
    Write ``run_ws_client.sh`` for this interpreter to a folder.

    Parameters
    ----------
    folder : Path, optional
        Created if it is missing; by default `default_folder`.

    Returns
    -------
    Path
        The folder, absolute: the value of RENDER_CLIENT_SCRIPTS.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    folder = (folder or default_folder()).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(_START)} "$@"\n'
    path = folder / "run_ws_client.sh"
    with write_file(path) as file:
        file.write(script.encode())
    path.chmod(0o755)
    return folder
