"""Map of tiles in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.tables.tile_columns import COLUMN_NAMES
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.plots.base import LINE, add_polygons, axes_of, colored, numbers, world_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["box_polygons", "boxes_of", "tile_map"]

# Columns of one value per tile.
_COLORS = [name for name in COLUMN_NAMES if name not in ("box", "size", "stage", "last_affine")]
_MOST_NAMED = 400
_FILL = "#9ecae1"


def boxes_of(tiles: TileTable | npt.ArrayLike) -> FloatArray:
    """Return the boxes of tiles, (N, 4); rows with missing sides are NaN."""
    boxes = tiles.box if isinstance(tiles, TileTable) else numbers("boxes", tiles, (None, 4))
    return np.where(np.isfinite(boxes).all(axis=1, keepdims=True), boxes, np.nan)


def box_polygons(boxes: FloatArray) -> FloatArray:
    """Return the corners of boxes, (N, 4, 2)."""
    return np.stack([boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [2, 3]], boxes[:, [0, 3]]], axis=1)


def tile_map(
    tiles: TileTable | npt.ArrayLike,
    color: str | npt.ArrayLike | None = None,
    *,
    label: str | None = None,
    names: bool = False,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    alpha: float = 0.6,
    ax: Axes | None = None,
) -> Axes:
    """
    Draw the bounding boxes of tiles, coloured by anything.

    Parameters
    ----------
    tiles : TileTable, or array_like, shape (N, 4) or (N, K, 2)
        Tiles, their boxes, or their outlines with K corners, in world pixels. Tiles without a box are not drawn.
    color : str or array_like, shape (N,), optional
        Name of a column such as ``'z'``, ``'camera_id'`` or ``'image_row'``; or a value per tile, such as residuals:
        numbers, with a colour bar, or texts, with a legend.
    label : str, optional
        Title of the colour bar or the legend. Default: the name of the column.
    names : bool
        Whether tile ids are written into the boxes of up to 400 tiles.
    cmap : str, optional
        Colour map of matplotlib.
    limits : (float, float), optional
        Numbers at the ends of the colour bar.
    alpha : float
        Opacity.
    ax : Axes, optional
        Default: those of a new figure.

    Returns
    -------
    Axes
        In world pixels; y points down, as in images.

    Raises
    ------
    RecordError
        If arrays have the wrong shape, or the column is unknown.
    MissingExtraError
        If matplotlib is not installed.
    """
    polygons = _polygons(tiles)
    values = _values(tiles, color, len(polygons))
    ax = axes_of(ax)
    there = np.isfinite(polygons).all(axis=(1, 2))
    shown = polygons[there]
    outline = {"edgecolors": LINE, "alpha": alpha}
    if values is None:
        add_polygons(ax, shown, facecolors=_FILL, **outline)
    else:
        collection = add_polygons(ax, shown, **outline)
        title = label or (color if isinstance(color, str) else "")
        colored(ax, collection, values[there], label=title, cmap=cmap, limits=limits)
    if names and isinstance(tiles, TileTable) and len(shown) <= _MOST_NAMED:
        for tile_id, corners in zip(tiles.tile_id[there], shown, strict=True):
            x, y = corners.mean(axis=0)
            ax.text(x, y, str(tile_id), ha="center", va="center", fontsize="xx-small", clip_on=True)
    _frame(ax, shown)
    return ax


def _polygons(tiles: TileTable | npt.ArrayLike) -> FloatArray:
    if not isinstance(tiles, TileTable):
        array = np.asarray(tiles, dtype=np.float64)
        if array.ndim == 3:
            return numbers("outlines", array, (None, None, 2))
    return box_polygons(boxes_of(tiles))


def _values(tiles: object, color: str | npt.ArrayLike | None, count: int) -> npt.NDArray[Any] | None:
    if color is None:
        return None
    if isinstance(color, str):
        if not isinstance(tiles, TileTable):
            raise RecordError(f"color={color!r} is a column of a table: got boxes; pass a value per tile")
        if color not in _COLORS:
            raise RecordError(f"color must be a column of the tiles: got {color!r}; use {', '.join(_COLORS)}")
        return np.asarray(getattr(tiles, color))
    values = np.asarray(color)
    if values.shape != (count,):
        raise RecordError(f"color must have a value per tile: got shape {values.shape} for {count} tiles")
    return values


def _frame(ax: Axes, polygons: FloatArray) -> None:
    corners = polygons.reshape(-1, 2)
    nowhere = np.full(2, np.nan)
    world_axes(ax, corners.min(axis=0) if len(corners) else nowhere, corners.max(axis=0) if len(corners) else nowhere)
