"""Charts over z and histograms, as values of inline SVG; their colours are in the style sheet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.number_text import double_text

__all__ = [
    "MOST_POINTS",
    "Bar",
    "Chart",
    "Series",
    "chart_of",
    "distribution",
    "histogram",
    "missing_layers",
    "section_charts",
    "ticks",
    "unusual_ids",
]

WIDTH, HEIGHT = 480, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 10, 12, 26
_TICKS = 5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# Points that a chart draws unless all are wanted.
MOST_POINTS = 8000
# Smaller residuals are in the first bin of a distribution, as are those of less than this part of the largest one.
_SMALLEST_PX, _DECADES = 1e-3, 1e4


@attrs.frozen
class Series:
    """Dots of one meaning: *place* selects their colour, *path* draws *points*, (z, value)."""

    name: str
    place: int
    count: int
    path: str
    points: tuple[tuple[float, float], ...]

    @property
    def numbers(self) -> str:
        """All z and values, for the script."""
        return " ".join(f"{number:.10g}" for point in self.points for number in point)


@attrs.frozen
class Chart:
    """
    A chart: its series, ticks as (position, label), and the values at the corners of its area.

    *drawn* of its *total* points are in the series; *has_whole_z* states whether all z are whole numbers.
    """

    title: str
    unit: str
    series: tuple[Series, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    domain: tuple[float, float, float, float]
    has_whole_z: bool
    drawn: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM

    @property
    def name(self) -> str:
        """The name of the chart in addresses."""
        return self.title.lower().replace(" ", "-")

    def rows(self) -> list[tuple[str, float, float]]:
        """Return (series, z, value) of all points, for a table."""
        return [(series.name, *point) for series in self.series for point in series.points]


@attrs.frozen
class Bar:
    """A bar of a histogram: *share* of the largest count, and the range of its values."""

    label: str
    count: int
    share: float


def chart_of(
    title: str, unit: str, points: Mapping[str, Sequence[tuple[float, float]]], most: int | None = MOST_POINTS
) -> Chart | None:
    """
    Return a chart of named series of (z, value); None without points.

    Values that are not finite are left out. Of more than *most* points every second, third … one of each series is
    drawn, over the range of all; None draws all.
    """
    kept = {name: [(x, y) for x, y in some if math.isfinite(x) and math.isfinite(y)] for name, some in points.items()}
    every = [point for some in kept.values() for point in some]
    if not every:
        return None
    (x0, x1), (y0, y1) = (_range([point[axis] for point in every]) for axis in (0, 1))
    step = 1 if most is None else -(-len(every) // most)
    x_scale = (WIDTH - _RIGHT - _LEFT) / (x1 - x0)
    y_scale = (HEIGHT - _BOTTOM - _TOP) / (y1 - y0)

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + (x - x0) * x_scale, HEIGHT - _BOTTOM - (y - y0) * y_scale

    series = tuple(
        Series(
            name,
            number,
            len(some),
            "".join("M{:.2f} {:.2f}h0".format(*place(x, y)) for x, y in some[::step]),
            tuple(some[::step]),
        )
        for number, (name, some) in enumerate(kept.items())
        if some
    )
    whole_x, whole_y = (all(point[axis] == round(point[axis]) for point in every) for axis in (0, 1))
    x_ticks = tuple((place(x, y0)[0], _label(x)) for x in ticks(x0, x1, whole_x))
    y_ticks = tuple((place(x0, y)[1], _label(y)) for y in ticks(y0, y1, whole_y))
    drawn = sum(len(one.points) for one in series)
    return Chart(title, unit, series, x_ticks, y_ticks, (x0, x1, y0, y1), whole_x, drawn, len(every))


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.03 or max(abs(high) * 0.03, 1.0)
    return low - margin, high + margin


def ticks(low: float, high: float, whole: bool) -> list[float]:
    """
    Return about five round numbers from *low* to *high*, whole ones if *whole*; ``charts.js`` has the same rule.

    Examples
    --------
    >>> ticks(0.5, 3.5, True), ticks(0, 11, True), ticks(0, 1, False)
    ([1.0, 2.0, 3.0], [0.0, 5.0, 10.0], [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0])
    """
    rough = max((high - low) / _TICKS, 1.0 if whole else 0.0)
    power: float = 10.0 ** math.floor(math.log10(rough))
    steps = (power * one for one in _STEPS)
    step = next(one for one in steps if one >= rough and (not whole or one.is_integer()))
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _label(value: float) -> str:
    return f"{value:,.6g}"


# Charts of a stack


@attrs.frozen
class _Layer:
    """A layer of a stack: section ids with their tile counts, and its box."""

    z: float
    ids: tuple[str, ...]
    tiles: int
    box: Any

    @property
    def kind(self) -> str:
        """The meaning of its section ids, as render's charts distinguish them."""
        if len(self.ids) > 1:
            return "Merged"
        return "Reacquired" if self.ids and not self.ids[0].endswith(".0") and "." in self.ids[0] else "Original"


def missing_layers(z_values: Sequence[float]) -> list[float]:
    """
    Return the whole numbers between first and last z without tiles.

    Examples
    --------
    >>> missing_layers([1.0, 2.0, 4.5, 5.0])
    [3.0, 4.0]
    """
    there = set(z_values)
    if not there:
        return []
    return [float(z) for z in range(math.ceil(min(there)), math.floor(max(there)) + 1) if z not in there]


def unusual_ids(sections: Sequence[Any]) -> dict[str, list[str]]:
    """Return the section ids of the layers that have others than their z with one decimal, by z."""
    ids = {one.z: list(one.section_ids) for one in sections}
    return {f"{z:.10g}": some for z, some in ids.items() if some != [double_text(z)]}


def section_charts(sections: Sequence[Any], most: int | None = MOST_POINTS) -> list[Chart]:
    """
    Return the charts of a stack over z: tile counts, section order, bounds and their differences.

    Parameters
    ----------
    sections : sequence of SectionWrapper
        With section data that are loaded already.
    most : int, optional
        As for `chart_of`.
    """
    layers = [_Layer(one.z, tuple(one.section_ids), one.tile_count, one.bounds) for one in sections]
    gaps = [(z, 0.0) for z in missing_layers([layer.z for layer in layers])]
    charts = [
        chart_of("Tiles per section", "tiles", {**_by_kind(layers, lambda layer: layer.tiles), "Missing": gaps}, most),
        chart_of("Section order", "section id", _order(layers), most),
    ]
    for axis, low, high in (("x", "min_x", "max_x"), ("y", "min_y", "max_y")):
        sides = {f"{name} {axis}": _sides(layers, side) for name, side in (("Min", low), ("Max", high))}
        charts.append(chart_of(f"Bounds in {axis}", "px", sides, most))
        steps = {name: _differences(points) for name, points in sides.items()}
        charts.append(chart_of(f"Change of the bounds in {axis}", "px", steps, most))
    return [one for one in charts if one is not None]


def _by_kind(layers: Sequence[_Layer], value: Any) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {"Original": [], "Reacquired": [], "Merged": []}
    for layer in layers:
        found[layer.kind].append((layer.z, float(value(layer))))
    return found


def _order(layers: Sequence[_Layer]) -> dict[str, list[tuple[float, float]]]:
    """Return (z, section id) of sections with a number as id; those at another z are reordered."""
    found: dict[str, list[tuple[float, float]]] = {"Original": [], "Reordered": [], "Merged": []}
    for layer in layers:
        for name in layer.ids:
            number = _number(name)
            if number is not None:
                kind = "Merged" if len(layer.ids) > 1 else "Original" if int(number) == int(layer.z) else "Reordered"
                found[kind].append((layer.z, number))
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sides(layers: Sequence[_Layer], side: str) -> list[tuple[float, float]]:
    return [(layer.z, getattr(layer.box, side)) for layer in layers if layer.box is not None]


def _differences(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(z, value - before) for (_, before), (z, value) in itertools.pairwise(points)]


# Histograms


def histogram(sizes: npt.NDArray[np.float64], bars: int = 12) -> list[tuple[str, list[Bar]]]:
    """Return histograms of tile widths and heights, shape (N, 2), in pixels: few different values have a bar each."""
    found = []
    for title, values in zip(("Width", "Height"), np.asarray(sizes, dtype=np.float64).T, strict=True):
        known = values[np.isfinite(values)]
        if known.size:
            found.append((title, _bars(known, bars)))
    return found


def _bars(values: npt.NDArray[np.float64], most: int) -> list[Bar]:
    names, counts = np.unique(values, return_counts=True)
    labels = [f"{name:,g} px" for name in names.tolist()]
    if len(names) > most:
        counts, edges = np.histogram(values, bins=most)
        labels = [f"{low:,.0f} – {high:,.0f} px" for low, high in itertools.pairwise(edges)]
    largest = int(counts.max())
    return [Bar(label, count, count / largest) for label, count in zip(labels, counts.tolist(), strict=True)]


def distribution(values: npt.NDArray[np.float64], bars: int = 14) -> list[Bar]:
    """Return a histogram of residuals in pixels, shape (N,), finite; with bins that grow by a factor."""
    if not values.size:
        return []
    most = max(float(values.max()), _SMALLEST_PX)
    least = max(float(values.min()), _SMALLEST_PX, most / _DECADES)
    edges = np.geomspace(least, max(most, least * 1.01), bars + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    labels = [f"{low:.2g} – {high:.2g} px" for low, high in itertools.pairwise(edges)]
    largest = int(counts.max())
    return [Bar(label, count, count / largest) for label, count in zip(labels, counts.tolist(), strict=True)]
