"""The service and the stack of a command."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import click

from rendergateway.endpoints.address import EMBEDDED
from rendergateway.errors import CommandError, NotFoundError, RenderGatewayError
from rendergateway.gateway import Gateway
from rendergateway.wrappers.core.bulk import Bulk

if TYPE_CHECKING:
    from rendergateway.wrappers import MatchCollectionWrapper, StackWrapper

__all__ = [
    "collection_argument",
    "complete_stack",
    "existing_file",
    "full_name",
    "named_collection",
    "named_stack",
    "open_gateway",
    "read_tile_ids_option",
    "sections_of",
    "service_options",
    "stack_argument",
    "target_options",
    "treatment",
    "workers_option",
]

F = TypeVar("F", bound=Callable[..., Any])

# A shell waits for completions.
_COMPLETION_S = 2.0


def service_options(command: F) -> F:
    """Add the options that select the service."""
    address = click.option(
        "--service", metavar="ADDRESS", help="http://host:port, or embedded:PATH for a database file."
    )
    profile = click.option("--profile", metavar="NAME", help="A profile of the configuration file.")
    return address(profile(command))


def workers_option(what: str) -> Callable[[F], F]:
    """Return the option ``--workers``; the default is that of the library."""
    return click.option("--workers", type=click.IntRange(1), help=f"{what}. Default: {Bulk().workers}.")


def complete_stack(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of stacks that begin with *incomplete*, for the completion of a shell."""
    service, profile = (ctx.params.get(name) for name in ("service", "profile"))
    try:
        with open_gateway(service, profile, budget_s=_COMPLETION_S) as gateway:
            return [name for name in _names(gateway, incomplete) if name.startswith(incomplete)]
    except (RenderGatewayError, OSError):
        # A shell shows no message: the command itself does.
        return []


def _names(gateway: Gateway, incomplete: str) -> Iterator[str]:
    """Yield names of stacks as long as they must be: without the owner and the project that are configured."""
    owner, project = gateway.default_owner, gateway.default_project
    if owner and "/" not in incomplete and project:
        yield from (stack.name for stack in gateway.stacks())
    elif owner and incomplete.count("/") < 2:
        yield from (f"{stack.project}/{stack}" for stack in gateway.owner(owner).stacks())
    else:
        start, slash, _ = incomplete.partition("/")
        for one in gateway.owners():
            if one.name == start or (not slash and one.name.startswith(start)):
                yield from (f"{one.name}/{stack.project}/{stack}" for stack in one.stacks())


def stack_argument(*, required: bool = True) -> Callable[[F], F]:
    """Return the argument that names a stack."""
    metavar = "[[OWNER/]PROJECT/]STACK" if required else "[[[OWNER/]PROJECT/]STACK]"
    return click.argument("name", required=required, metavar=metavar, shell_complete=complete_stack)


def collection_argument(name: str) -> Callable[[F], F]:
    """Return the argument that names a match collection."""
    return click.argument(name, metavar="[OWNER/]COLLECTION")


def target_options(command: F) -> F:
    """Add the options for a stack that a command writes to: ``--append``, ``--replace`` and ``--leave-open``."""
    append = click.option(
        "--append", is_flag=True, help="Add to an existing stack; tiles with the same id are replaced."
    )
    replace = click.option("--replace", is_flag=True, help="Replace the sections of an existing stack.")
    leave_open = click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
    return append(replace(leave_open(command)))


def treatment(append: bool, replace: bool) -> str:
    """
    Return the treatment of an existing stack.

    Raises
    ------
    click.UsageError
        If both are given.
    """
    if append and replace:
        raise click.UsageError("--append and --replace exclude each other")
    return "append" if append else "replace" if replace else "refuse"


def read_tile_ids_option(ctx: click.Context, option: click.Parameter, path: str | None) -> list[str] | None:
    """Read a file of tile ids, the value of an option."""
    from rendergateway.model.files.tile_ids import read_tile_ids

    return None if path is None else read_tile_ids(path)


@contextlib.contextmanager
def open_gateway(
    service: str | None,
    profile: str | None,
    *,
    makes_file: bool = False,
    image_paths: Mapping[str, str] | None = None,
    budget_s: float | None = None,
) -> Iterator[Gateway]:
    """
    Yield a gateway to the selected service.

    Parameters
    ----------
    service, profile : str, optional
        Values of the options.
    makes_file : bool
        Whether a missing database may be created; a command that only reads would hide a mistyped name.
    image_paths : mapping, optional
    budget_s : float, optional
        As for `Gateway`.

    Raises
    ------
    ConfigurationError
        If no service is configured.
    CommandError
        If the database does not exist, or would be deleted when the command ends.
    """
    gateway = Gateway(service, profile=profile, image_paths=image_paths, budget_s=budget_s)
    if gateway.server.startswith(EMBEDDED):
        _check_file(unquote(gateway.server.removeprefix(EMBEDDED).partition("?")[0]), makes_file)
    with contextlib.closing(gateway):
        yield gateway


def _check_file(path: str, makes_file: bool) -> None:
    if not path:
        raise CommandError(
            "an embedded service without a file is deleted when the command ends; pass --service embedded:./render.db"
        )
    if not makes_file:
        existing_file(path)


def existing_file(path: str) -> Path:
    """
    Return the path of an existing database.

    Raises
    ------
    CommandError
        If it does not exist.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise CommandError(
            f"database {path!r} does not exist; check the path ('import', 'load' and 'serve' create a database)"
        )
    return file


def named_stack(gateway: Gateway, name: str) -> StackWrapper:
    """
    Return the stack with the name ``[[owner/]project/]stack``.

    Raises
    ------
    CommandError
        If owner or project are neither in the name nor configured.
    ConfigurationError
        If the name is malformed.
    """
    parts = name.count("/")
    known = {"owner": parts > 1 or gateway.default_owner, "project": parts > 0 or gateway.default_project}
    missing = " and ".join(word for word, is_known in known.items() if not is_known)
    if missing:
        raise CommandError(
            f"stack {name!r} needs its {missing}: pass owner/project/stack, or set RENDER_OWNER and RENDER_PROJECT"
        )
    return gateway.stack(name)


def named_collection(gateway: Gateway, name: str) -> MatchCollectionWrapper:
    """
    Return the match collection with the name ``[owner/]collection``.

    Raises
    ------
    CommandError
        If the owner is neither in the name nor configured, or the name is malformed.
    """
    owner, slash, collection = name.rpartition("/")
    if not collection or "/" in owner or (slash and not owner):
        raise CommandError(f"the name of a match collection must be [owner/]collection: got {name!r}")
    if not owner and not gateway.default_owner:
        raise CommandError(f"match collection {name!r} needs its owner: pass owner/collection, or set RENDER_OWNER")
    return gateway.match_collection(collection, owner=owner or None)


def sections_of(stack: StackWrapper, z: Any) -> list[float] | None:
    """
    Return the z values of the option ``--z``; None without it.

    Raises
    ------
    NotFoundError
        If the stack has no such section.
    """
    if z is None:
        return None
    found: list[float] = list(stack.sections(z).ids)
    if not found:
        raise NotFoundError(f"stack {stack} has no section that --z selects")
    return found


def full_name(stack: StackWrapper) -> str:
    """Return ``owner/project/stack``."""
    return f"{stack.owner}/{stack.project}/{stack}"
