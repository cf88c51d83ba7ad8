"""Choice between affine and mesh placement of an image."""

from __future__ import annotations

from rendergateway.number_text import truncated
from rendergateway.rendering.pixels.patches import MapCache, Placement
from rendergateway.rendering.pixels.sampling import EXACT_PIXELS
from rendergateway.rendering.placement.affine import AffinePlacement
from rendergateway.rendering.placement.mesh import MeshPlacement, triangle_count
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
    maps: MapCache | None = None,
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
    maps : ByteCache, optional
        Cache of pixel maps of nonlinear transforms.
    """
    whole = TransformList([_local_from_level(level), picture_from_local]) if level else picture_from_local
    columns = max(2, truncated(tile_width / cell_size + 0.5))
    exact = picture_size[0] * picture_size[1] <= EXACT_PIXELS
    if not whole.is_affine:
        return MeshPlacement(whole, columns, image_size, picture_size, maps, exact=exact)
    straight = AffinePlacement(whole.as_affine(), image_size, picture_size)
    # Draw small images through the mesh, too: then their pixels equal those of the service to the last digit.
    if exact and triangle_count(columns, image_size) <= straight.pixel_count():
        return MeshPlacement(whole, columns, image_size, picture_size, maps, exact=exact)
    return straight


def _local_from_level(level: int) -> AffineModel2D:
    """Return the affine from pixels of a mipmap level to local pixels: centres map to centres."""
    factor = float(2**level)
    shift = (factor - 1.0) / 2.0
    return AffineModel2D([[factor, 0, shift], [0, factor, shift]])
