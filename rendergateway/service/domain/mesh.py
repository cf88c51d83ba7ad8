"""From the world back to a tile: through the triangle mesh that the real service uses."""

from __future__ import annotations

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.service.base.refusals import IllegalArgument, IllegalState
from rendergateway.service.domain.boxes import leaf_transform
from rendergateway.transforms import InterpolatedTransform, MeshInverse, Transform, TransformList
from rendergateway.wire import Interpolated, Leaf, Reference, Spec, SpecList, TileSpec

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
            self._mesh = MeshInverse(_transform_of(tile.transforms), *size)
        except TransformError as error:
            raise IllegalState(str(error)) from error

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return local pixels, shape (N, 2); not a number where a point cannot be brought back."""
        # A tile without transforms gives every point back, inside it or not.
        return points if self._mesh is None else self._mesh.find(points)


def _transform_of(spec: Spec | None) -> Transform:
    if isinstance(spec, Leaf):
        return leaf_transform(spec.className, spec.dataString, spec.id)
    if isinstance(spec, SpecList):
        return TransformList(map(_transform_of, spec.specList))
    if isinstance(spec, Interpolated):
        return InterpolatedTransform(_transform_of(spec.a), _transform_of(spec.b), float(spec.lambda_ or 0.0))
    if isinstance(spec, Reference):
        raise IllegalArgument(f"spec reference to id '{spec.refId}' has not been resolved")
    raise IllegalArgument("a transform is missing")
