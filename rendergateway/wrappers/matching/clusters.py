"""Clusters of the tiles of a stack, read section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from rendergateway.alignment.clusters import Clusters
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.matches import pair_ids
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.matching.pairs import PairSource
from rendergateway.wrappers.matching.selection import Selection
from rendergateway.wrappers.reading.z_values import unless_missing

__all__ = ["ClusterReader"]


@attrs.frozen(eq=False)
class ClusterReader:
    """
    Reads tiles and matches of a stack.

    Attributes
    ----------
    stack : Bound
        The stack.
    matches : PairSource
        The match collection.
    section_ids : callable
        From z to the section ids of a layer, which are the groups of its matches.
    between_groups : bool
        Whether matches of tiles of different groups count.
    """

    stack: Bound[StackKey]
    matches: PairSource
    section_ids: Callable[[float], Iterable[str]]
    between_groups: bool = True

    def clusters(self, z_values: Sequence[float], report: Callable[[int], object] = bool) -> Clusters:
        """
        Return the clusters of all tiles of some layers.

        *report* is called with the number of layers that are read.

        Notes
        -----
        Per layer ``section.tile_bounds``; per section id ``match.with_p_group`` or ``match.within_group``.
        """
        tile_ids: list[str] = []
        pairs: dict[str, tuple[list[str], list[str]]] = {}
        for count, z in enumerate(z_values, 1):
            tile_ids += self._tile_ids(z)
            for group in self.section_ids(z):
                if group not in pairs:
                    pairs[group] = self._pairs(group)
            report(count)
        return Clusters.of(tile_ids, pairs.values())

    def _tile_ids(self, z: float) -> list[str]:
        def read() -> Text:
            return self.stack.fetch("section.tile_bounds", z=z)

        ids: list[str] = TileTable(cut_list(unless_missing(self.stack, read, b"[]"))).tile_id.tolist()
        return ids

    def _pairs(self, group: str) -> tuple[list[str], list[str]]:
        selected = Selection(p_group=group) if self.between_groups else Selection(within=group)
        answers = self.matches.answers(self.matches.query(selected), points=False)
        ids = [pair_ids(text) for answer in answers for text in cut_list(answer)]
        return [one[1] for one in ids], [one[3] for one in ids]
