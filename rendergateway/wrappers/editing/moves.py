"""Moves of tiles to other sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import attrs
import numpy as np

from rendergateway.errors import NotFoundError
from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import Text, cut_list, encode
from rendergateway.model.records.tiles import TileBoundsRecord
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.wrappers.core.arguments import as_z
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.editing.sources import SourcedTile
from rendergateway.wrappers.reading.tiles import StackReader, tiles_in_box
from rendergateway.wrappers.reading.z_values import unless_missing, z_values_of

__all__ = ["Move", "NewZ"]

# The new z, or the function that returns it for an old one.
NewZ: TypeAlias = float | Callable[[float], float]


_IDS_PER_REQUEST = 5000


@attrs.frozen
class Move:
    """
    Tiles and their new sections.

    Attributes
    ----------
    tile_ids : dict of (float, float) to list of str
        Ids of the tiles by old and new z; the old one is NaN for tiles that are named.
    """

    tile_ids: Mapping[tuple[float, float], Sequence[str]]

    @classmethod
    def named(cls, stack: Bound[StackKey], z: NewZ, tile_ids: Sequence[str], *, missing: str) -> Move:
        """
        Return the move of single tiles.

        Raises
        ------
        NotFoundError
            If one does not exist, unless *missing* is ``skip``.
        TypeError, ValueError
            If *z* is not a finite number, or *missing* is unknown.
        """
        if missing not in ("raise", "skip"):
            raise ValueError(f"missing must be 'raise' or 'skip', got {missing!r}")
        if callable(z):
            raise TypeError("z must be a number for tiles that are named; a function needs sections=")
        if missing == "raise":
            absent = _absent(stack, tile_ids)
            if absent:
                named = ", ".join(map(repr, absent[:3]))
                raise NotFoundError(f"{len(absent)} tiles are not in stack {stack}: {named}; nothing was moved")
        return cls({(np.nan, as_z(z)): list(tile_ids)})

    @classmethod
    def of_sections(
        cls, stack: Bound[StackKey], z: NewZ, sections: Any, section_ids: Iterable[str] | None, box: Bounds | None
    ) -> Move:
        """
        Return the move of tiles by section, section id in their layouts, and box; all are listed now.

        Raises
        ------
        NotFoundError
            If there are none.
        """
        wanted = None if section_ids is None else frozenset(section_ids)
        found: dict[tuple[float, float], list[str]] = {}
        for layer in z_values_of(stack, sections):
            rows = _rows(stack, layer, box)
            ids = [row.tile_id for row in rows if wanted is None or row.section_id in wanted]
            if ids:
                found[layer, as_z(z(layer) if callable(z) else z)] = ids
        if not found:
            where = "" if wanted is None else f" with section id {', '.join(sorted(wanted))}"
            raise NotFoundError(f"stack {stack} has no such tiles{where}; nothing was moved")
        return cls(found)

    def requests(self, stack: Bound[StackKey], batch: int) -> Iterator[Callable[[], int]]:
        """Yield the requests that move the tiles within their stack; each returns the number of tiles."""
        for (_, z), tile_ids in self.tile_ids.items():
            for start in range(0, len(tile_ids), batch):
                yield partial(_take, stack, z, tile_ids[start : start + batch])

    def copies(self, source: StackReader) -> Iterator[SourcedTile]:
        """Yield the tiles of another stack with their new z."""
        for (layer, z), tile_ids in self.tile_ids.items():
            tiles = source.layer(layer).tiles
            texts = [tiles[tile_id] for tile_id in tile_ids if tile_id in tiles]
            for text in TileTable(texts).evolve(z=z).texts:
                yield text, source.shared.text


def _absent(stack: Bound[StackKey], tile_ids: Sequence[str]) -> list[str]:
    found = set[str]()
    for start in range(0, len(tile_ids), _IDS_PER_REQUEST):
        answer = stack.fetch("stack.tile_specs", body=encode(tile_ids[start : start + _IDS_PER_REQUEST]))
        found.update(TileTable(cut_list(answer)).tile_id.tolist())
    return [tile_id for tile_id in tile_ids if tile_id not in found]


def _rows(stack: Bound[StackKey], z: float, box: Bounds | None) -> list[TileBoundsRecord]:
    def read() -> list[Text]:
        return list(cut_list(stack.fetch("section.tile_bounds", z=z)))

    texts = dict(enumerate(unless_missing(stack, read, [])))
    chosen = texts if box is None else tiles_in_box({str(row): text for row, text in texts.items()}, box)
    return list(map(TileBoundsRecord.from_json, chosen.values()))


def _take(stack: Bound[StackKey], z: float, tile_ids: Sequence[str]) -> int:
    stack.call("section.take_tiles", z=z, body=tile_ids)
    return len(tile_ids)
