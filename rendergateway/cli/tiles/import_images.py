"""``rendergateway import``: image files into a stack."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.batch import importers
from rendergateway.batch.importers.choices import CHECKS, FORMATS, ORDER, STORED, format_of
from rendergateway.cli.look import finite, image_path_option, read_range
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    service_options,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.cli.tiles.load import existing_value
from rendergateway.display import plural

__all__ = ["import_"]

_SHOWN = 20


def _resolution(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        values = tuple(map(float, text.split(",")))
        if len(values) != 3 or not all(0 < value < float("inf") for value in values):
            raise ValueError(text)
    except ValueError as error:
        raise click.BadParameter(f"must be X,Y,Z in nm, such as 4,4,40, got {text!r}", ctx, option) from error
    return values


def _window(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[float, float] | None:
    window = read_range(ctx, option, text)
    if window is not None and window[0] == window[1]:
        raise click.BadParameter(f"LOW must be < HIGH, got {text!r}", ctx, option)
    return window


def _percentiles(ctx: click.Context, option: click.Parameter, text: str) -> tuple[float, float] | None:
    window = _window(ctx, option, text)
    if window is not None and not 0 <= window[0] < window[1] <= 100:
        raise click.BadParameter(f"must be between 0 and 100, got {text!r}", ctx, option)
    return window


def _columns(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str] | None:
    wrong = next((text for text in texts if "=" not in text), None)
    if wrong is not None:
        raise click.BadParameter(f"must be FIELD=HEADER, got {wrong!r}", ctx, option)
    return dict(text.split("=", 1) for text in texts) or None


def _z(ctx: click.Context, option: click.Parameter, text: str | None) -> float | str | None:
    if text in (None, ORDER, STORED):
        return text
    try:
        return float(text)
    except ValueError as error:
        raise click.BadParameter(f"must be a number, 'order' or 'stored', got {text!r}", ctx, option) from error


@click.command("import")
@click.argument("images", nargs=-1, required=True, metavar="IMAGES…")
@click.option(
    "--stack",
    "name",
    required=True,
    metavar="[[OWNER/]PROJECT/]NAME",
    shell_complete=complete_stack,
    help="The stack; created if it does not exist.",
)
@click.option("--positions", metavar="FILE", help="CSV or TSV table of stage positions, with a line per image.")
@click.option(
    "--column", "columns", multiple=True, callback=_columns, metavar="FIELD=HEADER",
    help="Column of a field (image, tile, x, y, row, col, z, camera), if the header is not recognized; repeatable.",
)  # fmt: skip
@click.option("--pattern", metavar="PATTERN", help="Pattern of the file names: '{section}_{row}_{col}.tif'.")
@click.option(
    "--unit", type=click.Choice(["px", "nm", "um", "mm"]), help="Unit of x and y. Default: of the headers, else px."
)
@click.option("--flip", type=click.Choice(["x", "y", "xy"]), help="Axes that point to the left or upwards.")
@click.option(
    "--overlap",
    callback=finite,
    type=click.FloatRange(0, 1, max_open=True),
    help="Fraction that neighbours in a grid share: 0.1.",
)
@click.option(
    "--z", callback=_z, metavar="Z|order|stored",
    help="Section of all images; order: each image, or each section of a project, counts; stored: z of the project.",
)  # fmt: skip
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Format of a project. Default: by its suffix.")
@click.option("--titles", is_flag=True, help="Tile ids are the titles of the patches of a TrakEM2 project.")
@click.option("--convert-to", metavar="FOLDER", help="Folder for the sections of an MRC stack of SerialEM, as TIFF.")
@click.option(
    "--resolution", callback=_resolution, metavar="X,Y,Z", help="Nanometres per pixel, and section thickness."
)
@click.option("--window", callback=_window, metavar="LOW..HIGH", help="Intensity window. Default: percentiles.")
@click.option(
    "--percentiles", callback=_percentiles, default="0.5..99.5", show_default=True, metavar="LOW..HIGH",
    help="Percentiles of the values drawn black and white.",
)  # fmt: skip
@click.option(
    "--sample", type=click.IntRange(1), default=32, show_default=True, help="Images that percentiles are computed from."
)
@click.option(
    "--check", type=click.Choice(CHECKS), default="pixels", show_default=True,
    help="Decode all images, or read the headers of TIFF and PNG files beyond the sample.",
)  # fmt: skip
@click.option("--mixed-sizes", is_flag=True, help="Allow images of different sizes.")
@click.option("--skip-bad", is_flag=True, help="Leave out missing and damaged images.")
@click.option("--dry-run", is_flag=True, help="Read and check all images, store nothing.")
@click.option("--append", is_flag=True, help="Add to an existing stack; tiles with the same id are replaced.")
@click.option("--replace", is_flag=True, help="Replace an existing stack: delete its other tiles after the import.")
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent images and requests")
@image_path_option
@json_option
@service_options
def import_(
    images: tuple[str, ...],
    name: str,
    positions: str | None,
    columns: dict[str, str] | None,
    pattern: str | None,
    unit: str | None,
    flip: str | None,
    overlap: float | None,
    z: float | str | None,
    kind: str | None,
    titles: bool,
    convert_to: str | None,
    append: bool,
    replace: bool,
    leave_open: bool,
    resolution: tuple[float, ...] | None,
    image_paths: dict[str, str],
    service: str | None,
    profile: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """
    Import image files as the tiles of a stack.

    IMAGES is a folder with its subfolders, a glob, or files; positions come from a table (--positions), or from rows
    and columns in the file names (--pattern). Or it is a project that places its images: TrakEM2 (.xml, .xml.gz),
    SerialEM (.idoc, .mdoc), or a KARSH layout (--format karsh). Sizes, pixel types and intensity windows are read from
    the files; nothing is stored if an image is missing or damaged, or a position is wrong.
    """
    existing = existing_value(append, replace)
    project = kind or (format_of(images[0]) if len(images) == 1 else None)
    placing: dict[str, Any] = {
        "positions": positions,
        "columns": columns,
        "pattern": pattern,
        "unit": unit,
        "overlap": overlap,
    }
    if project is not None:
        _check_project(images, placing)
    elif titles or z == STORED or convert_to is not None:
        raise click.UsageError("--titles, --convert-to and --z stored are for projects")
    with open_gateway(service, profile, makes_file=True, image_paths=image_paths) as gateway:
        stack = named_stack(gateway, name)
        say(f"Importing into stack {full_name(stack)} of {gateway.server}")
        started = time.perf_counter()
        options |= {"existing": existing, "complete": not leave_open, "progress": True, "resolution_nm": resolution}
        options |= {"flip": flip or "", "z": z}
        if project is not None:
            options.pop("mixed_sizes")
            ids = "title" if titles else "id"
            imported = importers.import_project(
                stack, images[0], format=project, ids=ids, convert_to=convert_to, **options
            )
        else:
            imported = importers.import_images(stack, images[0] if len(images) == 1 else images, **placing, **options)
        _report(imported, full_name(stack), time.perf_counter() - started, as_json)


def _check_project(images: tuple[str, ...], placing: dict[str, Any]) -> None:
    given = [f"--{name.removesuffix('s') if name == 'columns' else name}" for name, value in placing.items() if value]
    if given:
        raise click.UsageError(f"a project places its images itself; remove {', '.join(given)}")
    if len(images) > 1:
        raise click.UsageError("a project is one file")


def _report(imported: importers.Imported, name: str, seconds: float, as_json: bool) -> None:
    state = imported.stack.state if imported.stored else None
    values = {
        "stack": name,
        "state": state,
        "tile_count": imported.tile_count,
        "z": imported.z,
        "sizes": [
            {"width": width, "height": height, "count": count} for (width, height), count in imported.sizes.items()
        ],
        "kinds": imported.kinds,
        "windows": imported.windows,
        "skipped": imported.skipped,
        "unlisted": imported.unlisted,
        "notes": imported.notes,
        "seconds": round(seconds, 3),
    }
    for what, paths in (("skipped", imported.skipped), ("not listed", imported.unlisted)):
        if paths:
            say(f"{plural(len(paths), 'image')} {what}:")
            for path in paths[:_SHOWN]:
                say(f"  {path}")
            if len(paths) > _SHOWN:
                say(f"  … and {len(paths) - _SHOWN} more")
    for note in imported.notes:
        say(note)
    head = f"{name} {state}" if imported.stored else f"{name}, not stored"
    result(values, f"{head}: {imported} in {seconds:.2f} s", as_json)
