"""Options shared by the commands that draw, and the syntax of boxes and ranges."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rendergateway.cli.remedies import in_options
from rendergateway.geometry import Bounds
from rendergateway.wrappers import PictureOptions
from rendergateway.wrappers.core.arguments import as_box, as_z

__all__ = [
    "finite",
    "image_path_option",
    "look_options",
    "not_empty",
    "part_option",
    "read_box",
    "read_range",
    "read_z",
]

F = TypeVar("F", bound=Callable[..., Any])

_RANGE = ".."


def finite(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return a number; NaN and infinity are usage errors."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"must be finite, got {value}", ctx, option)
    return value


def not_empty(ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """Return a text; an empty one is a usage error."""
    if text == "":
        raise click.BadParameter("must not be empty", ctx, option)
    return text


def read_box(ctx: click.Context, option: click.Parameter, text: str | None) -> Bounds | None:
    """Parse a box, ``X0,Y0,X1,Y1``."""
    if text is None:
        return None
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be X0,Y0,X1,Y1 in world pixels, got {text!r}", ctx, option) from error
    try:
        box = as_box(Bounds(x0, y0, x1, y1))
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise click.BadParameter(f"must be finite, got {text!r}", ctx, option)
    return box


def read_z(
    ctx: click.Context, option: click.Parameter, text: str | None
) -> float | tuple[float | None, float | None] | None:
    """Parse a range of sections: ``3``, ``1..50``, ``10..`` or ``..20``."""
    if text is None:
        return None
    low, dots, high = text.partition(_RANGE)
    try:
        first, last = (as_z(side) if side else None for side in (low, high))
        if not (low or (dots and high)) or (first is not None and last is not None and first > last):
            raise ValueError(text)
    except ValueError as error:
        raise click.BadParameter(f"must be 3, 1..50, 10.. or ..20, got {text!r}", ctx, option) from error
    return (first, last) if dots else first


def read_range(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[float, float] | None:
    """Parse a range of numbers: ``0..255``."""
    if text is None:
        return None
    low, _, high = text.partition(_RANGE)
    try:
        window = float(low), float(high)
    except ValueError as error:
        raise click.BadParameter(f"must be LOW..HIGH, got {text!r}", ctx, option) from error
    if not (window[0] <= window[1] and all(map(math.isfinite, window))):
        raise click.BadParameter(f"LOW must be <= HIGH, both finite, got {text!r}", ctx, option)
    return window


def _read_paths(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    wrong = next((text for text in texts if "=" not in text), None)
    if wrong is not None:
        raise click.BadParameter(f"must be THEIRS=MINE, got {wrong!r}", ctx, option)
    return dict(text.split("=", 1) for text in texts)


def _read_part(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise click.BadParameter(f"must be NUMBER/COUNT, as 2/5, got {text!r}", ctx, option)
    return int(number), int(count)


def part_option(command: F) -> F:
    """Add the option for one of several jobs."""
    return click.option(
        "--part", callback=_read_part, metavar="NUMBER/COUNT", help="One of several jobs that share each section."
    )(command)


def image_path_option(command: F) -> F:
    """Add the option that maps paths of images."""
    return click.option(
        "--image-path", "image_paths", multiple=True, callback=_read_paths, metavar="THEIRS=MINE",
        help="Prefix of image paths as stored, and on this machine; may be repeated.",
    )(command)  # fmt: skip


_OPTIONS = [
    click.option("--channel", metavar="NAME", help="The channel to draw."),
    click.option("--intensity", callback=read_range, metavar="LOW..HIGH", help="Values mapped to black and white."),
    click.option("--filter", "filtered", is_flag=True, help="Apply the service's default filters."),
    click.option("--filter-list", metavar="NAME", help="Apply a list of filters configured in the service."),
    click.option(
        "--mask", type=click.Choice(["blended", "binary", "none"]), default="blended", show_default=True,
        help="How masks of the tiles are applied.",
    ),
    click.option("--background", metavar="#RRGGBB", help="Colour of transparent pixels, or noise."),
    click.option("--max-tiles", type=click.IntRange(0), help="Refuse to draw more than this number."),
    click.option("--bits", type=click.Choice(["8", "16"]), help="Bits per pixel; 16 keeps the values of the images."),
    click.option("--nearest", is_flag=True, help="Draw the nearest pixel instead of interpolating."),
    click.option("--local", is_flag=True, help="Draw in this process, from image files on this machine."),
    click.option("--edges", is_flag=True, help="Draw the last column and row of each image; with --local."),
    image_path_option,
]  # fmt: skip


def _check(look: dict[str, Any]) -> None:
    try:
        PictureOptions(**look)
    except (TypeError, ValueError) as error:
        raise click.UsageError(in_options(str(error))) from error


def look_options(command: F) -> F:
    """Add the options of pictures; the command receives them as one mapping, ``look``."""

    @functools.wraps(command)
    def gathered(
        *args: Any,
        channel: str | None,
        intensity: tuple[float, float] | None,
        filtered: bool,
        filter_list: str | None,
        mask: str,
        background: str | None,
        max_tiles: int | None,
        bits: str | None,
        nearest: bool,
        local: bool,
        edges: bool,
        image_paths: dict[str, str],
        **values: Any,
    ) -> Any:
        look = {
            "channel": channel,
            "intensity": intensity,
            "filter": filter_list or filtered,
            "mask": None if mask == "none" else mask,
            "background": background,
            "max_tiles": max_tiles,
            "dtype": None if bits is None else f"uint{bits}",
            "interpolate": not nearest,
            "compute": "local" if local else "service",
            "edges": edges,
            "image_paths": image_paths,
        }
        _check({name: value for name, value in look.items() if name != "image_paths"})
        return command(*args, look=look, **values)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]
