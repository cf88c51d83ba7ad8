"""Tile queries: the limit on their results, and their text in the service's messages."""

from __future__ import annotations

from typing import Any

from rendergateway.number_text import double_text
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument
from rendergateway.service.store.tiles import Ids

__all__ = ["box_document", "filters_document", "query_document", "within_limit"]


_QUERY_NAMES = {
    "group_id": ("groupId", ""),
    "min_x": ("maxX", "$gte"),
    "max_x": ("minX", "$lte"),
    "min_y": ("maxY", "$gte"),
    "max_y": ("minY", "$lte"),
}


def within_limit(ids: Ids, options: Options, query: str) -> Ids:
    """Return *ids*, or refuse if there are more than the tile limit."""
    if options.tile_limit is not None and len(ids) > options.tile_limit:
        raise IllegalArgument(f"query too broad, over {options.tile_limit} tiles match {query}")
    return ids


def query_document(**members: float | str) -> str:
    """Return a database query as the real service writes it in messages."""
    inner = ", ".join(
        f"{name}={double_text(value) if isinstance(value, float) else value}" for name, value in members.items()
    )
    return f"Document{{{{{inner}}}}}"


def box_document(z: float, left: float, top: float, right: float, bottom: float, group: str | None = None) -> str:
    """Return the database query of the tiles that touch a box as the real service writes it in messages."""
    below, above = ({name: query_document(**{comparison: value}) for name, value in edges} for comparison, edges in (
        ("$lte", (("minX", right), ("minY", bottom))),
        ("$gte", (("maxX", left), ("maxY", top))),
    ))  # fmt: skip
    return query_document(z=z, **below, **above, **({} if group is None else {"groupId": group}))


def filters_document(filters: dict[str, Any]) -> str:
    """Return the database query of tile filters as the real service writes it in messages."""
    low, high = filters.get("min_z"), filters.get("max_z")
    members: dict[str, float | str] = {}
    if low is not None and low == high:
        members["z"] = low
    elif low is not None or high is not None:
        limits = {name: value for name, value in (("$gte", low), ("$lte", high)) if value is not None}
        members["z"] = query_document(**limits)
    for name, (wire_name, comparison) in _QUERY_NAMES.items():
        if name in filters:
            members[wire_name] = query_document(**{comparison: filters[name]}) if comparison else filters[name]
    return query_document(**members)
