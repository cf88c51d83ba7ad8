"""Axes, collections and colours of matplotlib."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rendergateway.display import plural
from rendergateway.errors import RecordError
from rendergateway.extras import needed_for
from rendergateway.geometry import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

__all__ = [
    "CATEGORIES",
    "LINE",
    "add_lines",
    "add_points",
    "add_polygons",
    "axes_of",
    "check_format",
    "colored",
    "new_figure",
    "numbers",
    "save_figure",
    "world_axes",
]

# Colour of outlines and neutral areas, and the colour map of categories.
LINE, CATEGORIES = "#444444", "tab20"
_MOST_CATEGORIES = 20
_MOST_OUTLINED = 5000
_FORMATS = (".pdf", ".png", ".svg")
_SIZE_IN, _DPI = (8.0, 6.0), 150


def new_figure(size_in: tuple[float, float] = _SIZE_IN) -> tuple[Figure, Axes]:
    """Return a figure that belongs to no window, and its axes."""
    with needed_for("plots"):
        from matplotlib.figure import Figure

    figure = Figure(figsize=size_in, dpi=_DPI, layout="constrained")
    return figure, figure.add_subplot()


def axes_of(ax: Axes | None, size_in: tuple[float, float] = _SIZE_IN) -> Axes:
    """Return *ax*, or the axes of a new figure of pyplot, which notebooks show."""
    if ax is not None:
        return ax
    with needed_for("plots"):
        from matplotlib import pyplot

    return pyplot.figure(figsize=size_in, layout="constrained").add_subplot()


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """
    Write a figure to a file, whose suffix selects the format; written beside it and renamed.

    Raises
    ------
    RecordError
        If the suffix is not .png, .pdf or .svg.
    """
    target = Path(path)
    check_format(target)
    beside = target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
    try:
        figure.savefig(beside, format=target.suffix[1:].lower())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def check_format(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose suffix is not that of a format of plots."""
    if Path(path).suffix.lower() not in _FORMATS:
        raise RecordError(f"{os.fspath(path)!r} has an unknown suffix; use {', '.join(_FORMATS)} to select the format")


def numbers(name: str, values: npt.ArrayLike, shape: tuple[int | None, ...]) -> FloatArray:
    """
    Return an array of numbers; None in *shape* is any length.

    Raises
    ------
    RecordError
        If it has another shape.
    """
    array: FloatArray = np.asarray(values, dtype=np.float64)
    if array.ndim != len(shape) or any(want not in (None, side) for want, side in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("N" if side is None else str(side) for side in shape)
        raise RecordError(f"{name} must have shape ({wanted}): got {array.shape}")
    return array


def world_axes(ax: Axes, low: FloatArray, high: FloatArray) -> None:
    """Set up axes for world pixels: y points down, as in images, and both axes have one scale."""
    ax.set_aspect("equal")
    if np.isfinite([low, high]).all():
        margin = 0.02 * max(float((high - low).max()), 1.0)
        ax.set_xlim(low[0] - margin, high[0] + margin)
        ax.set_ylim(high[1] + margin, low[1] - margin)
    ax.set_xlabel("x (px)")
    ax.set_ylabel("y (px)")


def add_polygons(ax: Axes, polygons: Any, **options: Any) -> Collection:
    """Add polygons (N, K, 2) as one collection; many have no outlines, which would hide their colours."""
    with needed_for("plots"):
        from matplotlib.collections import PolyCollection

    if len(polygons) > _MOST_OUTLINED and options.get("facecolors") != "none":
        options["edgecolors"] = "none"
    collection = PolyCollection(polygons, **{"linewidths": line_width(len(polygons)), **options})
    ax.add_collection(collection, autolim=False)
    return collection


def add_lines(ax: Axes, lines: Any, **options: Any) -> Collection:
    """Add lines (N, 2, 2) as one collection."""
    with needed_for("plots"):
        from matplotlib.collections import LineCollection

    collection = LineCollection(lines, **{"linewidths": 3 * line_width(len(lines)), **options})
    ax.add_collection(collection, autolim=False)
    return collection


def add_points(ax: Axes, points: FloatArray, values: FloatArray, **options: Any) -> Collection:
    """Add points (N, 2) with a value each as one collection, large values on top."""
    order = np.argsort(values, kind="stable")
    size = float(np.clip(4e4 / max(len(points), 1), 1, 30))
    shown = {"s": size, "linewidths": 0, "rasterized": len(points) > 2000, **options}
    return ax.scatter(points[order, 0], points[order, 1], c=values[order], **shown)


def line_width(count: int) -> float:
    """Return a width of lines at which so many of them can be distinguished."""
    return float(np.clip(30 / np.sqrt(max(count, 1)), 0.1, 1.0))


def colored(
    ax: Axes, collection: Collection, values: npt.ArrayLike, *, label: str, cmap: str | None, limits: Any = None
) -> None:
    """
    Colour a collection by values: a colour bar for numbers, a legend for up to 20 categories.

    Parameters
    ----------
    values : array_like, shape (N,)
        Numbers, NaN without colour; or texts, None without colour.
    label : str
        Title of the colour bar or the legend.
    limits : (float, float), optional
        Numbers at the ends of the colour bar.
    """
    figure: Any = ax.figure
    column = np.asarray(values)
    if column.dtype.kind in "OUS":
        names = sorted({str(value) for value in column if value is not None})
        codes = {name: place for place, name in enumerate(names)}
        array = np.array([np.nan if value is None else codes[str(value)] for value in column], dtype=np.float64)
        if len(names) <= _MOST_CATEGORIES:
            collection.set_cmap(cmap or CATEGORIES)
            collection.set_array(np.ma.masked_invalid(array))
            collection.set_clim(-0.5, _MOST_CATEGORIES - 0.5)
            _legend(ax, {name: collection.to_rgba(np.array([code]))[0] for name, code in codes.items()}, label)
            return
        label = f"{label}: {plural(len(names), 'value')}, sorted"
    else:
        array = column.astype(np.float64)
    collection.set_cmap(cmap or "viridis")
    collection.set_array(np.ma.masked_invalid(array))
    finite = array[np.isfinite(array)]
    if limits is not None:
        collection.set_clim(*limits)
    elif len(finite):
        collection.set_clim(float(finite.min()), float(finite.max()))
    figure.colorbar(collection, ax=ax, label=label, shrink=0.8)


def _legend(ax: Axes, colors: Mapping[str, Any], title: str) -> None:
    with needed_for("plots"):
        from matplotlib.patches import Patch

    handles = [Patch(color=color, label=name) for name, color in colors.items()]
    if handles:
        ax.legend(handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
