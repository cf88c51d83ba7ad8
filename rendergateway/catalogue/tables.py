"""Tables of objects: filtered, ordered and paged by the query of an address, without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from rendergateway.catalogue.looks import Column
from rendergateway.wrappers.core.labels import natural_order

__all__ = ["PAGE_SIZE", "TableView", "table_of"]

PAGE_SIZE = 100


@attrs.frozen
class TableView:
    """
    The part of a table that one page shows.

    Attributes
    ----------
    columns : tuple of Column
    rows : sequence
        The objects of this page.
    total, found : int
        Number of objects, and of those that the filter leaves.
    number, last : int
        This page and the last one, from 1.
    sort : str
        Key of the column that orders the rows, with ``-`` before it for descending order; empty for none.
    words : str
        Text that names must contain.
    state : str
        State that stacks must have; empty for any.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Any]
    total: int
    found: int
    number: int
    last: int
    sort: str
    words: str
    state: str

    def sort_after(self, column: Column) -> str:
        """Return the order that a click on a heading selects."""
        return f"-{column.key}" if self.sort == column.key else column.key

    def direction_of(self, column: Column) -> str:
        """Return ``ascending``, ``descending`` or ``none``, as screen readers name it."""
        return {column.key: "ascending", f"-{column.key}": "descending"}.get(self.sort, "none")


def table_of(
    objects: Any,
    columns: tuple[Column, ...],
    query: Mapping[str, str],
    *,
    size: int = PAGE_SIZE,
    table: Any = None,
) -> TableView:
    """
    Return the part of a collection that a query asks for.

    Parameters
    ----------
    objects : Collection or sequence
    columns : tuple of Column
    query : mapping of str
        ``q``, text within names; ``state``; ``sort``; ``page``. Invalid values count as missing ones.
    size : int
        Objects per page.
    table : TileTable, optional
        The same objects as columns, to order many of them.
    """
    words, state = query.get("q", "").strip(), query.get("state", "")
    chosen = _chosen(objects, words, state)
    sort = query.get("sort", "")
    column = next((one for one in columns if one.key == sort.removeprefix("-") and one.can_sort), None)
    if column is not None:
        chosen = _ordered(objects, chosen, column, table, sort.startswith("-"))
    last = max(1, -(-len(chosen) // size))
    number = min(max(1, _integer(query.get("page", ""), 1)), last)
    rows = [objects[int(place)] for place in chosen[(number - 1) * size : number * size]]
    return TableView(
        columns, rows, len(objects), len(chosen), number, last, sort if column is not None else "", words, state
    )


def _chosen(objects: Any, words: str, state: str) -> Sequence[int]:
    places: Sequence[int] = range(len(objects))
    if words:
        wanted = words.casefold()
        names = objects.ids if hasattr(objects, "ids") else [one.name for one in objects]
        places = [place for place in places if wanted in _text(names[place]).casefold()]
    if state:
        places = [place for place in places if objects[place].state == state]
    return places


def _text(name: Any) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _ordered(objects: Any, places: Sequence[int], column: Column, table: Any, descending: bool) -> Sequence[int]:
    if table is None or column.of_table is None:
        return sorted(places, key=lambda place: column.order_of(objects[place]), reverse=descending)
    values = np.asarray(column.of_table(table))[list(places)]
    if values.dtype != object:
        # NaN is last in both directions.
        order = np.argsort(-values if descending else values, kind="stable")
        return [places[place] for place in order.tolist()]
    texts = ["" if value is None else str(value) for value in values.tolist()]
    order_of_text = sorted(range(len(texts)), key=lambda place: natural_order(texts[place]), reverse=descending)
    return [places[place] for place in order_of_text]


def _integer(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
