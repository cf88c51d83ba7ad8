"""The command and its subcommands, and the one place that turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from keyword import iskeyword
from typing import Any, NoReturn

import click

from rendergateway.cli.remedies import in_options
from rendergateway.cli.terminal import say
from rendergateway.errors import NotFoundError, RenderGatewayError, ServiceError
from rendergateway.version import __version__

__all__ = ["commands"]

_INTERRUPTED = 130
# Verb → module of ``cli`` with a command of that name.
_MODULES = {
    "backup": "service.upkeep",
    "boxes": "pictures.boxes",
    "catalogue": "service.catalogue",
    "check": "service.upkeep",
    "client-scripts": "service.client_scripts",
    "clusters": "matching.clusters",
    "compact": "service.upkeep",
    "config": "service.config",
    "coordinates": "tiles.coordinates",
    "copy": "stacks.copy",
    "demo": "service.demo",
    "doctor": "stacks.inspect",
    "export": "pictures.export",
    "features": "matching.match",
    "import": "tiles.import_images",
    "info": "stacks.inspect",
    "layout": "tiles.layout",
    "load": "tiles.load",
    "login": "service.login",
    "match": "matching.match",
    "matches": "matching.matches",
    "mipmaps": "pictures.mipmaps",
    "move": "tiles.move",
    "pairs": "matching.pairs",
    "picture": "pictures.picture",
    "plot": "pictures.plot",
    "remove": "tiles.remove",
    "render": "pictures.render",
    "serve": "service.serve",
    "solve": "matching.solve",
    "stack": "stacks.stack",
    "transform": "tiles.transform",
    "tree": "stacks.tree",
    "validate": "tiles.validate",
    "view": "service.view",
    "warp": "tiles.warp",
}


class _Verbs(MutableMapping[str, click.Command]):
    """Verb → command; its module is imported when the verb is first looked up."""

    def __init__(self) -> None:
        self._commands: dict[str, click.Command | None] = dict.fromkeys(_MODULES)

    def __getitem__(self, verb: str) -> click.Command:
        command = self._commands[verb]
        if command is None:
            module = importlib.import_module(f"rendergateway.cli.{_MODULES[verb]}")
            command = self._commands[verb] = getattr(module, f"{verb}_" if iskeyword(verb) else verb.replace("-", "_"))
        return command

    def __setitem__(self, verb: str, command: click.Command) -> None:
        self._commands[verb] = command

    def __delitem__(self, verb: str) -> None:
        del self._commands[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


class _Commands(click.Group):
    """A group that reports errors of its commands on standard error, in one place."""

    def make_context(self, *args: Any, **values: Any) -> click.Context:
        # The help of all verbs imports them.
        try:
            return super().make_context(*args, **values)
        except KeyboardInterrupt:
            say("rendergateway: interrupted")
            raise click.exceptions.Exit(_INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except RenderGatewayError as error:
            _end(ctx, 1, _sentence(error), error)
        except OSError as error:
            _end(ctx, 1, ": ".join(filter(None, [error.filename, error.strerror or str(error)])), error)
        except KeyboardInterrupt as error:
            _end(ctx, _INTERRUPTED, "interrupted", error)


def _sentence(error: RenderGatewayError) -> str:
    # The command shows which request was refused; the URL would only hide the service's own message.
    sentence = RenderGatewayError.__str__(error) if isinstance(error, ServiceError) else str(error)
    return f"{sentence}; 'rendergateway tree' lists the stacks" if isinstance(error, NotFoundError) else sentence


def _end(ctx: click.Context, code: int, sentence: str, error: BaseException) -> NoReturn:
    for line in (sentence, *getattr(error, "__notes__", ())):
        say(f"rendergateway: {in_options(line)}")
    ctx.exit(code)


@click.group(cls=_Commands, commands=_Verbs(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="rendergateway", message="%(version)s")
def commands() -> None:
    """
    Stacks, sections, tiles and point matches of render-ws.

    \b
    The service is taken from the first of these:
      --service ADDRESS    http://host:port, or embedded:PATH for a database file
      --profile NAME       a profile of the configuration file
      RENDERGATEWAY_SERVICE, or the profile in RENDERGATEWAY_PROFILE
      RENDER_HOST, RENDER_PORT
    Default owner and project are taken from the same sources.
    rendergateway config show prints the settings in effect and their sources.

    \b
    Exit status: 0 done, 1 failed, 2 wrong arguments, 130 interrupted.
    """  # noqa: D301
