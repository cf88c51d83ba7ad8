"""Warps of montages to aligned stacks: one thin-plate spline per section, fitted to tile centres."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from rendergateway.errors import FitError, NotFoundError, RecordError
from rendergateway.geometry import FloatArray
from rendergateway.hash_order import hash_order
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tile_text.centers import tile_centers
from rendergateway.model.tile_text.edits import changed_transforms, reference_text
from rendergateway.number_text import double_text
from rendergateway.transforms.fitting.ordered_spline import fit_ordered_spline
from rendergateway.wrappers.editing.batches import Validate
from rendergateway.wrappers.editing.edit import StackEdit
from rendergateway.wrappers.editing.sources import shared_text
from rendergateway.wrappers.reading.tiles import StackReader

__all__ = ["Warp", "Warped", "WarpedLayer", "save_warped"]

_LEAST = 3


@attrs.frozen
class Warped:
    """
    Result of `StackWrapper.warp_to`.

    Attributes
    ----------
    stack : StackWrapper
        The warped stack.
    tile_count : int
        Number of saved tiles.
    dropped : dict of str to str
        Reason for each tile that was not saved, by id.
    """

    stack: Any
    tile_count: int
    dropped: Mapping[str, str]


@attrs.frozen(eq=False)
class WarpedLayer:
    """
    The warped tiles of a section.

    Attributes
    ----------
    texts : list of JSON text
        The tiles.
    transforms : dict of str to bytes
        The splines, by id.
    dropped : dict of str to str
        Reason for each tile that is not warped, by id.
    """

    texts: list[bytes]
    transforms: dict[str, bytes]
    dropped: dict[str, str]


@attrs.frozen(eq=False)
class Warp:
    """
    The warp of sections of a montage.

    Attributes
    ----------
    montage, aligned : StackReader
        The stacks, with the same tiles.
    common_only : bool
        Whether tiles that are not in the aligned stack are left out.
    clusters : callable, optional
        From z to clusters of tile ids, with one spline each; tiles in no cluster are left out.
    """

    montage: StackReader
    aligned: StackReader
    common_only: bool = False
    clusters: Callable[[float], Iterable[Sequence[str]]] | None = None

    def layer(self, z: float) -> WarpedLayer:
        """
        Return the warped tiles of a section.

        Raises
        ------
        NotFoundError
            If one of the stacks lacks the section.
        RecordError
            If they have no tile in common there.
        FitError
            If the centres do not determine a spline.
        """
        tiles, goal = (_existing(reader, z) for reader in (self.montage, self.aligned))
        dropped: dict[str, str] = {}
        if self.common_only:
            dropped |= dict.fromkeys(tiles.tiles.keys() - goal.tiles.keys(), "not in the aligned stack")
        prefix = double_text(z)
        if self.clusters is None:
            chosen = {f"{prefix}_TPS": [tile_id for tile_id in tiles.tiles if tile_id not in dropped]}
        else:
            clusters = list(self.clusters(z))
            chosen = {f"{prefix}_cluster_{number}_TPS": list(some) for number, some in enumerate(clusters)}
            found = {tile_id for some in clusters for tile_id in some}
            dropped |= dict.fromkeys(tiles.tiles.keys() - found, "in no cluster that is large enough")
        layer = WarpedLayer([], {}, dropped)
        for name, tile_ids in chosen.items():
            self._add(layer, name, [one for one in tile_ids if one in tiles.tiles], tiles, goal)
        return layer

    def _add(
        self, layer: WarpedLayer, name: str, tile_ids: Sequence[str], tiles: ResolvedTiles, goal: ResolvedTiles
    ) -> None:
        # The order of the clients' maps of tiles, which shows in the last digits.
        common = hash_order((tile_id for tile_id in tile_ids if tile_id in goal.tiles), 2 * len(tiles))
        if self.clusters is not None and len(common) < _LEAST:
            layer.dropped.update(dict.fromkeys(tile_ids, f"fewer than {_LEAST} tiles of its cluster are aligned"))
            return
        if not common:
            raise RecordError(f"{name}: montage and align tile lists do not contain common tile ids")
        try:
            spline = fit_ordered_spline(_centers(tiles, common), _centers(goal, common))
        except FitError as error:
            raise FitError(f"{name}: the centres of {len(common)} tiles do not determine a warp: {error}") from error
        layer.transforms[name] = shared_text(name, spline)
        reference = reference_text(name)
        layer.texts.extend(changed_transforms(tiles.tiles[one], "append", reference, {}) for one in tile_ids)


def _existing(reader: StackReader, z: float) -> ResolvedTiles:
    tiles = reader.layer(z)
    if not len(tiles):
        raise NotFoundError(f"stack {reader.stack} has no section at z {z:g}")
    return tiles


def _centers(tiles: ResolvedTiles, tile_ids: Sequence[str]) -> FloatArray:
    return tile_centers([tiles.tiles[tile_id] for tile_id in tile_ids], tiles.shared())


def save_warped(edit: StackEdit, warp: Warp, z_values: Iterable[float], *, validate: Validate, invalid: str) -> int:
    """
    Save the warped tiles of sections; return their number. Tiles that are left out are added to ``edit.dropped``.

    Raises
    ------
    RecordError
        As for `StackEdit.put`; also if no tile of a section is left.
    """
    saved = 0
    for z in z_values:
        layer = warp.layer(z)
        edit.dropped.update(layer.dropped)
        given: dict[str, Text] = {**layer.transforms}
        batches = edit.batches(boxes="service", validate=validate, invalid=invalid, given=given, allow_nan=True)
        ready = list(batches.of((text, warp.montage.shared.text) for text in layer.texts))
        if not ready:
            raise RecordError(f"no tiles left to save after filtering invalid tiles for z {double_text(z)}")
        saved += edit.save(ready)
    return saved
