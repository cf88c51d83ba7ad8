"""
Selections of pairs of a match collection, and the requests for them.

A section is requested by its section ids, by convention the groups of its tiles; usually it has one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import attrs

from rendergateway.errors import RecordError
from rendergateway.model import TileRecord
from rendergateway.model.records.json_slices import Raw, Text, cut_list
from rendergateway.model.records.matches import MatchRecord, group_of, pair_ids
from rendergateway.wrappers.core.arguments import as_name, kind_of
from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Group", "Ids", "PairQuery", "Selection", "Tile", "side_of"]

# A group id, a section or a match group.
Group: TypeAlias = str | ObjectWrapper[Any]
# A tile, or its group and id.
Tile: TypeAlias = ObjectWrapper[TileRecord] | TileRecord | tuple[str, str]
# Group and id of p, group and id of q.
Ids: TypeAlias = tuple[str, str, str, str]
# An endpoint and its path values.
Request: TypeAlias = tuple[str, dict[str, str]]


@attrs.frozen
class PairQuery:
    """
    The requests of a selection.

    Attributes
    ----------
    requests : iterable of (str, dict)
        Endpoints and their path values; each answer is a list of pairs.
    deletions : callable
        From the ids of all pairs to the requests that delete them.
    is_selected_side : callable, optional
        From the ids of a pair to whether p is the selected side; None if the pair is not selected. Without it all pairs
        keep their stored sides.
    """

    requests: Iterable[Request]
    deletions: Callable[[Sequence[Ids]], Iterable[Request]]
    is_selected_side: Callable[[Ids], bool | None] | None = None

    def faced(self, answer: Text) -> Iterator[tuple[Ids, Raw | bytes]]:
        """Yield ids and text of the pairs in an answer, each with the selected side as p."""
        for text in cut_list(answer):
            ids = pair_ids(text)
            faces = self.is_selected_side(ids) if self.is_selected_side is not None else True
            if faces:
                yield ids, text
            elif faces is not None:
                yield (*ids[2:], *ids[:2]), MatchRecord.from_json(text).swapped().to_json()


def _pair(between: Any) -> Any:
    if between is None:
        return None
    if isinstance(between, str) or not isinstance(between, Sequence) or len(between) != 2:
        raise TypeError(f"between must be two groups, got {between!r}")
    return tuple(between)


def _side(tile: Any) -> Any:
    # A pair of texts is one side, whatever sequence it is.
    return tuple(tile) if isinstance(tile, list) else tile


@attrs.frozen
class Selection:
    """
    At most one criterion for the pairs of a collection, see `MatchCollectionWrapper.pairs`.

    Raises
    ------
    TypeError
        If several are given, or one is neither a group nor a tile.
    """

    within: Group | None = None
    between: tuple[Group, Group] | None = attrs.field(default=None, converter=_pair)
    outside: Group | None = None
    tile: Tile | None = attrs.field(default=None, converter=_side)
    p_group: Group | None = None

    def __attrs_post_init__(self) -> None:
        if len(self._given) > 1:
            raise TypeError(f"pairs are selected by one criterion, got {' and '.join(self._given)}")
        for group in (self.within, self.outside, self.p_group, *(self.between or ())):
            _check_group(group)
        _check_tile(self.tile)

    @property
    def _given(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        return {name: value for name, value in given.items() if value is not None}

    def __bool__(self) -> bool:
        return bool(self._given)

    @property
    def identity(self) -> tuple[Any, ...]:
        """Distinguishes selections; hashable."""
        # A record is not hashable.
        known = {
            name: side_of(value) if isinstance(value, TileRecord) else value for name, value in self._given.items()
        }
        return tuple(known.items())

    @property
    def objects(self) -> list[ObjectWrapper[Any]]:
        """The sections and tiles among the criteria: their section ids select the pairs."""
        given = (self.within, *(self.between or ()), self.outside, self.tile, self.p_group)
        return [one for one in given if isinstance(one, ObjectWrapper) and one.KIND in ("section", "tile")]

    @property
    def words(self) -> str:
        """The selection in words, for messages."""
        if self.between is not None:
            return f"pairs between {self.between[0]} and {self.between[1]}"
        if self.tile is not None:
            return f"pairs of tile {side_of(self.tile)[1]}"
        return " ".join(["pairs", *(f"{name.replace('_', ' ')} {value}" for name, value in self._given.items())])

    def query(self, p_groups: Callable[[], list[str]]) -> PairQuery:
        """
        Return the requests of this selection.

        Parameters
        ----------
        p_groups : callable
            Reads the p groups of the collection; called for all pairs.

        Notes
        -----
        Section ids, as `SectionWrapper.section_ids`; for all pairs those of *p_groups*.
        """
        if self.within is not None:
            return _within(_names(self.within))
        if self.between is not None:
            one, other = self.between
            return _between(_names(one), _names(other))
        if self.outside is not None:
            return _outside(_names(self.outside))
        if self.tile is not None:
            return _of_tile(*side_of(self.tile))
        return _with_p(p_groups() if self.p_group is None else _names(self.p_group))


def _check_group(group: object) -> None:
    if group is None or isinstance(group, str) or kind_of(group) in ("section", "match_group"):
        return
    hint = f"; pass stack.section({group})" if isinstance(group, int | float) else ""
    raise TypeError(f"a group must be a section, a match group or an id, got {group!r}{hint}")


def _check_tile(tile: object) -> None:
    if tile is None or isinstance(tile, TileRecord) or kind_of(tile) == "tile":
        return
    if isinstance(tile, str):
        raise TypeError(f"a tile id needs its group: pass tile=(group, {tile!r}) or the tile itself")
    if not isinstance(tile, tuple) or len(tile) != 2:
        raise TypeError(f"tile must be a tile or (group, id), got {tile!r}")


def _names(group: Group) -> list[str]:
    if isinstance(group, str):
        return [group]
    if kind_of(group) != "section":
        return [str(group._key[-1])]
    names: list[str] = group._section_ids  # type: ignore[attr-defined]
    if not names:
        raise RecordError(f"{group!r} has no section id, so it is not a group of matches")
    return names


def side_of(tile: Tile) -> tuple[str, str]:
    """
    Return group and id of a tile.

    Raises
    ------
    RecordError
        If its layout has no section id.
    """
    _check_tile(tile)
    if isinstance(tile, tuple):
        group, tile_id = tile
        return as_name(group, "match group"), as_name(tile_id, "tile")
    record = tile if isinstance(tile, TileRecord) else tile._obj
    return group_of(record), record.tile_id


def _within(names: list[str]) -> PairQuery:
    across = list(itertools.combinations(names, 2))
    alone: list[Request] = [("match.within_group", {"group": name}) for name in names]
    deletions = _deletions_between([*((name, name) for name in names), *across])
    return PairQuery([*alone, *_requests_between(across)], lambda found: deletions)


def _between(names: list[str], others: list[str]) -> PairQuery:
    # Each pair of groups once, whichever is named first.
    pairs = sorted({cast("tuple[str, str]", tuple(sorted(pair))) for pair in itertools.product(names, others)})
    return PairQuery(_requests_between(pairs), lambda found: _deletions_between(pairs), lambda ids: ids[0] in names)


def _outside(names: list[str]) -> PairQuery:
    requests: list[Request] = [("match.outside_group", {"group": name}) for name in names]
    if len(names) == 1:
        deletions: list[Request] = [("match.delete_outside_group", {"group": names[0]})]
        return PairQuery(requests, lambda found: deletions, lambda ids: ids[0] in names)

    def is_selected_side(ids: Ids) -> bool | None:
        return None if ids[0] in names and ids[2] in names else ids[0] in names

    # Pairs between two of the groups are not outside, but the service would delete them.
    return PairQuery(
        requests, lambda found: _deletions_between(sorted({(ids[0], ids[2]) for ids in found})), is_selected_side
    )


def _of_tile(group: str, tile_id: str) -> PairQuery:
    values = {"group": group, "id": tile_id}
    deletions: list[Request] = [("match.delete_with_tile", values)]
    return PairQuery([("match.with_tile", values)], lambda found: deletions, lambda ids: ids[:2] == (group, tile_id))


def _with_p(names: list[str]) -> PairQuery:
    deletions: list[Request] = [("match.delete_with_p_group", {"p_group": name}) for name in names]
    return PairQuery([("match.with_p_group", {"p_group": name}) for name in names], lambda found: deletions)


def _requests_between(pairs: Iterable[tuple[str, str]]) -> list[Request]:
    return [("match.between_groups", {"p_group": one, "q_group": other}) for one, other in pairs]


def _deletions_between(pairs: Iterable[tuple[str, str]]) -> list[Request]:
    return [("match.delete_between_groups", {"p_group": one, "q_group": other}) for one, other in pairs]
