"""
Maps between local and world pixels of tiles; into a tile through the triangle mesh of the real service.

The transforms of a tile end with an affine of its own; those before it, often one lens correction, are the same for
many tiles, and are read, applied and turned into a mesh once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Sequence

import attrs
import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.domain.tile_transforms import Affine, last_affine, matrices_of, transform_of
from rendergateway.transforms import MeshInverse, Transform, affines_apply
from rendergateway.transforms.base.matrices import apply_matrix
from rendergateway.wire import Spec, SpecList, TileSpec, encode, flatten, references

__all__ = ["TileKind", "TileMap", "TileMaps"]

# Points that are transformed together: transforms round each of many points differently from each of a few.
_POINTS_AT_ONCE = 2000


class TileKind:
    """
    The map that tiles of one size and with the same first transforms have in common; each has an affine after it.

    Parameters
    ----------
    head : SpecList
        The first transforms, flat.
    size : tuple
        Width and height of the image, and the cell size of the mesh, in local pixels.
    has_affine : bool
        Whether each tile has an affine.

    Attributes
    ----------
    unresolved : list
        Ids of missing shared transforms.
    """

    def __init__(self, head: SpecList, size: tuple[float | None, float | None, float], *, has_affine: bool) -> None:
        self.unresolved = references(head)
        self._head = head
        self._size = size
        self._has_affine = has_affine
        self._is_bare = not has_affine and not head.specList

    @functools.cached_property
    def _transform(self) -> Transform:
        return transform_of(self._head)

    @functools.cached_property
    def _mesh(self) -> MeshInverse:
        width, height, cell_size = self._size
        if width is None or height is None:
            raise IllegalState("width and height must be set to create transform mesh")
        try:
            return MeshInverse(self._transform, width, height, cell_size)
        except TransformError as error:
            raise IllegalState(str(error)) from error

    @property
    def is_finite(self) -> bool:
        """Whether a point without a source in a tile is outside of it: NaN maps each point to NaN."""
        return self._is_bare or self._transform.is_finite

    def world_from_local(self, points: FloatArray, affines: Sequence[Affine | None]) -> FloatArray:
        """
        Map points (N, 2) of tiles into the world.

        Parameters
        ----------
        points : ndarray, shape (N, 2)
            Local pixels.
        affines : sequence of N tuples or None
            The last affine of the tile of each point; one for points of one tile.

        Raises
        ------
        IllegalArgument
            If a transform is malformed or of an unknown class.
        """
        matrices = self._matrices(affines)
        world = np.empty_like(points)
        for start in range(0, len(points), _POINTS_AT_ONCE):
            some = slice(start, start + _POINTS_AT_ONCE)
            world[some] = self._transform.apply(points[some])
        if matrices is None:
            return world
        return (
            affines_apply(matrices, world[:, np.newaxis])[:, 0]
            if len(matrices) > 1
            else apply_matrix(matrices[0], world)
        )

    def local_from_world(self, points: FloatArray, affines: Sequence[Affine | None]) -> FloatArray:
        """
        Map world points (N, 2) into tiles; NaN for points outside the mesh.

        Raises
        ------
        IllegalState
            If the tiles have no width or height, or no mesh can be built.
        IllegalArgument
            If a transform is malformed or of an unknown class.
        """
        # Without transforms every point maps to itself, even outside the tile.
        return points if self._is_bare else self._mesh.find(points, self._matrices(affines))

    def _matrices(self, affines: Sequence[Affine | None]) -> FloatArray | None:
        return matrices_of([affine for affine in affines if affine is not None]) if self._has_affine else None


@attrs.frozen(eq=False)
class TileMap:
    """
    The map of one tile.

    Attributes
    ----------
    kind : TileKind
    affine : tuple of float or None
        The last transform of the tile, if that is a plain affine.
    z : float or None
    """

    kind: TileKind
    affine: Affine | None
    z: float | None

    @property
    def is_finite(self) -> bool:
        """Whether all parameters of the transforms are finite numbers."""
        return self.kind.is_finite and (self.affine is None or all(map(math.isfinite, self.affine)))

    @property
    def tail(self) -> list[float]:
        """The z of the tile, as it follows x and y in answers."""
        return [] if self.z is None else [float(self.z)]

    def world_from_local(self, points: FloatArray) -> FloatArray:
        """Map points (N, 2) into the world; see `TileKind.world_from_local`."""
        return self.kind.world_from_local(points, [self.affine])

    def local_from_world(self, points: FloatArray) -> FloatArray:
        """Map world points (N, 2) into the tile; see `TileKind.local_from_world`."""
        return self.kind.local_from_world(points, [self.affine] * len(points))


class TileMaps:
    """
    The kinds of the tiles of a request.

    Parameters
    ----------
    copies : callable
        Returns a lookup of shared transforms, see `flatten`; called once per kind.
    """

    def __init__(self, copies: Callable[[], Callable[[str], Spec | None]]) -> None:
        self._copies = copies
        self._kinds: dict[Hashable, TileKind] = {}

    def of(self, tile: TileSpec, cell_size: float | None = None) -> TileMap:
        """
        Return the map of *tile*.

        Parameters
        ----------
        tile : TileSpec
        cell_size : float, optional
            Distance between mesh vertices in local pixels; defaults to that of the tile.
        """
        specs = tile.transforms.specList if tile.transforms else []
        affine = last_affine(specs)
        head = SpecList(specList=specs if affine is None else specs[:-1])
        # The cell size of a posted tile may be null, which is 0.
        cell_size = float(tile.meshCellSize or 0.0) if cell_size is None else cell_size
        size = (_float(tile.width), _float(tile.height), cell_size)
        key = encode(head), size, affine is None
        if key not in self._kinds:
            self._kinds[key] = TileKind(flatten(head, self._copies()), size, has_affine=affine is not None)
        return TileMap(self._kinds[key], affine, tile.z)


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)
