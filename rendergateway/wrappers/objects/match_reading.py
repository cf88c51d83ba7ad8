"""Reading pairs, of one match collection or of several as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.keys import CollectionKey, PairKey, Scope
from rendergateway.wrappers.matching.selection import Asked, Group, Ids, Selection, Tile, side_of
from rendergateway.wrappers.matching.world import known_frame, residuals_of, table_in_world

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.model import MatchTable
    from rendergateway.wrappers.core.object import ObjectWrapper
    from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["MatchReading"]

# Whose answers may leave the points out.
_WITHOUT_POINTS = {"match.with_p_group", "match.within_group", "match.outside_group", "match.between_groups"}


class MatchReading:
    """
    What can be read of a match collection, or of several merged into one.

    Everywhere pairs are chosen in at most one way:

    - *within*: both tiles are in this group;
    - *between*: one tile is in each of these two groups;
    - *outside*: exactly one tile is in this group;
    - *tile*: one of the two is this tile, given as a tile or as its group and id;
    - *p_group*: the first tile, as stored, is in this group.

    A group is a section, which stands for its section ids, a match group, or the id itself. The first group of
    *between*, the group of *outside* and the tile of *tile* are p, whichever side the service stored them on.
    """

    __slots__ = ()

    _key: CollectionKey

    if TYPE_CHECKING:

        @property
        def _conn(self) -> Gateway: ...

        @property
        def _scope(self) -> Scope: ...

        @property
        def frame(self) -> str | None:
            """What pixels points live in."""

        def groups(self, *, side: str | None = None) -> list[str]:
            """Return the ids of groups."""

        def _text(self, endpoint: str, **values: Any) -> Text: ...

        def _remembered(self, name: Any, make: Any) -> Any: ...

        def _while_held(self, name: Any, make: Any) -> Any: ...

    @property
    def _above_pairs(self) -> ObjectWrapper[Any] | None:
        """What pairs keep alive: the collection that they were read from."""
        return None

    @property
    def _merged(self) -> tuple[str, ...]:
        """Names of the collections that the service is to merge into the first one."""
        return ()

    def pairs(
        self,
        *,
        within: Group | None = None,
        between: tuple[Group, Group] | None = None,
        outside: Group | None = None,
        tile: Tile | None = None,
        p_group: Group | None = None,
        points: bool = True,
    ) -> Collection[MatchPairWrapper]:
        """
        Return pairs of tiles with their matches, ordered by groups and ids as text.

        Parameters
        ----------
        within, outside, p_group : str or SectionWrapper, optional
            See the class.
        between : pair of str or SectionWrapper, optional
            See the class.
        tile : TileWrapper, TileRecord or (str, str), optional
            See the class.
        points : bool
            Whether points are read along. Without them a listing is short: ids and how many points each pair has;
            the points of a pair are read when they are asked for. Pairs of a tile and of merged collections always
            bring theirs.

        Raises
        ------
        TypeError
            If pairs are chosen in more than one way.
        RecordError
            When read, if a section or tile has no section id.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now. When the collection is first read: one a section id, ``match.within_group``,
        ``match.outside_group`` or ``match.with_p_group``; ``match.between_groups`` for each two section ids of
        different sections or of one; ``match.with_tile``; for all pairs ``match.p_group_ids`` and one
        ``match.with_p_group`` a group.
        """
        selection = Selection(within, between, outside, tile, p_group)

        def load() -> Listing:
            asked = selection.asked(self)
            found = [pair for answer in self._answers(asked, points) for pair in asked.faced(answer)]
            return self._listing(sorted(found, key=lambda pair: pair[0]))

        name = ("pairs", selection.identity, points)
        # Pairs of one section after another must not fill the memory; all pairs are children.
        remembered = self._remembered if selection == Selection() else self._while_held
        pairs: Collection[MatchPairWrapper] = remembered(name, lambda: self._collection(selection.words, load))
        return pairs

    def iter_pairs(self, **chosen: Any) -> Iterator[MatchPairWrapper]:
        """
        Yield pairs answer by answer: never more in memory than the pairs of one group.

        Parameters
        ----------
        **chosen
            As for `pairs`.

        Notes
        -----
        The requests of `pairs`, each when its pairs are reached.
        """
        points: bool = chosen.pop("points", True)
        asked = Selection(**chosen).asked(self)
        for answer in self._answers(asked, points):
            yield from self._collection("pairs", partial(self._listing, list(asked.faced(answer))))

    def table(self, **chosen: Any) -> MatchTable:
        """
        Return pairs as columns, made of the bytes of the answers.

        Parameters
        ----------
        **chosen
            As for `pairs`, but for *points*.

        Notes
        -----
        The requests of `pairs`, now.
        """
        from rendergateway.model import MatchTable

        return MatchTable.joined(self.iter_tables(**chosen))

    def iter_tables(self, **chosen: Any) -> Iterator[MatchTable]:
        """
        Yield the pairs of one answer after the other as columns.

        Parameters
        ----------
        **chosen
            As for `pairs`, but for *points*.

        Notes
        -----
        The requests of `pairs`, each when its table is reached.
        """
        from rendergateway.model import MatchTable

        asked = Selection(**chosen).asked(self)
        for answer in self._answers(asked):
            if asked.is_asking is None:
                yield MatchTable.from_json(answer)
            else:
                yield MatchTable(text for _, text in asked.faced(answer))

    def pair(
        self, p: str | Tile, q: str | Tile, *, p_group: str | None = None, q_group: str | None = None
    ) -> MatchPairWrapper:
        """
        Return the pair of two tiles; no request, so that nothing says yet whether it is there.

        Parameters
        ----------
        p, q : str, TileWrapper, TileRecord or (str, str)
            Two tiles, or their ids. The first is p of the pair, whichever side the service stored it on.
        p_group, q_group : str, optional
            Groups of tiles that are given as ids.

        Raises
        ------
        TypeError
            If a tile is given as an id without its group, or a group with what is no id.
        """
        sides = (*_side(p, p_group, "p"), *_side(q, q_group, "q"))
        pair: MatchPairWrapper = self._conn.wrap("match_pair", self._pair_key(sides))
        return pair

    def world(self, stack: StackWrapper, table: MatchTable) -> tuple[FloatArray, FloatArray]:
        """
        Carry the points of many pairs into the world.

        Parameters
        ----------
        stack : StackWrapper
            Whose tiles the pairs name; it may belong to another owner or service.
        table : MatchTable
            From `table` or `iter_tables`.

        Returns
        -------
        p, q : ndarray, shape (M, 2)
            x, y in world pixels, in the order of the table's points.

        Raises
        ------
        ConfigurationError
            If nobody said which pixels the points live in: see `frame`.
        NotFoundError
            If a tile is not in the stack.
        TransformError
            If a transform of a tile cannot be applied.

        Notes
        -----
        One request, ``stack.tile_specs``, for each 50 000 tiles.
        """
        return table_in_world(table, stack, known_frame(self.frame, self._key.collection))

    def residuals(self, stack: StackWrapper, table: MatchTable) -> FloatArray:
        """
        Return how far apart the two points of each match lie in the world: (M,), in pixels.

        Parameters, errors and requests are those of `world`.
        """
        return residuals_of(*self.world(stack, table))

    # Requests

    def _answers(self, asked: Asked, points: bool = True) -> Iterator[Text]:
        for endpoint, values in asked.questions:
            yield self._text(endpoint, **values, **self._query(endpoint, points))

    def _query(self, endpoint: str, points: bool) -> dict[str, Any]:
        if self._merged:
            return {"merge_collection": self._merged}
        return {"exclude_match_details": True} if not points and endpoint in _WITHOUT_POINTS else {}

    def _collection(self, what: str, load: Callable[[], Listing]) -> Collection[MatchPairWrapper]:
        return Collection(
            self._conn, "match_pair", load, scope=self._scope, what=f"{what} of {self}", above=self._above_pairs
        )

    def _listing(self, pairs: list[tuple[Ids, Raw | bytes]]) -> Listing:
        return Listing([ids for ids, _ in pairs], self._pair_key, [text for _, text in pairs])

    @property
    def _pair_key(self) -> Any:
        return partial(_pair_key, self._key, self._merged)


def _pair_key(collection: CollectionKey, merged: tuple[str, ...], ids: Ids) -> PairKey:
    return PairKey(*collection, *ids, merged)


def _side(tile: str | Tile, group: str | None, name: str) -> tuple[str, str]:
    if isinstance(tile, str):
        if group is None:
            raise TypeError(f"{name} is the id {tile!r}; its group is needed too, as {name}_group")
        return group, tile
    if group is not None:
        raise TypeError(f"{name} is a tile and knows its group; {name}_group is for ids")
    return side_of(tile)
