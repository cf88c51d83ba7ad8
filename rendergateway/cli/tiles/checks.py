"""Options for checks of tiles, shared by the commands that save or validate them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rendergateway.cli.terminal import say

if TYPE_CHECKING:
    from rendergateway.model.tile_text.limits import TileLimits

__all__ = ["check_options", "drop_option", "say_dropped"]

F = TypeVar("F", bound=Callable[..., Any])


def _limits(ctx: click.Context, option: click.Parameter, text: str | None) -> TileLimits | None:
    from rendergateway.model.tile_text.limits import TileLimits

    try:
        return None if text is None else TileLimits.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error


_OPTIONS = [
    click.option(
        "--limits",
        callback=_limits,
        metavar="size=LOW..HIGH,coordinate=LOW..HIGH",
        help="Tiles whose bounding boxes exceed these limits are invalid, in world pixels.",
    ),
    click.option(
        "--max-warp",
        type=click.FloatRange(0),
        metavar="PIXELS",
        help="Tiles that deviate further from a rigid transform are invalid.",
    ),
    click.option("--check-files", is_flag=True, help="Tiles whose image files are not on this machine are invalid."),
]


def check_options(command: F) -> F:
    """Add the options of checks; the command receives them as one tuple of validators, ``checks``."""

    @functools.wraps(command)
    def gathered(
        *args: Any, limits: TileLimits | None, max_warp: float | None, check_files: bool, **values: Any
    ) -> Any:
        from rendergateway.model.tile_text.tile_checks import TileChecks
        from rendergateway.model.tile_text.warp_limits import WarpLimits

        checks: list[Any] = [TileChecks(files=True)] if check_files else []
        checks += [] if limits is None else [limits]
        checks += [] if max_warp is None else [WarpLimits(max_distance_px=max_warp)]
        return command(*args, checks=tuple(checks), **values)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def drop_option(command: F) -> F:
    """Add the option ``--drop-invalid``; the command receives ``invalid``, as `StackEdit.put`."""

    def read(ctx: click.Context, option: click.Parameter, value: bool) -> str:
        return "drop" if value else "raise"

    return click.option(
        "--drop-invalid", "invalid", is_flag=True, callback=read, help="Leave out invalid tiles instead of failing."
    )(command)


def say_dropped(dropped: Mapping[str, str]) -> None:
    """Print the tiles that were not saved, and why."""
    for tile_id, problem in dropped.items():
        say(f"tile {tile_id} is left out: {problem}")
