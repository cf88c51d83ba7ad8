"""Clusters of tiles that matches connect."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Clusters", "connected_components"]

Indices = npt.NDArray[np.int64]


@attrs.frozen
class Clusters:
    """
    Tiles grouped by their matches.

    Attributes
    ----------
    connected : tuple of tuple of str
        Ids of tiles that are connected by matches, directly or through other tiles; largest cluster first, then by the
        first id.
    unmatched : tuple of str
        Ids of tiles without a match.
    """

    connected: tuple[tuple[str, ...], ...] = ()
    unmatched: tuple[str, ...] = ()

    @classmethod
    def of(cls, tile_ids: Iterable[str], pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Clusters:
        """
        Group tiles.

        Parameters
        ----------
        tile_ids : iterable of str
            Unique ids.
        pairs : iterable of (sequence of str, sequence of str)
            Columns of the ids of matched tiles; pairs with another tile are ignored.

        Examples
        --------
        >>> Clusters.of("abcde", [(["a", "d", "e"], ["c", "e", "x"])])
        Clusters(connected=(('a', 'c'), ('d', 'e')), unmatched=('b',))
        """
        names = sorted(tile_ids)
        rows = {name: row for row, name in enumerate(names)}
        edges = [_rows_of(rows, p, q) for p, q in pairs]
        p, q = (np.concatenate([np.empty(0, np.int64), *(edge[side] for edge in edges)]) for side in (0, 1))
        label = connected_components(len(names), p, q)
        order = np.argsort(label, kind="stable")
        _, starts = np.unique(label[order], return_index=True)
        groups = [[names[row] for row in part] for part in np.split(order, starts[1:])] if names else []
        connected = sorted((tuple(part) for part in groups if len(part) > 1), key=lambda part: (-len(part), part[0]))
        # A tile that is matched with itself alone has a match.
        matched = set(p.tolist())
        alone = [part[0] for part in groups if len(part) == 1]
        connected += [(name,) for name in alone if rows[name] in matched]
        return cls(tuple(connected), tuple(name for name in alone if rows[name] not in matched))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of tiles of each cluster, descending."""
        return tuple(map(len, self.connected))

    @property
    def tile_count(self) -> int:
        """Number of all tiles."""
        return sum(self.sizes) + len(self.unmatched)

    def __len__(self) -> int:
        return len(self.connected)

    def small(
        self, max_size: int | None = None, fraction: float | None = None, keep: Collection[str] = ()
    ) -> tuple[tuple[str, ...], ...]:
        """
        Return the clusters that are too small; the largest one never is.

        Parameters
        ----------
        max_size : int, optional
            Largest number of tiles of a small cluster.
        fraction : float, optional
            The same as a fraction of the largest cluster, rounded up; *max_size* takes precedence.
        keep : collection of str
            Ids of tiles whose clusters are not small.

        Examples
        --------
        >>> Clusters((("a", "b", "c"), ("d", "e"))).small(fraction=0.5)
        (('d', 'e'),)
        """
        limit = 0
        if max_size is not None:
            limit = max_size
        elif fraction is not None and self.connected:
            limit = math.ceil(len(self.connected[0]) * fraction)
        return tuple(part for part in self.connected[1:] if len(part) <= limit and not any(one in keep for one in part))

    def unconnected(
        self, max_size: int | None = None, fraction: float | None = None, keep: Collection[str] = ()
    ) -> list[str]:
        """
        Return the tiles without a match and those of small clusters, sorted.

        Parameters
        ----------
        max_size, fraction, keep
            As for `small`; a tile of *keep* is not returned either.
        """
        alone = [one for one in self.unmatched if one not in keep]
        return sorted([*alone, *(one for part in self.small(max_size, fraction, keep) for one in part)])


def _rows_of(rows: dict[str, int], p: Sequence[str], q: Sequence[str]) -> tuple[Indices, Indices]:
    both = [(rows[one], rows[other]) for one, other in zip(p, q, strict=True) if one in rows and other in rows]
    found = np.array(both, dtype=np.int64).reshape(len(both), 2)
    return found[:, 0], found[:, 1]


def connected_components(count: int, p: Indices, q: Indices) -> Indices:
    """
    Return the component of each of *count* nodes of a graph: the lowest node in it.

    Parameters
    ----------
    count : int
        Number of nodes.
    p, q : ndarray of int, shape (M,)
        The two nodes of each edge.

    Returns
    -------
    ndarray of int, shape (count,)

    Examples
    --------
    >>> connected_components(5, np.array([0, 4]), np.array([3, 3])).tolist()
    [0, 1, 2, 0, 0]
    """
    lowest = np.arange(count)
    while True:
        one, other = lowest[p], lowest[q]
        apart = one != other
        if not apart.any():
            return lowest
        one, other = one[apart], other[apart]
        # Each component joins the lowest one beside it; then all nodes look up the ends of these chains.
        np.minimum.at(lowest, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(lowest, ends := lowest[lowest]):
            lowest = ends
