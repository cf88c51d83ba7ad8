"""Overlays of two pictures at a seam, and contact sheets of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.plots.base import axes_of
from rendergateway.wrappers import Picture, SectionWrapper, TileWrapper

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["contact_sheet", "seam_overlay", "seam_pictures"]

_STRETCH = (1.0, 99.0)
_PAD_PX = 4
_TITLE_SHARE = 0.12


def seam_pictures(
    one: TileWrapper | SectionWrapper,
    other: TileWrapper | SectionWrapper,
    *,
    box: Bounds | tuple[float, float, float, float] | None = None,
    scale: float = 1.0,
    compute: str = "service",
) -> tuple[Picture, Picture]:
    """
    Draw two tiles, or two sections, each alone, over the same box.

    Parameters
    ----------
    one, other : TileWrapper or SectionWrapper
        Two overlapping tiles, or two sections.
    box : Bounds or (float, float, float, float), optional
        World pixels. Default: the overlap of their boxes.
    scale : float
        Picture pixels per world pixel.
    compute : {'service', 'local'}
        See `PictureOptions`.

    Raises
    ------
    ImageError
        If their boxes do not overlap, and as `Gateway.render`.

    Notes
    -----
    Per tile ``tile.render_parameters`` and ``recipe.png``; per section as `SectionWrapper.image`.
    """
    shared = Bounds(*box) if box is not None else _overlap(one, other)
    return _alone(one, shared, scale, compute), _alone(other, shared, scale, compute)


def _overlap(one: Any, other: Any) -> Bounds:
    first, second = one.bounds, other.bounds
    if first is None or second is None:
        raise ImageError(f"{one!r} or {other!r} has no bounding box; pass box=")
    low = math.floor(max(first.min_x, second.min_x)), math.floor(max(first.min_y, second.min_y))
    high = math.ceil(min(first.max_x, second.max_x)), math.ceil(min(first.max_y, second.max_y))
    if not (low[0] < high[0] and low[1] < high[1]):
        raise ImageError(
            f"{one!r} and {other!r} do not overlap: got {tuple(first)[:4]} and {tuple(second)[:4]}; pass box="
        )
    return Bounds(*low, *high)


def _alone(shown: TileWrapper | SectionWrapper, box: Bounds, scale: float, compute: str) -> Picture:
    if not isinstance(shown, TileWrapper):
        return shown.image(box, scale=scale, compute=compute)
    recipe = shown.render_parameters().evolve(
        x=box.min_x, y=box.min_y, width=round(box.width), height=round(box.height), scale=scale
    )
    picture: Picture = shown._conn.render(recipe, compute=compute)
    return picture


def seam_overlay(
    first: Picture | npt.ArrayLike,
    second: Picture | npt.ArrayLike,
    *,
    names: tuple[str, str] = ("first", "second"),
    ax: Axes | None = None,
) -> Axes:
    """
    Draw two pictures of one box over each other, one in magenta, one in green: equal pixels are grey.

    Parameters
    ----------
    first, second : Picture or array_like, shape (H, W) or (H, W, 3)
        As `seam_pictures` returns. Each is stretched to its own percentiles.
    names : (str, str)
        For the title.
    ax : Axes, optional
        Default: those of a new figure.

    Returns
    -------
    Axes
        In world pixels, if the pictures have a box, else in picture pixels.

    Raises
    ------
    ImageError
        If the pictures differ in size.
    """
    one, other = _grey(first), _grey(second)
    if one.shape != other.shape:
        raise ImageError(f"pictures of a seam differ in size: got {one.shape[::-1]} and {other.shape[::-1]} pixels")
    here, there = _covered(first, one), _covered(second, other)
    one, other = _stretched(one, here), _stretched(other, there)
    # Pixels that only one of them covers are grey, too.
    one, other = np.where(here, one, other), np.where(there, other, one)
    ax = axes_of(ax)
    box = first.box if isinstance(first, Picture) else None
    extent = (0.0, one.shape[1], one.shape[0], 0.0) if box is None else (box.min_x, box.max_x, box.max_y, box.min_y)
    ax.imshow(np.stack([one, other, one], axis=2), extent=extent, interpolation="nearest")
    ax.set_xlabel("x (px)")
    ax.set_ylabel("y (px)")
    ax.set_title(f"{names[0]} (magenta), {names[1]} (green)", fontsize="small")
    return ax


def _grey(picture: Picture | npt.ArrayLike) -> npt.NDArray[np.float64]:
    pixels = np.asarray(picture, dtype=np.float64)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise ImageError(f"a picture must have shape (H, W) or (H, W, 3): got {pixels.shape}")
    return pixels if pixels.ndim == 2 else pixels.mean(axis=2)


def _covered(picture: object, grey: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return picture.coverage if isinstance(picture, Picture) else np.ones(grey.shape, dtype=bool)


def _stretched(grey: npt.NDArray[np.float64], covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return values from 0 to 1, stretched to the percentiles of the covered ones."""
    low, high = np.percentile(grey[covered], _STRETCH) if covered.any() else (0.0, 1.0)
    stretched: npt.NDArray[np.float64] = np.clip((grey - low) / max(high - low, 1e-9), 0, 1)
    return np.where(covered, stretched, 0.0)


def contact_sheet(
    pictures: Sequence[Picture | npt.ArrayLike],
    titles: Sequence[str] = (),
    *,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """
    Draw many small pictures in a grid, in one image.

    Parameters
    ----------
    pictures : sequence of Picture or array_like
        Grey or RGB; of different sizes, if need be. 16-bit pictures are stretched to their percentiles.
    titles : sequence of str
        One per picture.
    columns : int, optional
        Number of columns. Default: as many as make the sheet about 4 : 3.
    ax : Axes, optional
        Default: those of a new figure.

    Raises
    ------
    ImageError
        If there are no pictures, or as many titles as pictures are missing.
    """
    if not len(pictures) or (titles and len(titles) != len(pictures)):
        raise ImageError(f"a contact sheet needs pictures, and a title for each: got {len(pictures)} and {len(titles)}")
    shown = [_eight_bit(picture) for picture in pictures]
    height, width = max(one.shape[0] for one in shown), max(one.shape[1] for one in shown)
    head = round(_TITLE_SHARE * height) if titles else 0
    across = columns or max(1, round(math.sqrt(len(shown) * 4 / 3 * (height + head) / width)))
    down = -(-len(shown) // across)
    cell_h, cell_w = height + head + _PAD_PX, width + _PAD_PX
    sheet = np.full((down * cell_h, across * cell_w, 3), 255, dtype=np.uint8)
    ax = axes_of(ax)
    for place, one in enumerate(shown):
        top, left = place // across * cell_h + head, place % across * cell_w
        sheet[top : top + one.shape[0], left : left + one.shape[1]] = one
        if titles:
            size = float(np.clip(60 / across, 3, 9))
            ax.text(left, top - 2, titles[place], fontsize=size, va="bottom", ha="left", clip_on=True)
    ax.imshow(sheet, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _eight_bit(picture: Picture | npt.ArrayLike) -> npt.NDArray[np.uint8]:
    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8:
        grey = _grey(picture)
        pixels = (255 * _stretched(grey, _covered(picture, grey))).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageError(f"a picture must have shape (H, W) or (H, W, 3): got {pixels.shape}")
    return pixels
