"""From the world back to a tile: through the triangle mesh that the real service uses."""

from __future__ import annotations

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.domain.tile_transforms import transform_of
from rendergateway.transforms import MeshInverse
from rendergateway.wire import TileSpec

__all__ = ["LocalFromWorld"]

_CELL_SIZE = 64.0


class LocalFromWorld:
    """
    The way back from world to local pixels of one tile.

    Parameters
    ----------
    tile : TileSpec
        With flat transforms.
    cell_size : float, optional
        How far apart the corners of the mesh lie; the tile's own without one.

    Raises
    ------
    IllegalState
        If the tile's size is not known, or no mesh can span it.
    IllegalArgument
        If one of its transforms cannot be made.
    """

    def __init__(self, tile: TileSpec, cell_size: float | None = None) -> None:
        self._mesh: MeshInverse | None = None
        if not (tile.transforms and tile.transforms.specList):
            return
        if tile.width is None or tile.height is None:
            raise IllegalState("width and height must be set to create transform mesh")
        size = float(tile.width), float(tile.height), float(cell_size or tile.meshCellSize or _CELL_SIZE)
        try:
            self._mesh = MeshInverse(transform_of(tile.transforms), *size)
        except TransformError as error:
            raise IllegalState(str(error)) from error

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return local pixels, shape (N, 2); not a number where a point cannot be brought back."""
        # A tile without transforms gives every point back, inside it or not.
        return points if self._mesh is None else self._mesh.find(points)
