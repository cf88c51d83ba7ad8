"""The command, its verbs, and the one place where what goes wrong becomes a sentence and an exit code."""

from __future__ import annotations

from typing import Any, NoReturn

import click

from rendergateway.cli.config import config
from rendergateway.cli.demo import demo
from rendergateway.cli.export import export
from rendergateway.cli.load import load
from rendergateway.cli.login import login
from rendergateway.cli.picture import picture
from rendergateway.cli.serve import serve
from rendergateway.cli.tree import tree
from rendergateway.cli.upkeep import backup, check, compact
from rendergateway.errors import RenderGatewayError, ServiceError
from rendergateway.version import __version__

__all__ = ["commands"]

INTERRUPTED = 130


class _Commands(click.Group):
    """A group whose commands raise what they like; messages go to standard error, results to standard output."""

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
            _end(ctx, INTERRUPTED, "interrupted", error)


def _sentence(error: RenderGatewayError) -> str:
    # What was refused is clear from the command; the URL would only hide the service's own sentence.
    return str(error.args[0]) if isinstance(error, ServiceError) else str(error)


def _end(ctx: click.Context, code: int, sentence: str, error: BaseException) -> NoReturn:
    for line in (sentence, *getattr(error, "__notes__", ())):
        click.echo(f"rendergateway: {line}", err=True)
    ctx.exit(code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="rendergateway", message="%(version)s")
def commands() -> None:
    """
    Stacks, sections, tiles and point matches of render-ws.

    \b
    Which service a command means:
      --service ADDRESS    http://host:port, or embedded:PATH for one in a file
      --profile NAME       of the configuration file
      RENDERGATEWAY_SERVICE, or the profile that RENDERGATEWAY_PROFILE names
      RENDER_HOST, RENDER_PORT
    Names without owner or project take them from the same places.
    rendergateway config show says what counts, and where it stands.
    """  # noqa: D301


for verb in (backup, check, compact, config, demo, export, load, login, picture, serve, tree):
    commands.add_command(verb)
