"""Deletion of tiles, sections and stacks, and dry runs that count first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import attrs

from rendergateway.errors import NotFoundError
from rendergateway.model.records.json_slices import cut_list, encode
from rendergateway.model.records.stacks import StackRecord
from rendergateway.model.records.tiles import TileRecord
from rendergateway.wrappers.core.arguments import as_name, tile_id_of
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.reading.tiles import tile_ids_of
from rendergateway.wrappers.reading.z_values import z_values_of

__all__ = ["Deletion", "Removal", "Tiles", "count_stack", "named_ids"]

Tile: TypeAlias = str | TileRecord | ObjectWrapper[TileRecord]
Tiles: TypeAlias = Tile | Iterable[Tile]


@attrs.frozen
class Removal:
    """
    The result of a dry run: what a deletion would remove.

    Attributes
    ----------
    tile_count : int
        Existing tiles that would be deleted.
    section_count : int
        Layers that would be empty, if whole layers are deleted.
    pair_count : int
        Match pairs that would be deleted.
    """

    tile_count: int = 0
    section_count: int = 0
    pair_count: int = 0


@attrs.frozen
class Deletion:
    """Tiles to delete from a stack."""

    stack: Bound[StackKey]
    tile_ids: Sequence[str] = ()
    z_values: Sequence[float] = ()
    section_ids: Sequence[str] = ()

    @classmethod
    def of(
        cls, stack: Bound[StackKey], tiles: Tiles | None, sections: Any, section_ids: Iterable[str] | str | None
    ) -> Deletion:
        """
        Read the arguments of `StackEdit.delete`.

        Raises
        ------
        ValueError
            If all are None, which could mean nothing or everything.
        """
        if tiles is None and sections is None and section_ids is None:
            raise ValueError("pass tiles, sections= or section_ids=; stack.delete() deletes the whole stack")
        z_values = [] if sections is None or _is_empty(sections) else z_values_of(stack, sections)
        given = section_ids if isinstance(section_ids, Iterable) and not isinstance(section_ids, str) else [section_ids]
        names = [] if section_ids is None else [as_name(name, "section id") for name in given]
        return cls(stack, named_ids(tiles), z_values, names)

    def requests(self) -> Iterator[Callable[[], int]]:
        """Yield a function per request; each returns 1."""
        for tile_id in self.tile_ids:
            yield partial(self._delete, "tile.delete", tile_id=tile_id)
        for z in self.z_values:
            yield partial(self._delete, "section.delete", z=z)
        for section_id in self.section_ids:
            yield partial(self._delete, "section_id.delete", section_id=section_id)

    def _delete(self, endpoint: str, **values: Any) -> int:
        self.stack.call(endpoint, **values)
        return 1

    def count(self, batch: int = 5000) -> Removal:
        """Return what would be deleted; tiles that are selected in several ways are counted once for each."""
        ids = self.tile_ids
        tiles = sum(self._existing(ids[start : start + batch]) for start in range(0, len(ids), batch))
        layers = [self._listed("section.tile_bounds", z=z) for z in self.z_values]
        sections = [self._listed("section_id.tile_bounds", section_id=name) for name in self.section_ids]
        return Removal(tiles + sum(layers) + sum(sections), sum(map(bool, layers)))

    def _existing(self, tile_ids: Sequence[str]) -> int:
        return len(cut_list(self.stack.fetch("stack.tile_specs", body=encode(list(tile_ids)))))

    def _listed(self, endpoint: str, **values: Any) -> int:
        try:
            return len(cut_list(self.stack.fetch(endpoint, **values)))
        except NotFoundError:
            self.stack.fetch("stack.read")
            return 0


def count_stack(stack: Bound[StackKey]) -> Removal:
    """
    Return the content of a stack.

    Notes
    -----
    ``stack.read``; if the stack is LOADING and has no statistics, ``stack.tile_ids`` and ``stack.z_values``.
    """
    stats = StackRecord.from_json(stack.fetch("stack.read")).stats
    if stats is not None:
        return Removal(stats.tile_count or 0, stats.section_count or 0)
    return Removal(len(tile_ids_of(stack)), len(stack.call("stack.z_values")))


def _is_empty(sections: object) -> bool:
    return isinstance(sections, Sequence) and not len(sections)


def named_ids(tiles: Any) -> list[str]:
    """Return the ids of tiles, each once; none for None."""
    if tiles is None:
        return []
    given = [tiles] if isinstance(tiles, str | TileRecord) or not isinstance(tiles, Iterable) else tiles
    return list(dict.fromkeys(map(tile_id_of, given)))
