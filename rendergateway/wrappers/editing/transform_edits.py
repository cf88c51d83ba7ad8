"""Edits of the transforms of many tiles: one transform for all, or one per tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy.typing as npt

from rendergateway.errors import NotFoundError
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import to_text
from rendergateway.model.tile_text.edits import WAYS, affine_texts, changed_transforms, reference_text
from rendergateway.model.tile_text.outlines import outline_of
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.arguments import tile_id_of
from rendergateway.wrappers.editing.sources import SourcedTile, shared_text
from rendergateway.wrappers.reading.tiles import StackReader, z_values_of

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
    """

    how: str
    for_all: bytes | None = None
    by_tile: Mapping[str, bytes] = attrs.field(factory=dict)
    given: Mapping[str, bytes] = attrs.field(factory=dict)

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
        return self.for_all is None

    def tiles(self, source: StackReader, sections: Any) -> Iterator[SourcedTile]:
        """Yield the edited tiles, freshly read, section by section."""
        if not self.is_by_tile:
            found = _of_sections(source, z_values_of(source.stack, sections))
        elif sections is None:
            found = source.named(self.by_tile)
        else:
            found = _of_sections(source, z_values_of(source.stack, sections), self.by_tile)
        for tile_id, text in found:
            new = self.for_all or self.by_tile[tile_id]
            yield changed_transforms(text, self.how, new, source.shared), source.shared.text


def _own_text(tile: object, transform: object) -> bytes:
    if not isinstance(transform, Transform):
        raise TypeError(f"the change of tile {tile} must be a transform, like AffineModel2D(matrix), got {transform!r}")
    return to_text(transform)


def _of_sections(
    source: StackReader, z_values: Iterable[float], tile_ids: Iterable[str] | None = None
) -> Iterator[tuple[str, Text]]:
    """Yield the tiles of layers, or those with the given ids, which must all exist."""
    left = None if tile_ids is None else dict.fromkeys(tile_ids)
    for z in z_values:
        for tile_id, text in source.layer(z).tiles.items():
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
