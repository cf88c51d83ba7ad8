"""The page of a stack, and the page of a sample of its tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rendergateway.alignment.solve_notes import SolveNotes
from rendergateway.catalogue.charts import MOST_POINTS, Chart, histogram, missing_layers, section_charts, unusual_ids
from rendergateway.catalogue.pages.places import named_stack, stack_of
from rendergateway.catalogue.site import Page, Site
from rendergateway.extras import needed_for
from rendergateway.model.tables.references import references

with needed_for("the catalogue"):
    import flask

__all__ = ["chart_file", "chart_files", "sample_page", "stack_page"]

# Sections that the page of a sample reads, spread over the stack.
_SAMPLED = 3
_RAW = (
    ("Metadata", "stack.read"),
    ("z values", "stack.z_values"),
    ("Section data", "stack.section_data"),
    ("Reordered sections", "stack.reordered_section_data"),
    ("Merged z values", "stack.merged_z_values"),
    ("Mergeable z values", "stack.mergeable_z_values"),
    ("Mergeable data", "stack.mergeable_data"),
)


def stack_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """Return the page of a stack: ``stack.read``, ``stack.z_values`` and ``stack.section_data``."""
    shown = stack_of(site, owner, project, stack)
    if (same := site.unchanged(shown)) is not None:
        return same
    sections = shown.sections() if shown.state != "OFFLINE" else []
    solve = SolveNotes.of(shown.version.notes)
    has_rows = _has_rows(shown)
    return site.page_of(
        shown,
        version=site.version_of(shown),
        sections=site.table("section", sections) if has_rows else None,
        z_sections=sections,
        charts=_charts(shown, sections, _most_points()),
        most_points=MOST_POINTS,
        unusual_ids=unusual_ids(sections) if has_rows else {},
        missing=missing_layers([one.z for one in sections]),
        merged=[one for one in sections if len(one.section_ids) > 1] if has_rows else [],
        raw=_RAW,
        solve=solve,
        solved_from=None if solve is None else named_stack(site, solve.stack),
    )


def _most_points() -> int | None:
    return None if flask.request.args.get("points") == "all" else MOST_POINTS


def chart_files(site: Site, owner: str, project: str, stack: str, chart: str, kind: str) -> flask.Response:
    """Return a chart of a stack as a file: ``stack.read``, ``stack.z_values`` and ``stack.section_data``."""
    shown = stack_of(site, owner, project, stack)
    if (same := site.unchanged(shown)) is not None:
        return same
    return chart_file(_charts(shown, shown.sections(), None if kind == "csv" else _most_points()), chart, kind)


def _has_rows(stack: Any) -> bool:
    """Whether there is data of its sections: of a LOADING stack they are old, and each would be requested alone."""
    return stack.state in ("COMPLETE", "READ_ONLY")


def _charts(stack: Any, sections: Sequence[Any], most: int | None) -> list[Chart]:
    return section_charts(sections, most) if _has_rows(stack) else []


def chart_file(charts: list[Chart], name: str, kind: str) -> flask.Response:
    """Return one of some charts as a picture, SVG, or as a table of its points, CSV."""
    chart = next((one for one in charts if one.name == name), None)
    if chart is None:
        flask.abort(404, f"no chart {name}; there are {', '.join(one.name for one in charts) or 'none'}")
    if kind == "csv":
        rows = [("Series", "z", f"{chart.title} ({chart.unit})"), *chart.rows()]
        text = "".join(f"{series},{z},{value}\r\n" for series, z, value in rows)
        return flask.Response(text, content_type="text/csv; charset=utf-8")
    return flask.Response(
        flask.render_template("catalogue/chart.svg", chart=chart), content_type="image/svg+xml; charset=utf-8"
    )


def sample_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """
    Return the page of sizes and shared transforms of the tiles of some sections.

    ``stack.read``, ``stack.z_values`` and ``section.resolved_tiles`` per section: first, middle and last.
    """
    shown = stack_of(site, owner, project, stack)
    if (same := site.unchanged(shown)) is not None:
        return same
    sections = shown.sections()
    places = sorted({round(place) for place in np.linspace(0, len(sections) - 1, _SAMPLED)}) if len(sections) else []
    chosen = [sections[place] for place in places]
    tables = [section.tiles().table() for section in chosen]
    counts: dict[str, int] = {}
    for table in tables:
        for text in table.texts:
            for name in references(text):
                counts[name] = counts.get(name, 0) + 1
    sizes = np.concatenate([table.size for table in tables]) if tables else np.empty((0, 2))
    return site.page(
        "catalogue/sample.html",
        shown=shown,
        sections=chosen,
        total=len(sections),
        tiles=sum(map(len, tables)),
        sizes=histogram(sizes),
        transforms=[(name, count, _transform(shown, name)) for name, count in sorted(counts.items())],
    )


def _transform(shown: Any, name: str) -> Any:
    return shown.shared_transforms[name]
