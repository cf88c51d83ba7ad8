"""Edits by clusters of matched tiles: unconnected tiles removed, clusters moved to layers of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from rendergateway.alignment.clusters import Clusters
from rendergateway.errors import RecordError
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.number_text import double_text
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.editing.edit import StackEdit
from rendergateway.wrappers.editing.tile_selection import ids_of_layer
from rendergateway.wrappers.reading.tiles import StackReader

__all__ = ["ClusterLayers", "ClusterSplit", "save_layers_in", "unconnected_tiles"]


@attrs.frozen
class ClusterSplit:
    """
    Result of `StackWrapper.split_clusters`.

    Attributes
    ----------
    stack : StackWrapper
        The stack with the split layers.
    layers : dict of float to list of float
        By former z: the layers of its clusters, largest cluster first.
    clusters : dict of float to list of tuple of str
        By former z: ids of the tiles of each of these clusters.
    removed : dict of float to list of str
        By former z: ids of the tiles that are not in it, without a match or in small clusters.
    """

    stack: Any
    layers: Mapping[float, list[float]]
    clusters: Mapping[float, list[tuple[str, ...]]]
    removed: Mapping[float, list[str]]


@attrs.frozen(eq=False)
class ClusterLayers:
    """
    The new layers of the tiles of some clusters.

    Attributes
    ----------
    z_of : mapping of str to float
        By tile id; tiles that are removed are missing.
    layers, clusters, removed
        As for `ClusterSplit`.
    """

    z_of: Mapping[str, float]
    layers: Mapping[float, list[float]]
    clusters: Mapping[float, list[tuple[str, ...]]]
    removed: Mapping[float, list[str]]

    @classmethod
    def of(
        cls, clusters: Mapping[float, Clusters], layers_per_z: int, max_size: int | None, fraction: float | None
    ) -> ClusterLayers:
        """
        Place the clusters of each layer.

        Raises
        ------
        RecordError
            If no tiles of a layer are connected, or it has more clusters than there are layers for them.
        """
        z_of: dict[str, float] = {}
        layers: dict[float, list[float]] = {}
        kept_of: dict[float, list[tuple[str, ...]]] = {}
        removed: dict[float, list[str]] = {}
        for z, found in clusters.items():
            small = set(found.small(max_size, fraction))
            kept = [part for part in found.connected if part not in small]
            if not kept:
                raise RecordError(f"no tiles of z {z:g} are connected by matches; leave it out of sections=")
            if len(kept) > layers_per_z:
                raise RecordError(
                    f"z {z:g} has {len(kept)} clusters: got layers_per_z={layers_per_z}; use more, or remove small ones"
                )
            layers[z] = [z * layers_per_z + place for place in range(len(kept))]
            kept_of[z] = kept
            z_of.update((tile_id, new) for new, part in zip(layers[z], kept, strict=True) for tile_id in part)
            if alone := found.unconnected(max_size, fraction):
                removed[z] = alone
        return cls(z_of, layers, kept_of, removed)

    @property
    def tile_ids(self) -> dict[float, list[str]]:
        """By former z: ids of the tiles of all clusters that are kept."""
        return {z: [tile_id for part in parts for tile_id in part] for z, parts in self.clusters.items()}

    def moved(self, tiles: TileTable) -> TileTable:
        """Return the tiles of clusters in their new layers; the former z is their tile group."""
        kept = tiles[[tile_id in self.z_of for tile_id in tiles.tile_id]] if len(tiles) else tiles
        new = [self.z_of[tile_id] for tile_id in kept.tile_id]
        return kept.evolve(z=new, group_id=[double_text(z) for z in kept.z])


def unconnected_tiles(
    clusters: Mapping[float, Clusters], max_size: int | None, fraction: float | None, keep: Bound[StackKey] | None
) -> dict[float, list[str]]:
    """
    Return the unconnected tiles of each layer, by z; layers that consist of them are left out.

    Notes
    -----
    One ``section.tile_bounds`` of *keep* per layer, if it is given.
    """
    found = {}
    for z, of_layer in clusters.items():
        kept = frozenset[str]() if keep is None else ids_of_layer(keep, z)
        alone = of_layer.unconnected(max_size, fraction, kept)
        if alone and len(alone) < of_layer.tile_count:
            found[z] = alone
    return found


def save_layers_in(
    edit: StackEdit,
    source: Bound[StackKey],
    tile_ids: Mapping[float, list[str]],
    change: Callable[[TileTable], TileTable] | None = None,
) -> None:
    """Save some tiles of layers of a stack, by z, with the shared transforms that they refer to."""
    reader = StackReader.fresh(source)
    for z, ids in tile_ids.items():
        layer = reader.layer(z).filtered(ids)
        if change is not None:
            layer = ResolvedTiles.of(change(TileTable(list(layer.tiles.values()))), layer.transforms)
        edit.put(layer, allow_nan=True)
