"""Tile groups: named sets of tiles within a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.model.records.stacks import NameRecord
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.keys import TileGroupKey
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.objects.stack import StackWrapper
from rendergateway.wrappers.reading.splitting import TileQuery

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["TileGroupWrapper"]


@add_base
class TileGroupWrapper(ObjectWrapper[NameRecord]):
    """
    A named set of tiles of a stack: those with its name as their ``groupId``.

    A tile is in one group or in none. A group exists as long as a tile is in it.
    """

    __slots__ = ()
    KIND = "tile_group"
    CHILD_KIND = "tile"
    RECORD = NameRecord

    _key: TileGroupKey

    @property
    def stack(self) -> StackWrapper:
        """The stack. No request."""
        return self._stack

    @property
    def _stack(self) -> StackWrapper:
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
        return stack

    @property
    def parent(self) -> StackWrapper:
        """The stack."""
        return self._stack

    @property
    def exists(self) -> bool:
        """
        Whether a tile is in the group.

        Notes
        -----
        As `tiles`.
        """
        return bool(len(self.tiles()))

    def tiles(self) -> Collection[TileWrapper]:
        """
        Return the tiles of this group, ordered by id.

        Notes
        -----
        No request now; one, ``stack.resolved_tiles``, when the collection is first read.
        """
        query = TileQuery(group=self._key.group)
        tiles: Collection[TileWrapper] = self._children(
            "tile", "tiles", lambda: self._stack._reader.query_listing(query)
        )
        return tiles

    def children(self) -> Collection[TileWrapper]:
        """Return the tiles."""
        return self.tiles()

    def _fetch(self) -> NameRecord:
        return NameRecord(name=self._key.group)
