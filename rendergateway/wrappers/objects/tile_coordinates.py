"""Points of a tile in the world, and of the world in a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from rendergateway import transforms
from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.later import LaterModule
from rendergateway.model import TileRecord
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.object import ObjectWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.coordinates import locate as locating
    from rendergateway.wrappers.objects.tile import TileWrapper
else:
    locating = LaterModule("rendergateway.wrappers.coordinates.locate")

__all__ = ["TileCoordinates"]


class TileCoordinates(ObjectWrapper[TileRecord]):
    """Coordinates of one tile."""

    __slots__ = ()

    @property
    def _located(self) -> TileWrapper:
        return cast("TileWrapper", self)

    def world_from_local(self, points: npt.ArrayLike, *, where: str = "here") -> FloatArray:
        """
        Carry points of the image into the world.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in local pixels; they may lie outside of the image.
        where : {'here', 'service'}
            Computed here, or asked of the service.

        Returns
        -------
        ndarray, same shape
            x, y in world pixels.

        Raises
        ------
        TransformError
            If a transform of the tile cannot be applied; from the service a `CoordinateError`.

        Notes
        -----
        Here: as `resolved_transforms`. From the service: one request, ``coordinate.batch_world_from_local``, for each
        25 000 points.
        """
        tile = self._located
        if locating.is_here(where):
            return tile.resolved_transforms.apply(points)
        table = locating.world_from_local(tile.stack, tile.tile_id, points, where).raise_errors()
        return table.xy.reshape(np.shape(points))

    def local_from_world(self, points: npt.ArrayLike, *, where: str = "here", method: str = "exact") -> FloatArray:
        """
        Carry points of the world into the image.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in world pixels.
        where : {'here', 'service'}
            Computed here, or asked of the service, which knows only the mesh.
        method : {'exact', 'mesh'}
            *exact* inverts the transforms themselves, wherever the point lies. *mesh* gives the service's answers: up
            to some pixels off where a tile is strongly bent, and none outside of 0 … width − 1 and 0 … height − 1 or
            in a mirrored tile.

        Returns
        -------
        ndarray, same shape
            x, y in local pixels.

        Raises
        ------
        NotInvertibleError
            If a point has no place in the tile; from the service a `CoordinateError`.
        TransformError
            If a transform of the tile cannot be applied, or its size is not known (by mesh).

        Notes
        -----
        Here: as `resolved_transforms`. From the service: ``stack.tile_specs``, which tells the tile's z, and one
        ``coordinate.batch_local_from_world`` for each 25 000 points.
        """
        tile = self._located
        if not locating.is_here(where, method):
            table = locating.local_from_world(tile.stack, tile.tile_id, points, where, method).raise_errors()
            return table.xy.reshape(np.shape(points))
        if method == "exact":
            return tile.resolved_transforms.inverse().apply(points)
        return self._mesh_inverse().apply(points)

    def _mesh_inverse(self) -> Transform:
        tile = self._located
        if not len(tile.transforms):
            return tile.transforms
        if tile.width is None or tile.height is None:
            raise TransformError(f"tile {tile.tile_id!r} has no width or height: its mesh cannot be made")
        return transforms.mesh_inverse(
            tile.resolved_transforms,
            tile.width,
            tile.height,
            tile._obj.mesh_cell_size,
        )
