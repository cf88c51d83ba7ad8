"""World to local coordinates of one tile, through the triangle mesh of the real service."""

from __future__ import annotations

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.domain.tile_transforms import transform_of
from rendergateway.transforms import MeshInverse
from rendergateway.wire import TileSpec

__all__ = ["LocalFromWorld"]


class LocalFromWorld:
    """
    Map from world to local pixels of one tile.

    Parameters
    ----------
    tile : TileSpec
        With flat transforms.
    cell_size : float, optional
        Distance between mesh vertices in local pixels; defaults to that of the tile.

    Attributes
    ----------
    is_finite : bool
        Whether NaN means a point outside of the tile: under parameters that are not finite, each point is mapped to it.

    Raises
    ------
    IllegalState
        If the tile has no width or height, or no mesh can be built.
    IllegalArgument
        If one of its transforms is malformed or of an unknown class.
    """

    def __init__(self, tile: TileSpec, cell_size: float | None = None) -> None:
        self._mesh: MeshInverse | None = None
        self.is_finite = True
        if not (tile.transforms and tile.transforms.specList):
            return
        if tile.width is None or tile.height is None:
            raise IllegalState("width and height must be set to create transform mesh")
        size = float(tile.width), float(tile.height), _cell_size(tile) if cell_size is None else cell_size
        transform = transform_of(tile.transforms)
        self.is_finite = transform.is_finite
        try:
            self._mesh = MeshInverse(transform, *size)
        except TransformError as error:
            raise IllegalState(str(error)) from error

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return local pixels, shape (N, 2); NaN for points outside the mesh."""
        # Without transforms every point maps to itself, even outside the tile.
        return points if self._mesh is None else self._mesh.find(points)


def _cell_size(tile: TileSpec) -> float:
    # The cell size of a posted tile may be null, which is 0.
    return float(tile.meshCellSize) if tile.meshCellSize else 0.0
