"""
Which pairs of a match collection are meant, and what the service is asked for them.

A section is asked for by its section ids, by convention the groups of its tiles; usually there is one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import attrs

from rendergateway.errors import RecordError
from rendergateway.model import TileRecord
from rendergateway.model.records.json_slices import Raw, Text, cut_list
from rendergateway.model.records.matches import MatchRecord, group_of, pair_ids
from rendergateway.wrappers.objects.section import SectionWrapper
from rendergateway.wrappers.objects.tile import TileWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.match_group import MatchGroupWrapper

__all__ = ["Asked", "Group", "Ids", "Selection", "Tile", "side_of"]

Group: TypeAlias = "str | SectionWrapper | MatchGroupWrapper"
# A tile, or its group and id.
Tile: TypeAlias = "TileWrapper | TileRecord | tuple[str, str]"
# Group and id of p, group and id of q.
Ids: TypeAlias = tuple[str, str, str, str]
# An endpoint and the values of its path.
Question: TypeAlias = tuple[str, dict[str, str]]


class _Groups(Protocol):
    def groups(self, *, side: str | None = None) -> list[str]: ...


@attrs.frozen
class Asked:
    """
    What a selection asks of the service.

    Attributes
    ----------
    questions : iterable of (str, dict)
        Endpoints and the values of their paths; each answers with pairs.
    is_asking : callable, optional
        Told the ids of a pair, whether p is the side that was asked for; None where the pair does not belong. Without
        it all pairs stay as they are stored.
    deletions : callable
        Told the ids of all pairs, the endpoints that delete them.
    """

    questions: Iterable[Question]
    deletions: Callable[[Sequence[Ids]], Iterable[Question]]
    is_asking: Callable[[Ids], bool | None] | None = None

    def faced(self, answer: Text) -> Iterator[tuple[Ids, Raw | bytes]]:
        """Yield ids and text of the pairs in an answer, each with the side that was asked for as p."""
        for text in cut_list(answer):
            ids = pair_ids(text)
            faces = self.is_asking(ids) if self.is_asking is not None else True
            if faces:
                yield ids, text
            elif faces is not None:
                yield (*ids[2:], *ids[:2]), MatchRecord.from_json(text).swapped().to_json()


@attrs.frozen
class Selection:
    """
    At most one way to choose among the pairs of a collection.

    Raises
    ------
    TypeError
        If there are several, or it is none of these.
    """

    within: Group | None = None
    between: tuple[Group, Group] | None = None
    outside: Group | None = None
    tile: Tile | None = None
    p_group: Group | None = None

    def __attrs_post_init__(self) -> None:
        if len(self._given) > 1:
            raise TypeError(f"pairs are chosen in one way, not by {' and '.join(self._given)}")
        if self.between is not None and (not isinstance(self.between, tuple | list) or len(self.between) != 2):
            raise TypeError(f"between= is two groups, not {self.between!r}")
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
        """What tells one selection from another."""
        # A record has no hash.
        known = {
            name: side_of(value) if isinstance(value, TileRecord) else value for name, value in self._given.items()
        }
        return tuple(known.items())

    @property
    def words(self) -> str:
        """The selection as it is said in messages."""
        if self.between is not None:
            return f"pairs between {self.between[0]} and {self.between[1]}"
        if self.tile is not None:
            return f"pairs of tile {side_of(self.tile)[1]}"
        return " ".join(["pairs", *(f"{name.replace('_', ' ')} {value}" for name, value in self._given.items())])

    def asked(self, collection: _Groups) -> Asked:
        """
        Return what to ask the service.

        Notes
        -----
        Section ids, as `SectionWrapper.section_ids`; for all pairs ``match.p_group_ids``.
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
        return _with_p(collection.groups(side="p") if self.p_group is None else _names(self.p_group))


def _check_group(group: object) -> None:
    if group is None or isinstance(group, str | SectionWrapper) or getattr(group, "KIND", None) == "match_group":
        return
    hint = f"; stack.section({group}) stands for its section ids" if isinstance(group, int | float) else ""
    raise TypeError(f"a group is a section, a match group or an id, not {group!r}{hint}")


def _check_tile(tile: object) -> None:
    if tile is None or isinstance(tile, TileWrapper | TileRecord):
        return
    if isinstance(tile, str):
        raise TypeError(f"the group of tile {tile!r} is needed too: tile=(group, {tile!r}), or the tile itself")
    if not isinstance(tile, tuple) or len(tile) != 2:
        raise TypeError(f"a tile, or its group and id, is needed here, not {tile!r}")


def _names(group: Group) -> list[str]:
    if isinstance(group, str):
        return [group]
    if not isinstance(group, SectionWrapper):
        return [group.name]
    names = group.section_ids
    if not names:
        raise RecordError(f"{group!r} has no section id, and so no group of matches")
    return names


def side_of(tile: Tile) -> tuple[str, str]:
    """
    Return group and id of a tile.

    Raises
    ------
    RecordError
        If it has no section id in its layout.
    """
    _check_tile(tile)
    if isinstance(tile, tuple):
        group, tile_id = tile
        return group, tile_id
    return group_of(cast("Any", tile)), tile.tile_id


def _within(names: list[str]) -> Asked:
    across = list(itertools.combinations(names, 2))
    alone: list[Question] = [("match.within_group", {"group": name}) for name in names]
    deletions = _deletions_between([*((name, name) for name in names), *across])
    return Asked([*alone, *_questions_between(across)], lambda found: deletions)


def _between(names: list[str], others: list[str]) -> Asked:
    # Each pair of groups once, whichever is named first.
    pairs = sorted({cast("tuple[str, str]", tuple(sorted(pair))) for pair in itertools.product(names, others)})
    return Asked(_questions_between(pairs), lambda found: _deletions_between(pairs), lambda ids: ids[0] in names)


def _outside(names: list[str]) -> Asked:
    questions: list[Question] = [("match.outside_group", {"group": name}) for name in names]
    if len(names) == 1:
        deletions: list[Question] = [("match.delete_outside_group", {"group": names[0]})]
        return Asked(questions, lambda found: deletions, lambda ids: ids[0] in names)

    def is_asking(ids: Ids) -> bool | None:
        return None if ids[0] in names and ids[2] in names else ids[0] in names

    # What lies between two of the groups is not outside, but the service would delete it.
    return Asked(questions, lambda found: _deletions_between(sorted({(ids[0], ids[2]) for ids in found})), is_asking)


def _of_tile(group: str, tile_id: str) -> Asked:
    values = {"group": group, "id": tile_id}
    deletions: list[Question] = [("match.delete_with_tile", values)]
    return Asked([("match.with_tile", values)], lambda found: deletions, lambda ids: ids[:2] == (group, tile_id))


def _with_p(names: list[str]) -> Asked:
    deletions: list[Question] = [("match.delete_with_p_group", {"p_group": name}) for name in names]
    return Asked([("match.with_p_group", {"p_group": name}) for name in names], lambda found: deletions)


def _questions_between(pairs: Iterable[tuple[str, str]]) -> list[Question]:
    return [("match.between_groups", {"p_group": one, "q_group": other}) for one, other in pairs]


def _deletions_between(pairs: Iterable[tuple[str, str]]) -> list[Question]:
    return [("match.delete_between_groups", {"p_group": one, "q_group": other}) for one, other in pairs]
