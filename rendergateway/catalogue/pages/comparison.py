"""Two stacks at the same z: side by side, blinking, or one over the other in two colours."""

from __future__ import annotations

from typing import Any

from rendergateway.catalogue.pages.pictures import CELL_PX, MOST_TILES
from rendergateway.catalogue.pages.places import named_stack
from rendergateway.catalogue.site import Site
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["compare_page"]


def compare_page(site: Site) -> str:
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
    return site.page(
        "catalogue/compare.html",
        a=a,
        b=b,
        names=(query.get("a", ""), query.get("b", "")),
        z=z,
        z_values=shared,
        sides=[_side(site, stack, z) for stack in (a, b)] if place is not None else [],
        previous=shared[place - 1] if place else None,
        following=shared[place + 1] if place is not None and place + 1 < len(shared) else None,
        cell_px=CELL_PX,
        most_tiles=MOST_TILES,
    )


def _side(site: Site, stack: Any, z: Any) -> dict[str, Any]:
    section = stack.section(z)
    return {"stack": stack, "section": section, "url": site.url(section), "version": site.version_of(stack)}
