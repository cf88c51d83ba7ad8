"""
Text and HTML of values for terminals and notebooks: bounded, escaped, never an error.

The rule for the representation of every public class; modules with values of their own call these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from rendergateway.visible_text import visible

__all__ = ["MAX_ROWS", "TableDisplay", "call_text", "escaped", "html_table", "plural", "shortened"]

MAX_ROWS = 20
_MAX_LETTERS = 100
_MAX_CELL = 40
_MAX_TEXT_ROWS = 5
_MAX_VALUES = 400


def shortened(value: Any, letters: int = _MAX_LETTERS) -> str:
    """Return *value* as visible text of at most *letters* characters, cut at the end."""
    text = visible(str(value)[: letters + 1])
    return text if len(text) <= letters else text[: letters - 1] + "…"


def plural(count: int, word: str) -> str:
    """
    Return a count with its noun.

    Examples
    --------
    >>> plural(1, "tile"), plural(3, "tile")
    ('1 tile', '3 tiles')
    """
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def escaped(value: Any) -> str:
    """Return *value* as text for HTML, shortened."""
    import html

    return html.escape(shortened(value))


def call_text(name: str, values: Mapping[str, Any], show: Callable[[Any], str] = repr) -> str:
    """
    Return the call that builds a value, without arguments that are None.

    Long values are cut, and after some hundred characters the others are omitted.

    Examples
    --------
    >>> call_text("Layout", {"section_id": "1.0", "image_row": None, "image_col": 3})
    "Layout(section_id='1.0', image_col=3)"
    """
    words: list[str] = []
    left = _MAX_VALUES
    for key, value in values.items():
        if value is None:
            continue
        word = f"{key}={shortened(show(value))}"
        left -= len(word)
        if left < 0:
            words.append("…")
            break
        words.append(word)
    return f"{name}({', '.join(words)})"


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, after: str = "") -> str:
    """
    Return an HTML table of the first rows; a line without rows. Everything is escaped.

    Parameters
    ----------
    caption : str
        Line above the table.
    header : sequence of str
        Names of the columns; if empty, the first cell of each row is its name.
    rows : iterable of sequence
        The cells.
    after : str
        Text below the table; by default the number of further rows.
    """
    rows = list(rows)
    after = after or _more(len(rows) - MAX_ROWS)
    lines = [f"<tr>{''.join(f'<th>{escaped(name)}</th>' for name in header)}</tr>"] if header else []
    for row in rows[:MAX_ROWS]:
        cells = [f"<td>{escaped(cell)}</td>" for cell in row]
        if not header:
            cells[0] = f"<th>{escaped(row[0])}</th>"
        lines.append(f"<tr>{''.join(cells)}</tr>")
    if len(lines) <= bool(header):
        # The caption of an empty table would be wrapped at each word.
        return f"<div>{escaped(caption)}</div>{escaped(after)}"
    return f"<table><caption>{escaped(caption)}</caption>{''.join(lines)}</table>{escaped(after)}"


class TableDisplay:
    """Base class of tables: shows their first rows."""

    __slots__ = ()

    def _caption(self) -> str:
        """Return the class and the number of rows."""
        raise NotImplementedError

    def _first_rows(self, count: int) -> Mapping[str, Sequence[Any]]:
        """Return the columns of the first *count* rows."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        caption, columns, after = _read(self, _MAX_TEXT_ROWS)
        lines = [f"<{caption}>"]
        if columns:
            texts = [[name, *map(_cell, cells)] for name, cells in columns.items()]
            widths = [max(map(len, column)) for column in texts]
            for row in zip(*texts, strict=True):
                padded = (f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
                lines.append(f"  {'  '.join(padded)}".rstrip())
        return "\n".join([*lines, *([f"  {after}"] if after else [])])

    def _repr_html_(self) -> str:
        caption, columns, after = _read(self, MAX_ROWS)
        rows = zip(*(map(_cell, cells) for cells in columns.values()), strict=True)
        return html_table(caption, list(columns), rows, after=after)


def _read(table: TableDisplay, count: int) -> tuple[str, Mapping[str, Sequence[Any]], str]:
    """Return caption, columns and last line of a table; rows that cannot be read leave the reason."""
    try:
        caption = table._caption()
        columns = table._first_rows(count) if len(table) else {}
    except Exception as error:
        # Displaying a table must not fail, whatever is wrong with its text.
        return type(table).__name__, {}, shortened(f"{type(error).__name__}: {error}", _MAX_VALUES)
    return caption, dict(islice(columns.items(), MAX_ROWS)), _more(len(table) - count)


def _more(count: int) -> str:
    return f"and {count} more" if count > 0 else ""


def _cell(value: Any) -> str:
    """Return a value of a column as text: numbers with at most ten digits, missing ones as a dash."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return shortened(", ".join(map(_cell, islice(value, MAX_ROWS))), _MAX_CELL)
    # A line break in a name would break the row.
    return shortened(value, _MAX_CELL).replace("\n", "\\n")
