"""``rendergateway plot``: tiles, matches, residuals, seams and sections of a stack as plots in files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
import numpy as np

from rendergateway import plots
from rendergateway.cli.look import finite, not_empty, read_box, read_z
from rendergateway.cli.services import named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.terminal import json_option, result
from rendergateway.display import plural
from rendergateway.errors import CommandError
from rendergateway.geometry import Bounds, checked_frame
from rendergateway.plots.base import check_format, new_figure, save_figure
from rendergateway.wrappers import MatchCollectionWrapper, StackWrapper

if TYPE_CHECKING:
    from rendergateway.model.tables.match_table import MatchTable

__all__ = ["plot"]

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def plot() -> None:
    """Draw plots of a stack into files: .png, .pdf or .svg."""


def _plot_command(name: str) -> Callable[[F], click.Command]:
    """Add a subcommand with the arguments that all plots share."""

    def added(function: F) -> click.Command:
        output = click.option(
            "-o", "--output", required=True, metavar="FILE", callback=_output, help="Its extension selects the format."
        )
        decorated = stack_argument()(output(json_option(service_options(function))))
        command: click.Command = plot.command(name)(decorated)
        return command

    return added


def _output(ctx: click.Context, option: click.Parameter, path: str) -> str:
    check_format(path)
    return path


def _frame(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else checked_frame(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error


def _z_option(text: str) -> Callable[[F], F]:
    return click.option("--z", callback=read_z, metavar="Z[..Z]", help=text)


@contextlib.contextmanager
def _opened(name: str, service: str | None, profile: str | None) -> Iterator[StackWrapper]:
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        stack.load()
        yield stack


def _save(draw: Callable[[Any], object], output: str, title: str, values: dict[str, Any], as_json: bool) -> None:
    """Draw a plot into a file, and report it."""
    figure, ax = new_figure()
    draw(ax)
    figure.suptitle(title, fontsize="small")
    save_figure(figure, output)
    result({"file": output, **values}, f"{output}: {title}", as_json)


def _sections(stack: StackWrapper, z: Any) -> list[Any]:
    found = list(stack.sections(z))
    if not found:
        raise CommandError(f"stack {stack} has no sections" + ("" if z is None else " in this range of z"))
    return found


def _one_section(stack: StackWrapper, z: Any) -> Any:
    """Return the section at z, or the first one."""
    return _sections(stack, z)[0]


@_plot_command("tiles")
@_z_option("The section. Default: the first.")
@click.option("--color", metavar="COLUMN", callback=not_empty, help="Colour by a column: z, camera_id, image_row, …")
@click.option("--names", is_flag=True, help="Write tile ids into the boxes.")
def tiles(name: str, z: Any, color: str | None, names: bool, output: str, as_json: bool, **place: Any) -> None:
    """Draw the bounding boxes of the tiles of a section, or of the first in a range."""
    with _opened(name, **place) as stack:
        section = _one_section(stack, z)
        table = section.tiles().table()
        title = f"{stack}, section {section}: {plural(len(table), 'tile')}"
        values = {"z": section.z, "tile_count": len(table)}
        _save(lambda ax: plots.tile_map(table, color, names=names, ax=ax), output, title, values, as_json)


def _collection(stack: StackWrapper, name: str, frame: str | None = None) -> MatchCollectionWrapper:
    gateway: Any = stack._conn
    collection: MatchCollectionWrapper = gateway.match_collection(name, owner=stack.owner.name, frame=frame)
    return collection


def _pairs(collection: MatchCollectionWrapper, stack: StackWrapper, z: Any) -> MatchTable:
    """Return the pairs between tiles of a section, of a range of sections, or of the whole stack."""
    if isinstance(z, float | int):
        return collection.table(within=stack.section(z))
    table = collection.table()
    known = set(stack.tiles(z=z).ids)
    inside = [p in known and q in known for p, q in zip(table.p_id, table.q_id, strict=True)]
    return table[np.array(inside, dtype=bool)]


_matches_option = click.option(
    "--matches", "matches_name", required=True, callback=not_empty, metavar="COLLECTION", help="The match collection."
)


def _frame_option(*, required: bool) -> Callable[[F], F]:
    # No default: a wrong frame is an unnoticed error of the size of the lens distortion.
    text = "Frame of the match points: raw, lens_corrected, before:LABEL or after:LABEL."
    return click.option("--frame", callback=_frame, required=required, metavar="FRAME", help=text)


@_plot_command("matches")
@_matches_option
@_z_option("The section. Default: the first.")
@click.option("--residuals", is_flag=True, help="Colour by median residual instead of number of points; needs --frame.")
@_frame_option(required=False)
def matches(
    name: str, matches_name: str, z: Any, residuals: bool, frame: str | None, output: str, as_json: bool, **place: Any
) -> None:
    """Draw the match pairs within a section as lines between its tiles."""
    if residuals and frame is None:
        raise click.UsageError("--residuals needs --frame")
    with _opened(name, **place) as stack:
        section = _one_section(stack, z)
        collection = _collection(stack, matches_name, frame)
        pairs = _pairs(collection, stack, section.z)
        color = _medians(pairs, collection.residuals(stack, pairs)) if residuals else None
        label = "median residual (px)" if residuals else "points per pair"
        table = section.tiles().table()
        title = f"{stack}, section {section}: {plural(len(pairs), 'pair')} of {collection.name}"
        values = {"z": section.z, "pair_count": len(pairs), "point_count": int(pairs.counts.sum())}
        _save(lambda ax: plots.match_map(pairs, table, color, label=label, ax=ax), output, title, values, as_json)


def _medians(pairs: MatchTable, residuals: Any) -> Any:
    """Return the median residual of each pair; NaN without points."""
    parts = np.split(residuals, pairs.offsets[1:-1]) if len(pairs) else []
    return np.array([np.median(part) if len(part) else np.nan for part in parts])


@_plot_command("residuals")
@_matches_option
@_z_option("A section, or a range. Default: the whole stack.")
@_frame_option(required=True)
@click.option("--map", "as_map", is_flag=True, help="Draw a map of the residuals instead of their histogram.")
@click.option("--before", callback=not_empty, metavar="STACK", help="Compare with another stack of the same tiles.")
def residuals(
    name: str, matches_name: str, z: Any, frame: str, as_map: bool, before: str | None, output: str, as_json: bool,
    **place: Any,
) -> None:  # fmt: skip
    """Draw the distances of matching points in the world: their distribution, or a map."""
    if as_map and before is not None:
        raise click.UsageError("--map and --before exclude each other")
    with _opened(name, **place) as stack:
        collection = _collection(stack, matches_name, frame)
        pairs = _pairs(collection, stack, z)
        if not pairs.counts.sum():
            raise CommandError(f"match collection {collection.name} has no points between tiles of stack {stack}")
        p, q = collection.world_points(stack, pairs)
        distances = np.linalg.norm(p - q, axis=1)
        median, high = np.percentile(distances, (50, 95))
        title = f"{stack}: {plural(len(distances), 'point')} of {collection.name}, median residual {median:.3g} px"
        values = {"point_count": len(distances), "median_px": float(median), "percentile_95_px": float(high)}
        shown: dict[str, Any] = {stack.name: distances}
        if before is not None:
            gateway: Any = stack._conn
            other = named_stack(gateway, before)
            shown = {other.name: collection.residuals(other, pairs), **shown}
        draw = (
            (lambda ax: plots.residual_map((p + q) / 2, distances, ax=ax))
            if as_map
            else (lambda ax: plots.residual_histogram(shown, ax=ax))
        )
        _save(draw, output, title, values, as_json)


@_plot_command("seam")
@click.option("--tile", "tile_ids", multiple=True, callback=lambda *given: given[2], metavar="ID", help="Two tiles.")
@click.option("--z", "layers", type=float, multiple=True, metavar="Z", help="Or two sections.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="World pixels. Default: the overlap.")
@click.option(
    "--scale", type=float, callback=finite, default=1.0, show_default=True, help="Picture pixels per world pixel."
)
def seam(
    name: str, tile_ids: tuple[str, ...], layers: tuple[float, ...], box: Bounds | None, scale: float, output: str,
    as_json: bool, **place: Any,
) -> None:  # fmt: skip
    """Draw two overlapping tiles, or two sections, in two colours over each other."""
    if sorted((len(tile_ids), len(layers))) != [0, 2]:
        raise click.UsageError("pass --tile twice, or --z twice")
    if not all(map(np.isfinite, layers)) or "" in tile_ids:
        raise click.UsageError("--z must be finite, --tile must not be empty")
    with _opened(name, **place) as stack:
        one, other = map(stack.tile, tile_ids) if tile_ids else map(stack.section, layers)
        first, second = plots.seam_pictures(one, other, box=box, scale=scale)
        names = (str(one), str(other))
        title = f"{stack}: {names[0]} and {names[1]}"
        height, width = first.shape[:2]
        values = {"width": width, "height": height, "box": list(first.box)}
        _save(lambda ax: plots.seam_overlay(first, second, names=names, ax=ax), output, title, values, as_json)


@_plot_command("sections")
@click.option("--order", is_flag=True, help="Draw the order of section ids over z instead.")
def sections(name: str, order: bool, output: str, as_json: bool, **place: Any) -> None:
    """Draw the ranges of x and y of all sections over z, or the order of their ids."""
    from rendergateway.batch.stack_summary import missing_z, range_words

    with _opened(name, **place) as stack:
        found = _sections(stack, None)
        layers = [section.z for section in found]
        gaps = missing_z(layers)
        lacking = f", {len(gaps)} missing ({range_words(gaps[:20])})" if gaps else ""
        title = f"{stack}: {plural(len(layers), 'section')}{lacking}"
        values = {"section_count": len(layers), "missing_z": list(gaps)}
        if order:
            names = [", ".join(section.section_ids) for section in found]
            ranks = plots.ranks_of(names)
            _save(lambda ax: plots.section_order(layers, ranks, names=names, ax=ax), output, title, values, as_json)
        else:
            boxes = [list(section.bounds)[:4] if section.bounds else [np.nan] * 4 for section in found]
            _save(lambda ax: plots.section_bounds(layers, boxes, missing_z=gaps, ax=ax), output, title, values, as_json)


@_plot_command("thumbnails")
@_z_option("Tiles of a section, or a range of sections. Default: all sections.")
@click.option("--width", type=click.IntRange(8, 2000), default=120, show_default=True, help="Pixels per thumbnail.")
@click.option("--most", type=click.IntRange(1), default=200, show_default=True, help="Number of thumbnails drawn.")
def thumbnails(name: str, z: Any, width: int, most: int, output: str, as_json: bool, **place: Any) -> None:
    """Draw small pictures of all sections, or of the tiles of one, in a grid."""
    with _opened(name, **place) as stack:
        is_tiles = isinstance(z, float | int)
        found: Sequence[Any] = stack.section(z).tiles() if is_tiles else stack.sections(z)
        if not len(found):
            raise CommandError(f"stack {stack} has no {'tiles' if is_tiles else 'sections'} to draw")
        chosen: Any = found[:most]
        pictures = chosen.map(lambda one: one.thumbnail(width))
        titles = [str(one) for one in chosen]
        noun = "tile" if is_tiles else "section"
        title = f"{stack}: {plural(len(chosen), noun)}" + (f" of {len(found)}" if len(found) > most else "")
        values = {"count": len(chosen), "total": len(found)}
        _save(lambda ax: plots.contact_sheet(pictures, titles, ax=ax), output, title, values, as_json)
