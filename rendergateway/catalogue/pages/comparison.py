"""Two stacks at the same z: side by side, blinking, or one over the other in two colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.catalogue.pages.pictures import CELL_PX, MOST_TILES, PAGE_PX, scale_for, wanted_px
from rendergateway.catalogue.pages.places import named_stack
from rendergateway.catalogue.site import Page, Site
from rendergateway.errors import NotFoundError
from rendergateway.extras import needed_for
from rendergateway.geometry import Bounds

with needed_for("the catalogue"):
    import flask

__all__ = ["compare_page", "compare_picture"]

# Complementary, so that equal pixels are grey; those of the script are the same.
_TINTS = np.array([[0xFF, 0x3B, 0x30], [0x00, 0xC4, 0xCF]])


def compare_page(site: Site) -> Page:
    """
    Return the comparison of the stacks ``a=`` and ``b=`` at ``z=``.

    ``stack.read`` and ``stack.z_values`` of both.
    """
    query = flask.request.args
    a, b = (named_stack(site, query.get(name, "")) for name in ("a", "b"))
    z = query.get("z", type=float)
    shared: list[float] = []
    if a is not None and b is not None:
        shared = sorted(set(a.sections().ids) & set(b.sections().ids))
        if z is None and shared:
            z = shared[len(shared) // 2]
    place = shared.index(z) if z in shared else None
    sides = [_side(site, stack, z) for stack in (a, b)] if place is not None else []
    return site.page(
        "catalogue/compare.html",
        a=a,
        b=b,
        names=(query.get("a", ""), query.get("b", "")),
        z=z,
        z_values=shared,
        sides=sides,
        overlay=site.url_for(
            "compare_picture",
            a=query.get("a"),
            b=query.get("b"),
            z=z,
            v=" ".join(side["version"] for side in sides),
        ),
        previous=shared[place - 1] if place else None,
        following=shared[place + 1] if place is not None and place + 1 < len(shared) else None,
        cell_px=CELL_PX,
        most_tiles=MOST_TILES,
    )


def _side(site: Site, stack: Any, z: Any) -> dict[str, Any]:
    section = stack.section(z)
    return {"stack": stack, "section": section, "url": site.url(section), "version": site.version_of(stack)}


def compare_picture(site: Site) -> flask.Response:
    """
    Return one section of each stack, ``a=`` and ``b=`` at ``z=``, over each other in two colours, as PNG.

    ``section.bounds`` and ``box.png`` of both.
    """
    from rendergateway.rendering.output.png import png_of_rgba

    query = flask.request.args
    a, b = (named_stack(site, query.get(name, "")) for name in ("a", "b"))
    z = query.get("z", type=float)
    if a is None or b is None or z is None:
        flask.abort(400, "the address needs a= and b=, stacks as owner/project/stack, and z=")
    sections = [stack.section(z) for stack in (a, b)]
    boxes = [section.bounds for section in sections]
    if None in boxes:
        raise NotFoundError(f"z {z:g} is not in both stacks")
    low, high = ([getattr(box, f"{side}_{axis}") for box in boxes for axis in "xy"] for side in ("min", "max"))
    box = Bounds(min(low[::2]), min(low[1::2]), max(high[::2]), max(high[1::2]))
    scale = scale_for(max(box.width, box.height), wanted_px(PAGE_PX))
    grey = [_grey(section.image(box, scale=scale, max_tiles=MOST_TILES)) for section in sections]
    response = flask.Response(png_of_rgba(_overlaid(*grey)), content_type="image/png")
    # Two versions: the picture is new as soon as one of the stacks is.
    versions = query.get("v", "").split(" ")
    return site.keep(response, next((one for one in versions if one.startswith("now-")), versions[0]))


def _grey(picture: Any) -> npt.NDArray[np.float64]:
    pixels = np.asarray(picture, dtype=np.float64)
    return pixels.mean(axis=2) if pixels.ndim == 3 else pixels


def _overlaid(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return grey pictures (H, W) of values to 255 in two colours, added: (H, W, 3)."""
    colours = a[..., np.newaxis] * (_TINTS[0] / 255) + b[..., np.newaxis] * (_TINTS[1] / 255)
    overlaid: npt.NDArray[np.uint8] = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return overlaid
