"""Reading pairs of one match collection, or of several merged ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

import attrs

from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text
from rendergateway.type_hints import resolvable_hints
from rendergateway.wrappers.core.arguments import as_name, check_kind
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.collection import Collection, Listing, streamed
from rendergateway.wrappers.core.keys import CollectionKey, PairKey, Scope
from rendergateway.wrappers.matching.selection import Group, Ids, PairQuery, Selection, Tile, side_of
from rendergateway.wrappers.matching.world import known_frame, residuals_of, table_in_world, tile_ids_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.model.records.stacks import StackRecord
    from rendergateway.model.tables.match_points import MatchReader
    from rendergateway.model.tables.match_table import MatchTable
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["PairReading", "PairSource", "Selected"]

P = TypeVar("P")

# Endpoints whose answers may leave the points out.
_WITHOUT_POINTS = {"match.with_p_group", "match.within_group", "match.outside_group", "match.between_groups"}


class Selected(TypedDict, total=False):
    """Keyword arguments that select pairs, see `PairReading.pairs`."""

    within: Group | None
    between: tuple[Group, Group] | None
    outside: Group | None
    tile: Tile | None
    p_group: Group | None


@attrs.frozen
class PairSource:
    """
    Where pairs are read.

    Attributes
    ----------
    collection : Bound
        The match collection; of merged ones the first.
    merged : tuple of str
        Names of the collections that the service merges into it.
    p_groups : callable
        Reads the p groups of all of them.
    scope : tuple of str
        The writes that invalidate the pairs.
    above : ObjectWrapper, optional
        What pairs keep alive.
    """

    collection: Bound[CollectionKey]
    merged: tuple[str, ...]
    p_groups: Callable[[], list[str]]
    scope: Scope
    above: Any = None

    def query(self, selection: Selection) -> PairQuery:
        """Return the requests of a selection."""
        return selection.query(self.p_groups)

    def answers(self, query: PairQuery, points: bool = True) -> Iterator[Text]:
        """Make the requests one by one; yield the answers."""
        for endpoint, values in query.requests:
            yield self.collection.fetch(endpoint, **values, **self._options(endpoint, points))

    def columns(self, query: PairQuery) -> Iterator[MatchReader]:
        """Make the requests one by one; yield the columns of the answers, with the sides as stored."""
        from rendergateway.model.tables.match_points import MatchReader

        for endpoint, values in query.requests:
            options = self._options(endpoint, True)
            yield self.collection.fetch_into(endpoint, partial(MatchReader, with_ids=True), **values, **options)

    def _options(self, endpoint: str, points: bool) -> dict[str, Any]:
        if self.merged:
            return {"merge_collection": self.merged}
        return {"exclude_match_details": True} if not points and endpoint in _WITHOUT_POINTS else {}

    def read(self, selection: Selection, points: bool) -> Listing:
        """List the selected pairs, ordered by groups and ids as text."""
        query = self.query(selection)
        found = [pair for answer in self.answers(query, points) for pair in query.faced(answer)]
        return self.listing(sorted(found, key=lambda pair: pair[0]))

    def listing(self, pairs: list[tuple[Ids, Raw | bytes]]) -> Listing:
        """Return pairs as a listing."""
        return Listing([ids for ids, _ in pairs], self.key_of, [text for _, text in pairs])

    def key_of(self, ids: Ids) -> PairKey:
        """Return the key of a pair."""
        return PairKey(*self.collection.key, *ids, self.merged)


@resolvable_hints
class PairReading(Generic[P]):
    """
    Reading of a match collection, or of several merged ones.

    Pairs are selected by at most one criterion:

    - *within*: both tiles are in this group;
    - *between*: one tile is in each of these two groups;
    - *outside*: exactly one tile is in this group;
    - *tile*: one of the two is this tile, passed as a tile or as (group, id);
    - *p_group*: the first tile, as stored, is in this group.

    A group is a section, which means its section ids, a match group, or a group id. The first group of *between*, the
    group of *outside* and the tile of *tile* are p, whichever side the service stored them on.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def _pair_source(self) -> PairSource:
        """Where the pairs are read."""

    @property
    @abstractmethod
    def frame(self) -> str | None:
        """Coordinate frame of the match points; None if it is not set."""

    @property
    @abstractmethod
    def _frame(self) -> str | None:
        """The same, whatever a subclass shows."""

    @abstractmethod
    def _cached_pairs(self, name: Any, make: Callable[[], Any], is_whole: bool) -> Any:
        """Return a collection of pairs, cached under *name*."""

    @abstractmethod
    def _maps(self, stack: Any, tile_ids: list[str], frame: str) -> Any:
        """Return the maps of tiles of a stack, from *frame* into the world."""

    def pairs(
        self,
        *,
        within: Group | None = None,
        between: tuple[Group, Group] | None = None,
        outside: Group | None = None,
        tile: Tile | None = None,
        p_group: Group | None = None,
        points: bool = True,
    ) -> Collection[P]:
        """
        Return pairs of tiles with their matches, ordered by groups and ids as text.

        Parameters
        ----------
        within, outside, p_group : str, SectionWrapper or MatchGroupWrapper, optional
            See the class.
        between : pair of these, optional
            See the class.
        tile : TileWrapper, TileRecord or (str, str), optional
            See the class.
        points : bool
            Whether points are read with the listing. Without them a listing is short: ids and match counts; the points
            of a pair are read on first use. Pairs of a tile and of merged collections always include their points.

        Raises
        ------
        TypeError
            If more than one criterion is given.
        RecordError
            When read, if a section or tile has no section id.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now. When the collection is first read: per section id one ``match.within_group``,
        ``match.outside_group`` or ``match.with_p_group``; per two section ids ``match.between_groups``;
        ``match.with_tile``; for all pairs ``match.p_group_ids`` and one ``match.with_p_group`` per group.
        """
        selection = Selection(within, between, outside, tile, p_group)
        source = self._pair_source

        def collection() -> Collection[P]:
            return Collection(
                source.collection.client,
                "match_pair",
                lambda: source.read(selection, points),
                scope=source.scope,
                what=f"{selection.words} of {self}",
                above=source.above,
                selected_by=selection.objects,
            )

        # Only the collection of all pairs is cached for long: reading one section after another must not fill memory.
        is_whole = selection == Selection()
        pairs: Collection[P] = self._cached_pairs(("pairs", selection.identity, points), collection, is_whole)
        return pairs

    def iter_pairs(self, *, points: bool = True, **selected: Unpack[Selected]) -> Iterator[P]:
        """
        Yield pairs answer by answer: at most the pairs of one group are in memory.

        Parameters
        ----------
        points, **selected
            As for `pairs`.

        Notes
        -----
        The requests of `pairs`, each when its pairs are reached.
        """
        source, selection = self._pair_source, Selection(**selected)

        def listings() -> Iterator[Listing]:
            query = source.query(selection)
            for answer in source.answers(query, points):
                yield source.listing(list(query.faced(answer)))

        client = source.collection.client
        return streamed(client, "match_pair", listings(), scope=source.scope, above=source.above)

    def table(self, **selected: Unpack[Selected]) -> MatchTable:
        """
        Return pairs as columns, made from the bytes of the answers.

        Parameters
        ----------
        **selected
            As for `pairs`, except *points*.

        Notes
        -----
        The requests of `pairs`, now.
        """
        from rendergateway.model.tables.match_table import MatchTable

        return MatchTable.joined(self.iter_tables(**selected))

    def iter_tables(self, **selected: Unpack[Selected]) -> Iterator[MatchTable]:
        """
        Yield the pairs of one answer after another as columns.

        Parameters
        ----------
        **selected
            As for `pairs`, except *points*.

        Notes
        -----
        The requests of `pairs`, each when its table is reached.
        """
        from rendergateway.model.tables.match_table import MatchTable

        source = self._pair_source
        query = source.query(Selection(**selected))
        for answer in source.answers(query):
            if query.is_selected_side is None:
                yield MatchTable.from_json(answer)
            else:
                yield MatchTable(text for _, text in query.faced(answer))

    def pair(self, p: str | Tile, q: str | Tile, *, p_group: str | None = None, q_group: str | None = None) -> P:
        """
        Return the pair of two tiles. No request; existence is not checked.

        Parameters
        ----------
        p, q : str, TileWrapper, TileRecord or (str, str)
            Two tiles, or their ids. The first is p of the pair, whichever side the service stored it on.
        p_group, q_group : str, optional
            Groups of tiles that are passed as ids.

        Raises
        ------
        TypeError
            If a tile is passed as an id without its group, or a group with something else.
        """
        source = self._pair_source
        sides = (*_side(p, p_group, "p"), *_side(q, q_group, "q"))
        pair: P = source.collection.client.objects.wrap("match_pair", source.key_of(sides))
        return pair

    def world_points(self, stack: ObjectWrapper[StackRecord], table: MatchTable) -> tuple[FloatArray, FloatArray]:
        """
        Transform the points of many pairs into the world.

        Parameters
        ----------
        stack : StackWrapper
            The stack of the tiles; it may belong to another owner or service.
        table : MatchTable
            From `table` or `iter_tables`.

        Returns
        -------
        p, q : ndarray, shape (M, 2)
            x, y in world pixels, in the order of the table's points.

        Raises
        ------
        ConfigurationError
            If `frame` is not set.
        NotFoundError
            If a tile is not in the stack.
        TransformError
            If a transform of a tile cannot be applied.

        Notes
        -----
        One request, ``stack.tile_specs``, per 50 000 tiles.
        """
        frame = known_frame(self._frame, self._pair_source.collection.key.collection)
        check_kind(stack, "stack", "stack")
        if not hasattr(table, "counts"):
            raise TypeError(f"table must be a MatchTable, as table() returns, got {table!r}")
        return table_in_world(table, self._maps(stack, tile_ids_of(table), frame), stack)

    def residuals(self, stack: ObjectWrapper[StackRecord], table: MatchTable) -> FloatArray:
        """
        Return the distance of the two points of each match in the world: shape (M,), in pixels.

        Parameters, errors and requests are those of `world_points`.
        """
        return residuals_of(*self.world_points(stack, table))


def _side(tile: str | Tile, group: str | None, name: str) -> tuple[str, str]:
    if isinstance(tile, str):
        if group is None:
            raise TypeError(f"{name} is the id {tile!r}; pass its group as {name}_group")
        return as_name(group, "match group"), as_name(tile, "tile")
    if group is not None:
        raise TypeError(f"{name} is a tile and has its own group; {name}_group is for ids")
    return side_of(tile)
