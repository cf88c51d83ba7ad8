"""The command and its subcommands, and the one place that turns errors into messages and exit codes."""

from __future__ import annotations

from typing import Any, NoReturn

import click

from rendergateway.cli.catalogue import catalogue
from rendergateway.cli.config import config
from rendergateway.cli.demo import demo
from rendergateway.cli.export import export
from rendergateway.cli.load import load
from rendergateway.cli.login import login
from rendergateway.cli.picture import picture
from rendergateway.cli.remedies import in_options
from rendergateway.cli.serve import serve
from rendergateway.cli.terminal import say
from rendergateway.cli.tree import tree
from rendergateway.cli.upkeep import backup, check, compact
from rendergateway.cli.view import view
from rendergateway.errors import NotFoundError, RenderGatewayError, ServiceError
from rendergateway.version import __version__

__all__ = ["commands"]

_INTERRUPTED = 130


class _Commands(click.Group):
    """A group that reports errors of its commands on standard error, in one place."""

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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
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


for verb in (backup, catalogue, check, compact, config, demo, export, load, login, picture, serve, tree, view):
    commands.add_command(verb)
