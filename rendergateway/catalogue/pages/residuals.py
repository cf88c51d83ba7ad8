"""The page of the residuals of a match collection in a stack, and of the clusters that its matches connect."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.alignment.clusters import Clusters
from rendergateway.catalogue.charts import MOST_POINTS, Chart, chart_of, distribution
from rendergateway.catalogue.pages.matches import FRAMES
from rendergateway.catalogue.pages.places import frame_of, stack_of, z_range_of
from rendergateway.catalogue.pages.stacks import chart_file
from rendergateway.catalogue.site import Page, Site
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["residual_chart", "residuals_page"]

# Sections that are read if none are chosen: each costs a request, and each of their section ids one more.
_SECTIONS_AT_FIRST = 10
_MOST_LISTED = 20


def residuals_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """
    Return the residuals of ``collection=``, with points in ``frame=``, in the sections from ``min_z=`` to ``max_z=``.

    ``stack.read``, ``stack.z_values`` and ``match.collections``; with a collection ``stack.z_values`` of the range,
    ``section.resolved_tiles`` per section, and ``match.with_p_group`` per section id.
    """
    shown = stack_of(site, owner, project, stack)
    chosen = z_range_of(shown, lambda sections: _SECTIONS_AT_FIRST)
    name = flask.request.args.get("collection", "")
    found = _found(site, owner, shown, chosen) if name and chosen else None
    return site.page(
        "catalogue/residuals.html",
        shown=shown,
        sections=chosen,
        total=len(shown.sections()),
        version=shown.version,
        collections=shown.owner.match_collections().ids,
        collection=name,
        frame=flask.request.args.get("frame", "raw"),
        frames=FRAMES,
        found=found,
        **({} if found is None else _shown(found)),
        most_listed=_MOST_LISTED,
    )


def residual_chart(site: Site, owner: str, project: str, stack: str, chart: str, kind: str) -> flask.Response:
    """Return a chart of a page of residuals as a file; the requests are those of the page."""
    if not flask.request.args.get("collection"):
        flask.abort(400, "the address needs collection=, the name of a match collection")
    shown = stack_of(site, owner, project, stack)
    chosen = z_range_of(shown, lambda sections: _SECTIONS_AT_FIRST)
    most = None if kind == "csv" else MOST_POINTS
    made = _over_z(_found(site, owner, shown, chosen), most) if chosen else None
    return chart_file([] if made is None else [made], chart, kind)


def _found(site: Site, owner: str, stack: Any, sections: list[Any]) -> Any:
    name = flask.request.args["collection"]
    collection = site.gateway.match_collection(name, owner=owner, frame=frame_of("raw"))
    return stack.residuals(collection, z=(sections[0].z, sections[-1].z))


def _shown(found: Any) -> dict[str, Any]:
    means = found.pairs.mean_px
    clusters = Clusters.of(found.tiles.tile_id.tolist(), [(found.pairs.p_id.tolist(), found.pairs.q_id.tolist())])
    return {
        "histogram": distribution(means[np.isfinite(means)]),
        "charts": [chart for chart in (_over_z(found),) if chart is not None],
        "worst_tiles": _worst(found.tiles),
        "worst_pairs": _worst(found.pairs),
        "clusters": clusters,
    }


def _over_z(found: Any, most: int | None = MOST_POINTS) -> Chart | None:
    within: list[tuple[float, float]] = []
    across: list[tuple[float, float]] = []
    for row in found.sections:
        (within if row["z"] == row["other_z"] else across).append((row["z"], row["mean_px"]))
    return chart_of("Mean residual", "px", {"Within the section": within, "To a later section": across}, most)


def _worst(table: Any) -> list[dict[str, Any]]:
    """Return the rows of the largest mean residuals; rows without residuals are left out."""
    order = np.argsort(-table.mean_px, kind="stable")[:_MOST_LISTED]
    names = list(table.columns)
    rows = (dict(zip(names, (table[name][row] for name in names), strict=True)) for row in order.tolist())
    return [row for row in rows if np.isfinite(row["mean_px"])]
