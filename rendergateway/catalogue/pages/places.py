"""The stack, section or tile that an address names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from rendergateway.catalogue.site import Site, is_reachable
from rendergateway.extras import needed_for
from rendergateway.geometry import checked_frame
from rendergateway.number_text import parse_double

with needed_for("the catalogue"):
    import flask

__all__ = [
    "SIDES",
    "collection_of",
    "frame_of",
    "full_name",
    "is_placed",
    "named_stack",
    "section_of",
    "stack_of",
    "z_range_of",
]

# The box of a tile in the service's tile bounds.
SIDES = ("minX", "minY", "maxX", "maxY")


def stack_of(site: Site, owner: str, project: str, stack: str) -> Any:
    """Return the stack of an address; no request."""
    return site.gateway.stack(stack, owner=owner, project=project)


def section_of(site: Site, owner: str, project: str, stack: str, z: str) -> Any:
    """Return the section of an address; no request."""
    try:
        value = parse_double(z)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        flask.abort(404, f"z must be a number: got {z}")
    return stack_of(site, owner, project, stack).section(value)


def is_placed(tile: dict[str, Any]) -> bool:
    """Whether the tile bounds of a tile have all numbers of its box: they may be missing, or texts as "NaN"."""
    return all(isinstance(tile.get(side), int | float) for side in SIDES)


def full_name(stack: Any) -> str:
    """Return ``owner/project/stack``."""
    return "/".join(stack._key)


def frame_of(default: str, more: tuple[str, ...] = ()) -> str:
    """Return the frame in the query; see `rendergateway.geometry.checked_frame`."""
    try:
        return checked_frame(flask.request.args.get("frame") or default, more=more)
    except ValueError as error:
        flask.abort(400, str(error))


def named_stack(site: Site, name: str) -> Any:
    """Return the stack ``owner/project/stack``; None if the name has other parts."""
    parts = name.strip().split("/")
    if len(parts) != 3 or not all(map(is_reachable, parts)):
        return None
    return stack_of(site, *parts)


def collection_of(site: Site, owner: str) -> Any:
    """Return the match collection ``collection=`` of an owner, with the frame in the query if there is one."""
    name = flask.request.args.get("collection", "")
    if not name:
        flask.abort(400, "the address needs collection=, the name of a match collection")
    frame = frame_of("raw") if flask.request.args.get("frame") else None
    return site.gateway.match_collection(name, owner=owner, frame=frame)


def z_range_of(stack: Any, most: Callable[[Sequence[Any]], int]) -> list[Any]:
    """
    Return the sections from ``min_z=`` to ``max_z=``; without both the first ones, as many as *most* returns.

    ``stack.z_values``, and the requests of *most*.
    """
    low, high = (flask.request.args.get(name, type=float) for name in ("min_z", "max_z"))
    sections = list(stack.sections())
    if low is None and high is None:
        return sections[: most(sections)]
    return [one for one in sections if (low is None or one.z >= low) and (high is None or one.z <= high)]
