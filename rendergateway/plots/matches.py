"""Maps of matches between tiles, and of their residuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.plots.base import add_lines, add_points, add_polygons, axes_of, colored, numbers, world_axes
from rendergateway.plots.tiles import box_polygons, boxes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["match_map", "residual_histogram", "residual_map"]

_MOST_POINTS = 100_000
_BINS = 200
_MOST_BOXES = 5000
_LOG_FROM = 1e-4


def match_map(
    matches: MatchTable,
    tiles: TileTable,
    color: npt.ArrayLike | None = None,
    *,
    label: str = "points per pair",
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """
    Draw a line between the centres of the tiles of each match pair, over the boxes of up to 5000 tiles.

    Parameters
    ----------
    matches : MatchTable
        The pairs. Those with a tile outside of *tiles* are not drawn; the title states their number.
    tiles : TileTable
        Tiles with boxes.
    color : array_like, shape (N,), optional
        A number per pair, such as its residual. Default: its number of points.
    label : str
        Title of the colour bar.
    cmap, limits, ax
        As for `tile_map`.

    Raises
    ------
    RecordError
        If *color* has another length than the pairs.
    """
    values = matches.counts if color is None else np.asarray(color, dtype=np.float64)
    if values.shape != (len(matches),):
        raise RecordError(f"color must have a value per pair: got shape {values.shape} for {len(matches)} pairs")
    ax = axes_of(ax)
    boxes = boxes_of(tiles)
    centres = np.stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)], axis=1)
    row_of = {tile_id: row for row, tile_id in enumerate(tiles.tile_id)}
    ends = [(row_of.get(p, -1), row_of.get(q, -1)) for p, q in zip(matches.p_id, matches.q_id, strict=True)]
    rows = np.array(ends, dtype=np.intp).reshape(-1, 2)
    inside = np.asarray((rows >= 0).all(axis=1))
    inside[inside] = np.isfinite(centres[rows[inside]]).all(axis=(1, 2))
    shown = boxes[np.isfinite(boxes).all(axis=1)]
    if len(shown) <= _MOST_BOXES:
        add_polygons(ax, box_polygons(shown), facecolors="none", edgecolors="#bbbbbb")
    # Large values on top.
    order = np.flatnonzero(inside)[np.argsort(values[inside], kind="stable")]
    colored(ax, add_lines(ax, centres[rows[order]]), values[order], label=label, cmap=cmap, limits=limits)
    outside = len(matches) - int(inside.sum())
    if outside:
        ax.set_title(f"{outside} of {len(matches)} pairs have a tile that is not shown", fontsize="small")
    nowhere = np.full(2, np.nan)
    world_axes(ax, *((shown[:, :2].min(axis=0), shown[:, 2:].max(axis=0)) if len(shown) else (nowhere, nowhere)))
    return ax


def residual_histogram(
    residuals: npt.ArrayLike | Mapping[str, npt.ArrayLike],
    *,
    bins: int = 80,
    log: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """
    Draw the distribution of residuals, with median and 95th percentile; of several, such as before and after a solve.

    Parameters
    ----------
    residuals : array_like, shape (M,), or mapping of str to array_like
        Distances in pixels; a mapping names several. Values that are not finite are not drawn; the legend states their
        number.
    bins : int
        Number of bins, common to all.
    log : bool
        Whether the axis of residuals is logarithmic; values below 0.0001 px are drawn there.
    ax : Axes, optional
        Default: those of a new figure.

    Raises
    ------
    RecordError
        If an array has another shape.
    """
    named = residuals if isinstance(residuals, Mapping) else {"": residuals}
    arrays = {name: numbers("residuals", values, (None,)) for name, values in named.items()}
    finite = {name: values[np.isfinite(values)] for name, values in arrays.items()}
    together = np.concatenate([*finite.values(), np.empty(0)])
    ax = axes_of(ax)
    edges = _edges(together, bins, log)
    for place, (name, values) in enumerate(finite.items()):
        color = f"C{place}"
        lost = len(arrays[name]) - len(values)
        words = [f"{len(values)} points" + (f", {lost} not finite" if lost else "")]
        if len(values):
            median, high = np.percentile(values, (50, 95))
            words.append(f"median {median:.3g} px, 95 % below {high:.3g} px")
            ax.axvline(max(float(median), edges[0]), color=color, linewidth=1)
            ax.axvline(max(float(high), edges[0]), color=color, linewidth=1, linestyle="--")
        label = f"{name}: {'; '.join(words)}" if name else "; ".join(words)
        ax.hist(np.clip(values, edges[0], None), bins=edges.tolist(), color=color, alpha=0.5, label=label)
    if log:
        ax.set_xscale("log")
    ax.set_xlabel("residual (px)")
    ax.set_ylabel("points")
    ax.legend(fontsize="small")
    return ax


def _edges(values: FloatArray, bins: int, log: bool) -> FloatArray:
    most = float(values.max()) if len(values) else 1.0
    if not log:
        return np.linspace(0, most or 1.0, bins + 1)
    least = max(float(values.min()) if len(values) else _LOG_FROM, _LOG_FROM)
    return np.geomspace(least, max(most, 2 * least), bins + 1)


def residual_map(
    points: npt.ArrayLike,
    residuals: npt.ArrayLike,
    *,
    cmap: str | None = "magma_r",
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """
    Draw residuals at their places in the world; more than 100 000 points as means of a grid of 200 cells.

    Parameters
    ----------
    points : array_like, shape (M, 2)
        x, y in world pixels.
    residuals : array_like, shape (M,)
        Distances in pixels. Values that are not finite are not drawn.
    limits : (float, float), optional
        Residuals at the ends of the colour bar. Default: 0 and the 99th percentile of those drawn.
    cmap, ax
        As for `tile_map`.

    Raises
    ------
    RecordError
        If arrays have the wrong shape.
    """
    places, values = numbers("points", points, (None, 2)), numbers("residuals", residuals, (None,))
    if len(places) != len(values):
        raise RecordError(f"points and residuals differ in length: got {len(places)} and {len(values)}")
    there = np.isfinite(values) & np.isfinite(places).all(axis=1)
    places, values = places[there], values[there]
    ax = axes_of(ax)
    low = places.min(axis=0) if len(places) else np.full(2, np.nan)
    high = places.max(axis=0) if len(places) else np.full(2, np.nan)
    if len(places) > _MOST_POINTS:
        edges, means = _cell_means(places, values, low, high)
        limits = limits or _limits(means[np.isfinite(means)])
        shown = ax.pcolormesh(*edges, np.ma.masked_invalid(means), rasterized=True)
        colored(ax, shown, means, label="mean residual (px)", cmap=cmap, limits=limits)
    else:
        limits = limits or _limits(values)
        colored(ax, add_points(ax, places, values), np.sort(values, kind="stable"), label="residual (px)", cmap=cmap,
                limits=limits)  # fmt: skip
    world_axes(ax, low, high)
    return ax


def _limits(values: FloatArray) -> tuple[float, float]:
    return 0.0, float(np.percentile(values, 99)) if len(values) else 1.0


def _cell_means(
    places: FloatArray, values: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """Return the edges of the cells of a grid along x and y, and the mean of the values in each; NaN without any."""
    step = np.maximum((high - low) / _BINS, 1e-9)
    column, row = np.minimum((places - low) / step, _BINS - 1).astype(np.intp).T
    cell, count = row * _BINS + column, _BINS * _BINS
    sums, counts = np.bincount(cell, values, count), np.bincount(cell, minlength=count)
    with np.errstate(invalid="ignore"):
        means: FloatArray = (sums / counts).reshape(_BINS, _BINS)
    ticks = np.arange(_BINS + 1)
    return (low[0] + step[0] * ticks, low[1] + step[1] * ticks), means
