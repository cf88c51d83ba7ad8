"""Records of match collections and of the point matches of a tile pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rendergateway.display import plural
from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, cut_list, decode, encode, join_object
from rendergateway.model.records.record import Member, Record, optional, required
from rendergateway.model.records.view import view
from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from rendergateway.model.records.tiles import Layout, TileRecord
    from rendergateway.model.records.validation import Problem

__all__ = ["PAIR_IDS", "CollectionRecord", "MatchRecord", "group_of", "pair_ids", "unordered"]

# The fields that identify a pair.
PAIR_IDS = ("p_group", "p_id", "q_group", "q_id")


class Tile(Protocol):
    """Anything with the id and layout of a tile: a record or a wrapper."""

    @property
    def tile_id(self) -> str:
        """Unique within the stack."""
        ...

    @property
    def layout(self) -> Layout | None:
        """Acquisition metadata."""
        ...


class CollectionId(Record):
    """Owner and name of a match collection."""

    owner = required("owner", str)
    name = required("name", str)


class CollectionRecord(Record):
    """
    A match collection as the service lists it.

    Attributes
    ----------
    pair_count : int
        Estimated number of tile pairs in the collection.
    """

    collection_id = required("collectionId", CollectionId)
    pair_count = optional("pairCount", int, 0)


class _Points(Record):
    """The member ``matches``: coordinates by dimension (all x, then all y) and weights."""

    p = required("p", list)
    q = required("q", list)
    weights = required("w", list)

    def __repr__(self) -> str:
        return plural(len(cut_list(self.members.get("w", b"[]"))), "point")


class MatchRecord(Record):
    """
    The point matches of one tile pair.

    The service stores the side whose (group, id) sorts first as p, and swaps the sides if necessary.

    Parameters
    ----------
    p_group, p_id, q_group, q_id : str
        Section id and tile id of each side, by convention.
    p, q : array_like, shape (N, 2)
        x, y of the matching points, in pixels of the collection's frame.
    weights : array_like, shape (N,), optional
        Default 1 for every point.

    Raises
    ------
    RecordError
        If p, q and weights differ in length, or a number is not finite.

    Examples
    --------
    >>> pair = MatchRecord(p_group="1", p_id="a", q_group="2", q_id="b", p=[[0, 1], [2, 3]], q=[[5, 6], [7, 8]])
    >>> pair.p
    array([[0., 1.],
           [2., 3.]])
    """

    p_group = required("pGroupId", str)
    p_id = required("pId", str)
    q_group = required("qGroupId", str)
    q_id = required("qId", str)
    consensus_set: Member[dict[str, Any] | None] = optional("consensusSetData", dict)
    points = optional("matches", _Points)
    match_count = optional("matchCount", int)

    def __init__(
        self,
        *,
        p: npt.ArrayLike | None = None,
        q: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | None = None,
        **fields: Any,
    ) -> None:
        if p is not None or q is not None or weights is not None:
            what = _words(*map(fields.get, PAIR_IDS))
            fields["points"] = _points_of(_side(p, "p", what), _side(q, "q", what), weights, what)
        super().__init__(**fields)

    @classmethod
    def between(
        cls,
        tile: Tile,
        other: Tile,
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
    ) -> MatchRecord:
        """
        Return the matches of two tiles, with the section ids of their layouts as groups.

        Parameters
        ----------
        tile, other : TileRecord or TileWrapper
            The p side and the q side; the service may store them swapped.
        p, q : array_like, shape (N, 2)
            x, y of the matching points in *tile* and in *other*.
        weights : array_like, shape (N,), optional
            Default 1 for every point.

        Raises
        ------
        RecordError
            If a tile has no section id, or p, q and weights differ in length.
        """
        one, two = record_of(tile), record_of(other)
        sides = {"p_group": group_of(one), "p_id": one.tile_id, "q_group": group_of(two), "q_id": two.tile_id}
        return cls(**sides, p=p, q=q, weights=weights)

    @property
    def p(self) -> FloatArray:
        """Points in the p tile, (N, 2)."""
        return _rows(self._details.p, f"p of {self._label}")

    @property
    def q(self) -> FloatArray:
        """Points in the q tile, (N, 2)."""
        return _rows(self._details.q, f"q of {self._label}")

    @property
    def weights(self) -> FloatArray:
        """Weight per point, (N,); 0 disables a match."""
        return _floats(self._details.weights, f"weights of {self._label}")

    def evolve(
        self,
        *,
        p: npt.ArrayLike | None = None,
        q: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | None = None,
        **changes: Any,
    ) -> MatchRecord:
        """
        Return a copy with some fields, points or weights changed; see `Record.evolve`.

        Raises
        ------
        RecordError
            If p, q and weights of the result differ in length.
        """
        if p is not None or q is not None or weights is not None:
            what = self._label
            sides = self.p if p is None else _side(p, "p", what), self.q if q is None else _side(q, "q", what)
            points = _points_of(*sides, self.weights if weights is None else weights, what)
            changes["points"] = self._details.evolve(p=points.p, q=points.q, weights=points.weights)
            if self.match_count is not None:
                changes["match_count"] = len(points.weights)
        return super().evolve(**changes)

    def swapped(self) -> MatchRecord:
        """
        Return the same matches with p and q exchanged.

        Examples
        --------
        >>> pair = MatchRecord(p_group="1", p_id="a", q_group="2", q_id="b", p=[[0, 1]], q=[[5, 6]])
        >>> pair.swapped().p_id, pair.swapped().p.tolist()
        ('b', [[5.0, 6.0]])
        """
        members = _exchanged(self.members, ("pGroupId", "qGroupId"), ("pId", "qId"))
        if self.points is not None:
            members["matches"] = join_object(_exchanged(self.points.members, ("p", "q")))
        return MatchRecord.from_json(join_object(members))

    @property
    def is_by_row(self) -> bool:
        """Whether points are stored as N rows of x, y instead of all x, then all y."""
        details = self._details
        count = len(details.weights)
        return any(_is_by_row(side, count) for side in (details.p, details.q))

    def repaired(self) -> MatchRecord:
        """
        Return this record with points that were stored by row transposed; itself if none were.

        Two points by row are indistinguishable from two points by dimension and stay unchanged.
        """
        details = self._details
        count = len(details.weights)
        if not self.is_by_row:
            return self
        turned = {
            name: list(map(list, zip(*side, strict=True)))
            for name, side in (("p", details.p), ("q", details.q))
            if _is_by_row(side, count)
        }
        return super().evolve(points=details.evolve(**turned))

    def _problems(self, path: str) -> Iterator[Problem]:
        from rendergateway.model.records.validation import Problem

        if self.points is None:
            return
        for name in ("p", "q"):
            try:
                side = getattr(self, name)
            except RecordError as error:
                yield Problem(f"{path}.matches.{name}", str(error), "all x, then all y")
                continue
            if len(side) != len(self.weights):
                yield Problem(f"{path}.matches.{name}", f"{len(side)} points", f"{len(self.weights)}, one per weight")

    def __len__(self) -> int:
        return self.match_count if self.match_count is not None else len(self._details.weights)

    @property
    def _details(self) -> _Points:
        if self.points is None:
            raise RecordError(f"points of {self._label} are missing; read the pair with its matches")
        return self.points

    @property
    def _label(self) -> str:
        names = (self.FIELDS[name].wire_name for name in PAIR_IDS)
        return _words(*(decode(self.members.get(name, b"null")) for name in names))


def _words(p_group: object, p_id: object, q_group: object, q_id: object) -> str:
    return visible(f"<MatchRecord {p_group}/{p_id} – {q_group}/{q_id}>")


_Ids = view(MatchRecord, **dict.fromkeys(PAIR_IDS, str))


def pair_ids(text: Text) -> tuple[str, str, str, str]:
    """
    Return group and id of p, group and id of q, without decoding the points.

    Raises
    ------
    RecordError
        If one of them is missing.
    """
    try:
        ids: Any = decode(text, _Ids)
    except RecordError:
        ids = MatchRecord.from_json(text)
    return ids.p_group, ids.p_id, ids.q_group, ids.q_id


def unordered(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of a pair with the sides in a fixed order: the service stores A – B and B – A as one pair."""
    return min(ids, ids[2:] + ids[:2])


def _exchanged(members: Mapping[str, Raw | bytes], *names: tuple[str, str]) -> dict[str, Raw | bytes]:
    """Return *members* with the values of each pair of names exchanged, in the original order."""
    other = {name: partner for pair in names for name, partner in (pair, pair[::-1])}
    return {name: members[other.get(name, name)] for name in members}


def _side(points: npt.ArrayLike | None, name: str, what: str) -> FloatArray:
    if points is None:
        raise RecordError(f"{name} of {what} is missing; both p and q are required")
    array = _floats(points, f"{name} of {what}")
    if array.size == 0:
        return array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        hint = "; transpose it with .T" if array.ndim == 2 and len(array) == 2 else ""
        raise RecordError(f"{name} of {what} has shape {array.shape}; expected (N, 2), x and y per row{hint}")
    return _finite(array, f"{name} of {what}")


def _points_of(p: FloatArray, q: FloatArray, weights: npt.ArrayLike | None, what: str) -> _Points:
    each = np.ones(len(p)) if weights is None else _floats(weights, f"weights of {what}")
    if each.ndim != 1 or not len(p) == len(q) == len(each):
        shapes = f"{p.shape}, {q.shape} and {each.shape}"
        raise RecordError(f"p, q and weights of {what} have shapes {shapes}; expected (N, 2), (N, 2) and (N,)")
    sides = {"p": p.T.tolist(), "q": q.T.tolist(), "w": _finite(each, f"weights of {what}").tolist()}
    return _Points.from_json(encode(sides))


def _finite(values: FloatArray, what: str) -> FloatArray:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row = int(bad[0][0])
        raise RecordError(f"{what} is {values[row].tolist()} at point {row}; expected finite numbers")
    return values


def _is_by_row(side: list[Any], count: int) -> bool:
    return len(side) == count not in (0, 2) and all(isinstance(row, list) and len(row) == 2 for row in side)


def _rows(by_dimension: list[Any], what: str) -> FloatArray:
    if not by_dimension:
        return np.empty((0, 2))
    lengths = [len(values) if isinstance(values, list) else None for values in by_dimension]
    if len(lengths) == 2 and lengths[0] is not None and lengths[0] == lengths[1]:
        return _floats(by_dimension, what).T
    expected = "points are stored as all x, then all y"
    if lengths and set(lengths) == {2}:
        raise RecordError(
            f"{what}: {expected} (2 × {len(lengths)}): got {len(lengths)} rows of x, y; repaired() transposes them"
        )
    raise RecordError(f"{what}: {expected}: got lists of lengths {lengths}")


def _floats(values: npt.ArrayLike, what: str) -> FloatArray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(f"{what}: expected numbers: {error}") from error
    # numpy converts None to NaN.
    if np.isnan(array).any() and any(value is None for value in np.ravel(np.array(values, dtype=object))):
        raise RecordError(f"{what}: expected numbers: got null")
    return array


def record_of(tile: Any) -> Any:
    """Return the record of a tile: a wrapper's own class may show other values."""
    return getattr(tile, "_obj", tile)


def group_of(tile: Tile | TileRecord) -> str:
    """
    Return the match group of a tile: by convention its section id.

    Raises
    ------
    RecordError
        If the layout has no section id.
    """
    if isinstance(tile, str):
        raise TypeError(f"a tile id has no match group: got {tile!r}; pass the tile, or both group and id")
    section_id = tile.layout.section_id if tile.layout is not None else None
    if section_id is None:
        raise RecordError(
            f"tile {tile.tile_id!r} has no section id in its layout; it is required as the group of its matches"
        )
    return section_id
