"""Tile specs of imported images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rendergateway.batch.importers.files import window_of
from rendergateway.batch.importers.images import ListedImage
from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.records.tiles import Layout, TileRecord
from rendergateway.number_text import double_text
from rendergateway.rendering.images.summary import ImageSummary
from rendergateway.transforms import AffineModel2D

__all__ = ["tile_of"]


def tile_of(
    image: ListedImage,
    facts: ImageSummary,
    corner: list[float],
    windows: Mapping[str, tuple[float, float]],
    pixel_size: float | None,
) -> TileRecord:
    """
    Return the tile of an image.

    Parameters
    ----------
    image, facts
        The image as listed, and as read.
    corner : list of float
        x and y of its top left corner in world pixels; ignored if the image has transforms.
    windows : mapping of str to (float, float)
        Intensity window per pixel type.
    pixel_size : float or None
        Nanometres per pixel, for the layout.
    """
    low, high = window_of(image, facts.kind, windows)
    x, y = image.stage or image.position or corner
    layout: dict[str, Any] = {
        "section_id": image.section_id or (None if image.z is None else double_text(image.z)),
        "scope_id": image.scope_id,
        "camera_id": image.camera_id,
        "image_row": image.row,
        "image_col": image.column,
        "stage_x": x if np.isfinite(x) else None,
        "stage_y": y if np.isfinite(y) else None,
        "rotation": image.rotation,
        "pixel_size": pixel_size,
    }
    level: dict[str, Any] = {
        "image_url": image.url,
        "image_loader_type": image.loader,
        "image_slice": image.slice_number,
        "mask_url": image.mask_url,
    }
    return TileRecord(
        tile_id=image.tile_id,
        z=image.z,
        width=facts.width,
        height=facts.height,
        min_intensity=low,
        max_intensity=high,
        mipmaps=ImagePyramid({0: MipmapLevel(**{name: one for name, one in level.items() if one is not None})}),
        layout=Layout(**{name: value for name, value in layout.items() if value is not None}),
        transforms=image.transforms or [AffineModel2D([[1, 0, corner[0]], [0, 1, corner[1]]])],
    )
