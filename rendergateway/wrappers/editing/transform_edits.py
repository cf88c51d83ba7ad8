"""Edits of the transforms of many tiles: one transform for all, or one per tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy.typing as npt

from rendergateway.errors import NotFoundError
from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import to_text
from rendergateway.model.tile_text.edits import (
    WAYS,
    affine_texts,
    changed_transforms,
    reference_text,
    without_last_transforms,
)
from rendergateway.model.tile_text.outlines import outline_of
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.arguments import as_count, tile_id_of
from rendergateway.wrappers.editing.sources import SourcedTile, shared_text
from rendergateway.wrappers.reading.tiles import StackReader, tiles_in_box
from rendergateway.wrappers.reading.z_values import z_values_of

__all__ = ["Change", "referring"]


@attrs.frozen
class Change:
    """
    An edit of the transforms of tiles.

    Attributes
    ----------
    how : str
        One of `WAYS`.
    for_all : bytes, optional
        The transform for all tiles, or a reference to it.
    by_tile : mapping of str to bytes
        The transform of each tile, by its id.
    given : mapping of str to bytes
        A shared transform to store with the tiles.
    removed : int
        Number of transforms to remove from the end instead.
    """

    how: str = "append"
    for_all: bytes | None = None
    by_tile: Mapping[str, bytes] = attrs.field(factory=dict)
    given: Mapping[str, bytes] = attrs.field(factory=dict)
    removed: int | None = None

    @classmethod
    def removing(cls, count: int) -> Change:
        """
        Return the removal of the last transforms.

        Raises
        ------
        ValueError
            If *count* is below 0.
        """
        return cls(removed=as_count(count, "count", 0))

    @classmethod
    def of(
        cls,
        changes: Transform | Mapping[str, Transform] | tuple[Sequence[str], npt.ArrayLike],
        how: str,
        shared_id: str | None,
    ) -> Change:
        """
        Read the arguments of `StackEdit.apply`.

        Raises
        ------
        ValueError, TypeError
            If they cannot be combined.
        """
        if how not in WAYS:
            raise ValueError(f"how must be {', '.join(WAYS)}; got {how!r}")
        if isinstance(changes, Transform):
            return cls._of_one(changes, how, shared_id)
        if shared_id is not None:
            raise ValueError(f"shared_id={shared_id!r} requires one transform for all tiles, got one per tile")
        if isinstance(changes, Mapping):
            return cls(how, by_tile={tile_id_of(tile): _own_text(tile, one) for tile, one in changes.items()})
        if not isinstance(changes, tuple) or len(changes) != 2:
            raise TypeError(f"changes must be a transform, one per tile id, or (tile ids, matrices), got {changes!r}")
        tile_ids, matrices = changes
        return cls(how, by_tile=affine_texts(matrices, [tile_id_of(tile) for tile in tile_ids]))

    @classmethod
    def _of_one(cls, transform: Transform, how: str, shared_id: str | None) -> Change:
        if shared_id is None:
            return cls(how, to_text(transform))
        if how == "concatenate_last":
            raise ValueError("how='concatenate_last' changes the transform of each tile; it cannot be shared")
        return cls(how, reference_text(shared_id), given={shared_id: shared_text(shared_id, transform)})

    @property
    def is_by_tile(self) -> bool:
        """Whether each tile has its own transform."""
        return self.for_all is None and self.removed is None

    def tiles(self, source: StackReader, sections: Any, box: Bounds | None = None) -> Iterator[SourcedTile]:
        """
        Yield the edited tiles, freshly read, section by section.

        Raises
        ------
        NotFoundError
            If a tile or a section does not exist.
        ValueError
            If *box* is given with one transform per tile.
        """
        if not self.is_by_tile:
            found = _of_sections(source, z_values_of(source.stack, sections), box=box)
        elif box is not None:
            raise ValueError(f"box={tuple(box)} requires one transform for all tiles, got one per tile")
        elif sections is None:
            found = source.named(self.by_tile)
        else:
            found = _of_sections(source, z_values_of(source.stack, sections), self.by_tile)
        for tile_id, text in found:
            yield self._changed(tile_id, text, source.shared), source.shared.text

    def _changed(self, tile_id: str, text: Text, shared: Mapping[str, Transform]) -> bytes:
        if self.removed is not None:
            return without_last_transforms(text, self.removed)
        return changed_transforms(text, self.how, self.for_all or self.by_tile[tile_id], shared)


def _own_text(tile: object, transform: object) -> bytes:
    if not isinstance(transform, Transform):
        raise TypeError(f"the change of tile {tile} must be a transform, like AffineModel2D(matrix), got {transform!r}")
    return to_text(transform)


def _of_sections(
    source: StackReader,
    z_values: Iterable[float],
    tile_ids: Iterable[str] | None = None,
    box: Bounds | None = None,
) -> Iterator[tuple[str, Text]]:
    """Yield the tiles of layers that touch *box*, or those with the given ids; layers and ids must all exist."""
    left = None if tile_ids is None else dict.fromkeys(tile_ids)
    for z in z_values:
        tiles = source.layer(z).tiles
        if not tiles:
            raise NotFoundError(f"stack {source.stack} has no section at z {z:g}")
        for tile_id, text in (tiles if box is None else tiles_in_box(tiles, box)).items():
            if left is None or tile_id in left:
                yield tile_id, text
            if left is not None:
                left.pop(tile_id, None)
    if left:
        named = ", ".join(map(repr, list(left)[:3]))
        raise NotFoundError(f"{len(left)} tiles are not in these sections of stack {source.stack}: {named}")


def referring(source: StackReader, shared_id: str) -> Iterator[SourcedTile]:
    """Yield the tiles that refer to a shared transform."""
    for _, text in _of_sections(source, z_values_of(source.stack, None)):
        if shared_id in outline_of(text).references:
            yield text, source.shared.text
