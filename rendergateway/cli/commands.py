"""The command and its subcommands, and the one place that turns errors into messages and exit codes."""

from __future__ import annotations

from typing import Any, NoReturn

import click

from rendergateway.cli.matching.clusters import clusters
from rendergateway.cli.matching.match import features, match
from rendergateway.cli.matching.matches import matches
from rendergateway.cli.matching.pairs import pairs
from rendergateway.cli.matching.solve import solve
from rendergateway.cli.pictures.boxes import boxes
from rendergateway.cli.pictures.export import export
from rendergateway.cli.pictures.mipmaps import mipmaps
from rendergateway.cli.pictures.picture import picture
from rendergateway.cli.pictures.plot import plot
from rendergateway.cli.pictures.render import render
from rendergateway.cli.remedies import in_options
from rendergateway.cli.service.catalogue import catalogue
from rendergateway.cli.service.client_scripts import client_scripts
from rendergateway.cli.service.config import config
from rendergateway.cli.service.demo import demo
from rendergateway.cli.service.login import login
from rendergateway.cli.service.serve import serve
from rendergateway.cli.service.upkeep import backup, check, compact
from rendergateway.cli.service.view import view
from rendergateway.cli.stacks.copy import copy
from rendergateway.cli.stacks.inspect import doctor, info
from rendergateway.cli.stacks.stack import stack
from rendergateway.cli.stacks.tree import tree
from rendergateway.cli.terminal import say
from rendergateway.cli.tiles.coordinates import coordinates
from rendergateway.cli.tiles.import_images import import_
from rendergateway.cli.tiles.layout import layout
from rendergateway.cli.tiles.load import load
from rendergateway.cli.tiles.move import move
from rendergateway.cli.tiles.remove import remove
from rendergateway.cli.tiles.transform import transform
from rendergateway.cli.tiles.validate import validate
from rendergateway.cli.tiles.warp import warp
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


for verb in (
    backup, boxes, catalogue, check, client_scripts, clusters, compact, config, coordinates, copy, demo, doctor,
    export, features, import_, info, layout, load, login, match, matches, mipmaps, move, pairs, picture, plot,
    remove, render, serve, solve, stack, transform, tree, validate, view, warp,
):  # fmt: skip
    commands.add_command(verb)
