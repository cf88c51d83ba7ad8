"""Records of point matches: pairs of tiles and the points that show the same spot of tissue in both."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.model.record import Record, optional, required
from rendergateway.model.slices import Text, decode, encode

__all__ = ["CollectionRecord", "MatchRecord", "pair_ids"]


class CollectionId(Record):
    """Owner and name of a match collection."""

    owner = required("owner", str)
    name = required("name", str)


class CollectionRecord(Record):
    """
    One row of the list of match collections.

    Attributes
    ----------
    pair_count : int
        Pairs of tiles in the collection, as the service estimates them.
    """

    collection_id = required("collectionId", CollectionId)
    pair_count = optional("pairCount", int, 0)


class _Points(Record):
    """The member ``matches``: coordinates by dimension (x of all points, y of all points) and weights."""

    p = required("p", list)
    q = required("q", list)
    weights = required("w", list)


class MatchRecord(Record):
    """
    The matches of one pair of tiles.

    p is the side that sorts first as text (group, then id): the service swaps the sides where it must.

    Parameters
    ----------
    p_group, p_id, q_group, q_id : str
        By convention the section id and the tile id of either side.
    p, q : array_like, shape (N, 2)
        x, y of the matching points, in the pixels that the collection's frame says.
    weights : array_like, shape (N,), optional
        1 for every point unless told.

    Raises
    ------
    RecordError
        If p, q and weights do not have one row a point each.

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
    consensus_set = optional("consensusSetData", dict)
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
        if p is not None or q is not None:
            fields["points"] = _points_of(_side(p, "p"), _side(q, "q"), weights)
        super().__init__(**fields)

    @property
    def p(self) -> FloatArray:
        """Points in the first tile, (N, 2)."""
        return _rows(self._details.p)

    @property
    def q(self) -> FloatArray:
        """Points in the second tile, (N, 2)."""
        return _rows(self._details.q)

    @property
    def weights(self) -> FloatArray:
        """Weight of each point, (N,); 0 switches a match off."""
        return np.asarray(self._details.weights, dtype=np.float64)

    def __len__(self) -> int:
        return self.match_count if self.match_count is not None else len(self._details.weights)

    @property
    def _details(self) -> _Points:
        if self.points is None:
            raise RecordError(f"{self!r} was read without its points")
        return self.points

    def __repr__(self) -> str:
        return f"<MatchRecord {self.p_group}/{self.p_id} – {self.q_group}/{self.q_id}>"


class _Ids(msgspec.Struct):
    p_group: str = msgspec.field(name="pGroupId")
    p_id: str = msgspec.field(name="pId")
    q_group: str = msgspec.field(name="qGroupId")
    q_id: str = msgspec.field(name="qId")


def pair_ids(text: Text) -> tuple[str, str, str, str]:
    """
    Return group and id of p, group and id of q, without reading the points.

    Raises
    ------
    RecordError
        If one of them is missing.
    """
    ids: _Ids = decode(text, _Ids)
    return ids.p_group, ids.p_id, ids.q_group, ids.q_id


def _side(points: npt.ArrayLike | None, name: str) -> FloatArray:
    if points is None:
        raise RecordError(f"the points of both sides are needed; {name} is missing")
    return as_points(points).reshape(-1, 2)


def _points_of(p: FloatArray, q: FloatArray, weights: npt.ArrayLike | None) -> _Points:
    each = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(p) == len(q) == len(each):
        raise RecordError(f"p, q and weights need one row a point each; there are {len(p)}, {len(q)} and {len(each)}")
    sides = {"p": p.T.tolist(), "q": q.T.tolist(), "w": each.tolist()}
    if not (np.isfinite(p).all() and np.isfinite(q).all() and np.isfinite(each).all()):
        raise RecordError("points and weights must be finite numbers")
    return _Points.from_json(encode(sides))


def _rows(by_dimension: list[list[float]]) -> FloatArray:
    if len(by_dimension) != 2 or len(by_dimension[0]) != len(by_dimension[1]):
        lengths = [len(values) for values in by_dimension]
        raise RecordError(f"points are stored as all x, then all y; here are lists of lengths {lengths}")
    return np.array(by_dimension, dtype=np.float64).T
