"""Which service and which stack a command means."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import click

from rendergateway.endpoints.address import EMBEDDED
from rendergateway.errors import CommandError
from rendergateway.gateway import Gateway
from rendergateway.wrappers import StackWrapper

__all__ = ["existing_file", "full_name", "named_stack", "open_gateway", "service_options"]

F = TypeVar("F", bound=Callable[..., Any])


def service_options(command: F) -> F:
    """Give a command the options that say which service it means."""
    address = click.option("--service", metavar="ADDRESS", help="http://host:port, or embedded:PATH.")
    profile = click.option("--profile", metavar="NAME", help="A profile of the configuration file.")
    return address(profile(command))


@contextlib.contextmanager
def open_gateway(
    service: str | None,
    profile: str | None,
    *,
    makes_file: bool = False,
    image_paths: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """
    Give a gateway to the service that is meant.

    Parameters
    ----------
    service, profile : str, optional
        As the options say.
    makes_file : bool
        Whether an embedded service may be made where there is none: a reading command would only hide a mistyped name.
    image_paths : mapping, optional
        As `Gateway` takes it.

    Raises
    ------
    ConfigurationError
        If nothing says which service is meant.
    CommandError
        If there is no file of that name, or the service would go with the command.
    """
    gateway = Gateway(service, profile=profile, image_paths=image_paths)
    if gateway.server.startswith(EMBEDDED):
        _check_file(unquote(gateway.server.removeprefix(EMBEDDED).partition("?")[0]), makes_file)
    with contextlib.closing(gateway):
        yield gateway


def _check_file(path: str, makes_file: bool) -> None:
    if not path:
        raise CommandError(
            "an embedded service without a file goes when the command ends; name one: --service embedded:./render.db"
        )
    if not makes_file:
        existing_file(path)


def existing_file(path: str) -> Path:
    """
    Return the path of a database that is there.

    Raises
    ------
    CommandError
        If it is not.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise CommandError(f"there is no database {path!r}")
    return file


def named_stack(gateway: Gateway, name: str) -> StackWrapper:
    """
    Return the stack that ``[[owner/]project/]stack`` names.

    Raises
    ------
    CommandError
        If its owner or project is neither named nor known.
    ConfigurationError
        If the name has another form.
    """
    parts = name.count("/")
    known = {"owner": parts > 1 or gateway.default_owner, "project": parts > 0 or gateway.default_project}
    missing = " and ".join(word for word, is_known in known.items() if not is_known)
    if missing:
        raise CommandError(
            f"whose stack is {name!r}? Give its {missing}: as owner/project/stack, or with RENDER_OWNER and "
            "RENDER_PROJECT"
        )
    return gateway.stack(name)


def full_name(stack: StackWrapper) -> str:
    """Return ``owner/project/stack``."""
    return f"{stack.owner}/{stack.project}/{stack}"
