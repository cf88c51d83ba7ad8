"""Options of the commands that draw many image files of a stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs
import click

from rendergateway.cli.look import read_z
from rendergateway.cli.services import workers_option

__all__ = ["ManyFiles", "many_files_options"]

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen
class ManyFiles:
    """
    The files to draw.

    Attributes
    ----------
    folder : str
        Their folder.
    z : float or (float or None, float or None) or None
        Their sections.
    how : dict
        Keyword arguments of the method that draws them: ``format``, ``overwrite``, ``workers`` and ``progress``.
    """

    folder: str
    z: Any
    how: dict[str, Any]


def many_files_options(formats: Sequence[str], what: str) -> Callable[[F], F]:
    """
    Return a decorator that adds the options of many files; the command receives them as one value, ``files``.

    Parameters
    ----------
    formats : sequence of str
        Formats of the files; the first is the default.
    what : str
        Start of the help of ``--workers``: "Concurrent boxes".
    """
    options = [
        click.option("--to", "folder", required=True, metavar="FOLDER", help="Folder of the files."),
        click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections."),
        click.option("--format", "kind", type=click.Choice(formats), default=formats[0], show_default=True),
        click.option("--overwrite", is_flag=True, help="Write existing files again."),
        workers_option(what),
    ]

    def add(command: F) -> F:
        @functools.wraps(command)
        def gathered(
            *args: Any, folder: str, z: Any, kind: str, overwrite: bool, workers: int | None, **values: Any
        ) -> Any:
            how = {"format": kind, "overwrite": overwrite, "workers": workers, "progress": True}
            return command(*args, files=ManyFiles(folder, z, how), **values)

        for option in reversed(options):
            gathered = option(gathered)
        return gathered  # type: ignore[return-value]

    return add
