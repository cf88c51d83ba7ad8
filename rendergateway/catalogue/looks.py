"""Looks: the template and the table columns of each kind of object, which a registered class may replace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import attrs
import numpy as np

from rendergateway.catalogue import show
from rendergateway.geometry import Bounds
from rendergateway.wrappers.core.labels import natural_order

__all__ = ["Column", "columns_of", "template_of"]

Value: TypeAlias = Callable[[Any], Any]


def _reader(value: str | Value) -> Value:
    if callable(value):
        return value
    names = value.split(".")

    def read(shown: Any) -> Any:
        for name in names:
            shown = None if shown is None else getattr(shown, name)
        return shown

    return read


@attrs.frozen
class Column:
    """
    A column of a table of objects.

    Parameters
    ----------
    title : str
        Heading.
    value : str or callable
        Name of an attribute, with dots for attributes of attributes, or a function of the object.
    kind : {'text', 'short', 'number', 'date', 'state', 'link', 'picture'}
        How values are shown; a *short* text is on one line, a *link* leads to the page of the object, a *picture* is
        its thumbnail.
    unit : str
        Shown in the heading.
    of_table : callable, optional
        Values of all rows at once, from a `TileTable`: tables of many tiles are sorted by it.
    """

    title: str
    value: Value = attrs.field(converter=_reader)
    kind: str = "text"
    unit: str = ""
    of_table: Callable[[Any], Any] | None = None

    @property
    def key(self) -> str:
        """The name of the column in addresses."""
        return self.title.lower().replace(" ", "-")

    @property
    def can_sort(self) -> bool:
        """Whether rows can be ordered by this column."""
        return self.kind != "picture"

    def order_of(self, shown: Any) -> tuple[Any, ...]:
        """Return a sort key for an object; missing values are last."""
        value = self.value(shown)
        if value is None or value == "":
            return (1,)
        if isinstance(value, Iterable) and not isinstance(value, str):
            value = ", ".join(map(str, value))
        if isinstance(value, str):
            return 0, natural_order(value.casefold())
        return 0, float("inf") if isinstance(value, float) and np.isnan(value) else value


def _side(name: str) -> Value:
    def read(shown: Any) -> float | None:
        bounds: Bounds | None = shown.bounds
        return None if bounds is None else getattr(bounds, name)

    return read


def _box_column(title: str, name: str, column: int | None = None) -> Column:
    of_table = None if column is None else lambda table: table.box[:, column]
    return Column(title, _side(name), "number", "px", of_table)


_COLUMNS: dict[str, tuple[Column, ...]] = {
    "owner": (Column("Owner", "name", "link"),),
    "project": (Column("Project", "name", "link"),),
    "stack": (
        Column("Preview", "name", "picture"),
        Column("Stack", "name", "link"),
        Column("State", "state", "state"),
        Column("Sections", "section_count", "number"),
        Column("Tiles", "tile_count", "number"),
        Column("First z", "bounds.min_z", "number"),
        Column("Last z", "bounds.max_z", "number"),
        _box_column("Width", "width"),
        _box_column("Height", "height"),
        Column("x", lambda stack: _range(stack, "x"), "short", "px"),
        Column("y", lambda stack: _range(stack, "y"), "short", "px"),
        Column("Resolution", "resolution_text", "short"),
        Column("Channels", lambda stack: None if stack.stats is None else ", ".join(stack.stats.channel_names)),
        Column("Shared transforms", "stats.transform_count", "number"),
        Column("Cycle", lambda stack: _cycle(stack)),
        Column("Last change", "modified", "date"),
    ),
    "section": (
        Column("z", "z_label", "link"),
        Column("Section ids", lambda section: ", ".join(section.section_ids)),
        Column("Tiles", "tile_count", "number"),
        _box_column("Min x", "min_x"),
        _box_column("Min y", "min_y"),
        _box_column("Max x", "max_x"),
        _box_column("Max y", "max_y"),
    ),
    "tile": (
        Column("Tile", "tile_id", "link", of_table=lambda table: table.tile_id),
        Column("Section id", "layout.section_id", of_table=lambda table: table.section_id),
        Column("Row", "layout.image_row", "number", of_table=lambda table: table.image_row),
        Column("Column", "layout.image_col", "number", of_table=lambda table: table.image_col),
        Column("Camera", "layout.camera_id", of_table=lambda table: table.camera_id),
        _box_column("Min x", "min_x", 0),
        _box_column("Min y", "min_y", 1),
        _box_column("Max x", "max_x", 2),
        _box_column("Max y", "max_y", 3),
    ),
    "match_collection": (
        Column("Collection", "name", "link"),
        Column("Pairs", "pair_count", "number"),
    ),
    "match_pair": (
        Column("Pair", lambda pair: f"{pair.p_id} – {pair.q_id}", "link"),
        Column("p group", "p_group"),
        Column("p tile", "p_id"),
        Column("q group", "q_group"),
        Column("q tile", "q_id"),
        Column("Matches", len, "number"),
    ),
}


def _range(stack: Any, axis: str) -> str | None:
    box = stack.bounds
    return None if box is None else show.interval(*(getattr(box, f"{side}_{axis}") for side in ("min", "max")))


def _cycle(stack: Any) -> str | None:
    version = stack.version
    if version.cycle_number is None:
        return None
    step = version.cycle_step_number
    return str(version.cycle_number) if step is None else f"{version.cycle_number}.{step}"


def columns_of(wrapper_class: type[Any]) -> tuple[Column, ...]:
    """
    Return the columns of a table of objects of a class.

    Those of its kind, and after them those that the class lists as ``CATALOGUE_COLUMNS``: columns, or pairs of a title
    and the name of an attribute.
    """
    own = getattr(wrapper_class, "CATALOGUE_COLUMNS", ())
    return (*_COLUMNS[wrapper_class.KIND], *(one if isinstance(one, Column) else Column(*one) for one in own))


def template_of(wrapper_class: type[Any]) -> str:
    """Return the template of the page of an object: ``CATALOGUE_TEMPLATE`` of its class, else that of its kind."""
    default = f"catalogue/{wrapper_class.KIND}.html"
    return str(getattr(wrapper_class, "CATALOGUE_TEMPLATE", default))
