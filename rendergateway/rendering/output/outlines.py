"""Outlines of tile boxes, for images with too many tiles."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rendergateway.rendering.base.recipe import Recipe, Tile

__all__ = ["draw_frame", "draw_outlines"]

_GREEN = (0, 255, 0, 255)
_LETTERS_PER_LINE = 12
_LETTER_WIDTH, _LINE_HEIGHT = 7, 15
# Ids are drawn in boxes wider than this: twelve letters plus a typical overlap.
_WIDE_ENOUGH = int(_LETTERS_PER_LINE * _LETTER_WIDTH * 1.3) + 1


def draw_outlines(recipe: Recipe, rgba: npt.NDArray[np.uint8]) -> None:
    """
    Draw the box of each tile, and its id if the box is wide enough.

    Parameters
    ----------
    recipe : Recipe
    rgba : ndarray, shape (H, W, 4)
        Modified in place.
    """
    for tile in recipe.tiles:
        if tile.box is not None and all(map(math.isfinite, tile.box)):
            _draw(recipe, tile, tuple(tile.box), rgba)


def _draw(recipe: Recipe, tile: Tile, box: tuple[float, ...], rgba: npt.NDArray[np.uint8]) -> None:
    x, y = (box[0] - recipe.x) * recipe.scale, (box[1] - recipe.y) * recipe.scale
    width, height = (box[2] - recipe.x) * recipe.scale - x, (box[3] - recipe.y) * recipe.scale - y
    left, top, across, down = (math.trunc(length) for length in (x, y, width, height))
    draw_frame(rgba, (left, top, left + across, top + down), _GREEN)
    if across > _WIDE_ENOUGH:
        _write(tile.id, left + (across - _LETTERS_PER_LINE * _LETTER_WIDTH) // 2, top + down // 4, rgba)


def draw_frame(pixels: npt.NDArray[np.uint8], corners: tuple[int, int, int, int], color: tuple[int, ...]) -> None:
    """
    Draw a rectangle one pixel wide, clipped to the image.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C)
        Modified in place.
    corners : (int, int, int, int)
        Left, top, right and bottom pixels of the line.
    color : tuple of int
        One value per channel.
    """
    left, top, right, bottom = corners
    height, width = pixels.shape[:2]
    columns = slice(max(0, left), max(0, min(width, right + 1)))
    rows = slice(max(0, top), max(0, min(height, bottom + 1)))
    for row in {top, bottom}:
        if 0 <= row < height:
            pixels[row, columns] = color
    for column in {left, right}:
        if 0 <= column < width:
            pixels[rows, column] = color


def _write(text: str, x: int, y: int, rgba: npt.NDArray[np.uint8]) -> None:
    from rendergateway.rendering.base.opencv import cv2

    for start in range(0, len(text), _LETTERS_PER_LINE):
        line = text[start : start + _LETTERS_PER_LINE]
        if -_LETTERS_PER_LINE * _LETTER_WIDTH < x < rgba.shape[1] and 0 <= y < rgba.shape[0] + _LINE_HEIGHT:
            cv2.putText(rgba, line, (x, y), cv2.FONT_HERSHEY_PLAIN, 0.75, _GREEN)
        y += _LINE_HEIGHT
