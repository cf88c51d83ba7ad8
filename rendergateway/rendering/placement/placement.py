"""Choice between affine and mesh placement of an image."""

from __future__ import annotations

import functools

from rendergateway.number_text import truncated
from rendergateway.rendering.pixels.patches import Placement, ShapeCache
from rendergateway.rendering.placement.affine import AffinePlacement
from rendergateway.rendering.placement.mesh import MeshPlacement
from rendergateway.transforms import AffineModel2D, Transform, TransformList

__all__ = ["place"]


def place(
    picture_from_local: Transform,
    *,
    level: int,
    image_size: tuple[int, int],
    tile_width: float,
    cell_size: float,
    picture_size: tuple[int, int],
    shapes: ShapeCache | None = None,
) -> Placement:
    """
    Return the placement of an image on the canvas.

    Parameters
    ----------
    picture_from_local : Transform
        From local pixels of the tile at full size to canvas pixels.
    level : int
        Mipmap level of the image.
    image_size : (int, int)
        Width and height of the image at that level.
    tile_width : float
        Width of the tile at full size: the mesh is the same at every level.
    cell_size : float
        Approximate width of triangles in local pixels at full size.
    picture_size : (int, int)
        Width and height of the canvas.
    shapes : ByteCache, optional
        Cache of the shapes of images on the canvas.
    """
    whole = TransformList([_local_from_level(level), picture_from_local]) if level else picture_from_local
    columns = max(2, truncated(tile_width / cell_size + 0.5))
    if whole.is_affine:
        # Of an affine, only rounding errors depend on the mesh.
        return AffinePlacement(whole, columns, image_size, picture_size, shapes)
    return MeshPlacement(whole, columns, image_size, picture_size, shapes)


@functools.cache
def _local_from_level(level: int) -> AffineModel2D:
    """Return the affine from pixels of a mipmap level to local pixels: centres map to centres."""
    factor = float(2**level)
    shift = (factor - 1.0) / 2.0
    return AffineModel2D([[factor, 0, shift], [0, factor, shift]])
