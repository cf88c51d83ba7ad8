"""
Pixels: from tile specs to pictures, and pictures to files.

`read_recipe` makes a `Recipe` of render parameters, `draw` a `RenderedImage` of a recipe and of the `Sources` its
images come from, `encoded` a file of it. OpenCV and tifffile are imported when an image is rendered.
"""

from __future__ import annotations

from rendergateway.rendering.base.recipe import (
    MOST_PIXELS,
    Channel,
    FilterStep,
    ImageAddress,
    Level,
    PathRule,
    Recipe,
    Tile,
)
from rendergateway.rendering.draw.compositor import RenderedImage, draw
from rendergateway.rendering.draw.recipe_reader import read_recipe, read_tile
from rendergateway.rendering.images.locations import ImageOpener, Opener
from rendergateway.rendering.images.sources import Sources
from rendergateway.rendering.output.encoding import FORMATS, encoded, encoded_outlines, png_bytes, write_png

__all__ = [
    "FORMATS",
    "MOST_PIXELS",
    "Channel",
    "FilterStep",
    "ImageAddress",
    "ImageOpener",
    "Level",
    "Opener",
    "PathRule",
    "Recipe",
    "RenderedImage",
    "Sources",
    "Tile",
    "draw",
    "encoded",
    "encoded_outlines",
    "png_bytes",
    "read_recipe",
    "read_tile",
    "write_png",
]
