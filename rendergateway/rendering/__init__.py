"""
Rendering of tile specs to images, and of images to files.

`read_recipe` converts render parameters to a `Recipe`, `draw` renders it with images from `Sources`, and `encoded`
returns the file of the `RenderedImage`. OpenCV and tifffile are imported on first use. `base` < `pixels` < `filters`,
`images` and `placement` < `draw` < `output`; besides the common modules they import `transforms` and `wire`, and
nothing of the client or the service.
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
from rendergateway.rendering.filters.registry import FILTERS, register_filter
from rendergateway.rendering.images.loaders import LOADERS, register_image_loader
from rendergateway.rendering.images.locations import ImageOpener, Opener
from rendergateway.rendering.images.sources import Sources
from rendergateway.rendering.output.encoding import FORMATS, encoded, encoded_outlines, png_bytes, write_png

__all__ = [
    "FILTERS",
    "FORMATS",
    "LOADERS",
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
    "register_filter",
    "register_image_loader",
    "write_png",
]
