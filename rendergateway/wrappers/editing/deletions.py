"""Tiles deleted: singly, by layer, by section id; and what would go, counted first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from rendergateway.errors import NotFoundError
from rendergateway.model import TileRecord
from rendergateway.model.records.json_slices import cut_list, encode
from rendergateway.wrappers.core.arguments import tile_id_of
from rendergateway.wrappers.reading.layers import Sections, z_values_of

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["Plan", "Removal", "Tiles", "count_stack"]

Tiles: TypeAlias = "str | TileRecord | TileWrapper | Iterable[str | TileRecord | TileWrapper]"


@attrs.frozen
class Removal:
    """
    What a deletion takes away: the answer of a dry run.

    Attributes
    ----------
    tile_count : int
        Tiles that are there now.
    section_count : int
        Layers that would be empty afterwards, where whole layers are deleted.
    """

    tile_count: int
    section_count: int = 0


@attrs.frozen
class Plan:
    """What is to be deleted from a stack."""

    stack: StackWrapper
    tile_ids: Sequence[str]
    z_values: Sequence[float]
    section_ids: Sequence[str]

    @classmethod
    def of(
        cls,
        stack: StackWrapper,
        tiles: Tiles | None,
        sections: Sections | None,
        section_ids: Iterable[str] | str | None,
    ) -> Plan:
        """
        Read what `StackEdit.delete` is given.

        Raises
        ------
        ValueError
            If that is nothing: it would not be clear whether all or none is meant.
        """
        if tiles is None and sections is None and section_ids is None:
            raise ValueError("say what goes: tiles, sections=… or section_ids=…; stack.delete() deletes all")
        z_values = [] if sections is None or _is_empty(sections) else z_values_of(stack, sections)
        names = [section_ids] if isinstance(section_ids, str) else list(section_ids or ())
        return cls(stack, _ids_of(tiles), z_values, names)

    def requests(self) -> Iterator[Callable[[], int]]:
        """Yield what deletes each part; each call counts as one."""
        for tile_id in self.tile_ids:
            yield partial(self._delete, "tile.delete", tile_id=tile_id)
        for z in self.z_values:
            yield partial(self._delete, "section.delete", z=z)
        for section_id in self.section_ids:
            yield partial(self._delete, "section_id.delete", section_id=section_id)

    def _delete(self, endpoint: str, **values: Any) -> int:
        self.stack._call(endpoint, **values)
        return 1

    def count(self, at_once: int = 5000) -> Removal:
        """Return what would go; tiles that are named in several ways are counted once for each."""
        ids = self.tile_ids
        tiles = sum(self._there(ids[start : start + at_once]) for start in range(0, len(ids), at_once))
        layers = [self._listed("section.tile_bounds", z=z) for z in self.z_values]
        sections = [self._listed("section_id.tile_bounds", section_id=name) for name in self.section_ids]
        return Removal(tiles + sum(layers) + sum(sections), sum(map(bool, layers)))

    def _there(self, tile_ids: Sequence[str]) -> int:
        return len(cut_list(self.stack._text("stack.tile_specs", body=encode(list(tile_ids)))))

    def _listed(self, endpoint: str, **values: Any) -> int:
        try:
            return len(cut_list(self.stack._text(endpoint, **values)))
        except NotFoundError:
            self.stack._text("stack.read")
            return 0


def count_stack(stack: StackWrapper) -> Removal:
    """
    Return what is in a stack.

    Notes
    -----
    ``stack.read``; where the stack is LOADING and nothing was counted, ``stack.tile_ids`` and ``stack.z_values``.
    """
    stats = stack.reload().stats
    if stats is not None:
        return Removal(stats.tile_count or 0, stats.section_count or 0)
    return Removal(len(stack._call("stack.tile_ids")), len(stack._call("stack.z_values")))


def _is_empty(sections: Sections) -> bool:
    return isinstance(sections, Sequence) and not len(sections)


def _ids_of(tiles: Tiles | None) -> list[str]:
    if tiles is None:
        return []
    given = [tiles] if isinstance(tiles, str | TileRecord) or not isinstance(tiles, Iterable) else tiles
    return list(dict.fromkeys(map(tile_id_of, given)))
