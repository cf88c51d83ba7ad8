"""``rendergateway info`` and ``doctor``: the contents of a stack, and what does not work or fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from rendergateway.cli.look import image_path_option, not_empty
from rendergateway.cli.remedies import in_options
from rendergateway.cli.services import named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.stacks.outline import box_words
from rendergateway.cli.terminal import json_option, result
from rendergateway.display import plural
from rendergateway.errors import CommandError

if TYPE_CHECKING:
    from rendergateway.batch.doctor import Finding
    from rendergateway.batch.stack_summary import StackSummary

__all__ = ["doctor", "info"]

# Those of `diagnose_stack`.
_IMAGE_CHECKS = ("none", "exist", "read")

_SHOWN = 5


@click.command()
@stack_argument()
@json_option
@service_options
def info(name: str, as_json: bool, service: str | None, profile: str | None) -> None:
    """
    Show a summary of a stack.

    All tiles are read, section by section. The summary has sections, sizes, transforms, intensity windows and folders
    of images.
    """
    from rendergateway.batch.stack_summary import summarize

    with open_gateway(service, profile) as gateway:
        summary = summarize(named_stack(gateway, name), progress=True)
    result(_values(summary), "\n".join(_lines(summary)), as_json)


def _values(summary: StackSummary) -> dict[str, Any]:
    return {
        "stack": summary.name,
        "state": summary.state,
        "version": summary.version,
        "notes": summary.notes,
        "resolution_nm": list(summary.resolution_nm),
        "tile_count": summary.tile_count,
        "sections": [
            {"z": z, "tile_count": count}
            for z, count in zip(summary.z.tolist(), summary.tiles_per_section.tolist(), strict=True)
        ],
        "missing_z": list(summary.missing_z),
        "bounds": None if summary.bounds is None else list(summary.bounds),
        "sizes": _counted(summary.sizes, "width", "height"),
        "transforms": summary.transforms,
        "shared_transforms": summary.shared,
        "image_folders": summary.folders,
        "windows": _counted(summary.windows, "low", "high"),
        "channels": summary.channels,
        "tiles_without_image": summary.without_image,
    }


def _counted(counts: dict[Any, int], *names: str) -> list[dict[str, Any]]:
    return [{**dict(zip(names, key, strict=True)), "tile_count": count} for key, count in counts.items()]


def _lines(summary: StackSummary) -> list[str]:
    from rendergateway.batch.stack_summary import range_words

    per = summary.tiles_per_section
    spread = f"{int(per.min())}…{int(per.max())} tiles" if len(per) else "no tiles"
    resolution = " × ".join("?" if value is None else f"{value:g}" for value in summary.resolution_nm)
    rows = [
        ("stack", f"{summary.name} {summary.state}" + (f", version {summary.version}" if summary.version else "")),
        ("notes", summary.notes or ""),
        ("resolution", f"{resolution} nm" if any(summary.resolution_nm) else "not set"),
        ("tiles", f"{summary.tile_count} in {plural(len(summary.z), 'section')} of {spread}"),
        ("z", range_words(summary.z.tolist())),
        ("missing z", range_words(summary.missing_z)),
        ("bounds", box_words(summary.bounds)),
        ("sizes", _words(summary.sizes, lambda size: f"{size[0]:g} × {size[1]:g} px")),
        ("transforms", _words(summary.transforms, str)),
        ("shared", ", ".join(f"{name} ({kind})" for name, kind in summary.shared.items())),
        ("channels", _words(summary.channels, str)),
        ("windows", _words(summary.windows, _window_words)),
        ("images", _words(summary.folders, str)),
        ("no image", plural(summary.without_image, "tile") if summary.without_image else ""),
    ]
    return [f"{name:<11}{text}" for name, text in rows if text]


def _window_words(window: tuple[float | None, float | None]) -> str:
    return " … ".join("default" if value is None else f"{value:g}" for value in window)


def _words(counts: dict[Any, int], show: Any) -> str:
    words = [f"{show(key)} ({plural(count, 'tile')})" for key, count in list(counts.items())[:_SHOWN]]
    return ", ".join(words) + (f", … {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "")


@click.command()
@stack_argument(required=False)
@click.option(
    "--matches", callback=not_empty, metavar="COLLECTION", help="Check which tiles this match collection connects."
)
@click.option(
    "--images",
    type=click.Choice(_IMAGE_CHECKS),
    default="exist",
    show_default=True,
    help="Look up image files on this machine, decode them, or ignore them.",
)
@image_path_option
@json_option
@service_options
def doctor(
    name: str | None,
    matches: str | None,
    images: str,
    image_paths: dict[str, str],
    as_json: bool,
    service: str | None,
    profile: str | None,
) -> None:
    """
    Find problems of a service and a stack.

    The exit status is 1 if there are any. Of the service: whether it answers, its version and limits. Of the stack:
    sections missing, numbers that are not finite, boxes that do not fit their transforms, missing images, tiles without
    matches.
    """
    from rendergateway.batch.doctor import diagnose_service, diagnose_stack

    if matches is not None and name is None:
        raise click.UsageError("--matches needs a stack")
    with open_gateway(service, profile, image_paths=image_paths) as gateway:
        findings = diagnose_service(gateway)
        if name is not None and all(one.level != "problem" for one in findings):
            stack = named_stack(gateway, name)
            collection = None if matches is None else gateway.match_collection(matches, owner=stack.owner.name)
            findings += diagnose_stack(stack, matches=collection, images=images, progress=True)
    problems = sum(one.level == "problem" for one in findings)
    values = {"problem_count": problems, "findings": [attrs.asdict(one) for one in findings]}
    result(values, "\n".join(map(_line, findings)), as_json)
    if problems:
        raise CommandError(f"{plural(problems, 'problem')} found")


def _line(finding: Finding) -> str:
    return f"{finding.level:<9}{finding.check}: {in_options(finding.text)}"
