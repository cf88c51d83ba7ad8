"""Rows of tables as HTML and as CSV. A page has thousands of cells: a template per cell would take seconds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from rendergateway.catalogue import show
from rendergateway.catalogue.looks import Column
from rendergateway.catalogue.tables import TableView

__all__ = ["csv_of", "hidden_hosts", "link_to", "name_of", "rows_of", "state_of", "thumbnail_of", "time_of"]


def name_of(value: Any) -> str:
    """Return a name, which is data: escaped, visible, and isolated from the direction of the text around it."""
    return f'<bdi class="name">{escape(show.text(value))}</bdi>'


def link_to(site: Any, shown: Any, words: Any = None) -> str:
    """Return a link to an object; its name alone if it has no address."""
    url, name = site.url(shown), name_of(shown.name if words is None else words)
    if url is None:
        return f'<span class="dead" title="A name with slashes or dots alone has no address">{name}</span>'
    return f'<a href="{escape(url)}">{name}</a>'


def state_of(value: str) -> str:
    """Return a state as a colour and a word."""
    word = escape(value.replace("_", " ").capitalize())
    return f'<span class="state state-{escape(value.lower().replace("_", "-"))}">{word}</span>'


def time_of(value: datetime | None) -> str:
    """Return a time."""
    words = escape(show.date(value))
    return words if value is None else f'<time datetime="{value.isoformat()}">{words}</time>'


def thumbnail_of(site: Any, stack: Any) -> str:
    """Return the preview of a stack, which the browser requests when it is seen."""
    if site.url(stack) is None or stack.bounds is None or stack.state == "OFFLINE":
        return '<span class="thumb thumb-none">no picture</span>'
    url = site.url_for("thumbnail", **stack._key._asdict(), v=site.version_of(stack))
    return f'<img class="thumb" loading="lazy" decoding="async" width="96" height="72" alt="" src="{escape(url)}">'


def hidden_hosts(site: Any) -> str:
    """Return the hosts of viewers of this page as hidden fields, so that a form keeps them."""
    fields = ((name, value) for name, _, value in site.host_fields if value)
    return "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields)


def rows_of(site: Any, view: TableView) -> str:
    """Return the body of a table of objects."""
    writers = [(column.value, _WRITERS.get(column.kind, _text)) for column in view.columns]
    rows = ("".join(write(site, one, value(one)) for value, write in writers) for one in view.rows)
    return "".join(f"<tr>{row}</tr>\n" for row in rows)


def _text(site: Any, shown: Any, value: Any) -> str:
    return f"<td>{name_of(value)}</td>"


_WRITERS: dict[str, Callable[[Any, Any, Any], str]] = {
    "picture": lambda site, shown, value: f'<td class="picture">{thumbnail_of(site, shown)}</td>',
    "link": lambda site, shown, value: f'<th scope="row">{link_to(site, shown, value)}</th>',
    "state": lambda site, shown, value: f"<td>{state_of(value)}</td>",
    "date": lambda site, shown, value: f'<td class="date">{time_of(value)}</td>',
    "short": lambda site, shown, value: f'<td class="short">{name_of(value)}</td>',
    "number": lambda site, shown, value: f'<td class="n">{escape(show.number(value))}</td>',
}


def csv_of(columns: Sequence[Column], rows: Iterable[Any]) -> str:
    """Return a table as comma-separated values: numbers in full, times in ISO 8601."""
    shown = [column for column in columns if column.kind != "picture"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([f"{column.title} ({column.unit})" if column.unit else column.title for column in shown])
    writer.writerows([_plain(column.value(one)) for column in shown] for one in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime) else value
