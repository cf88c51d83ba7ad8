"""Clusters of tiles by their matches."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.alignment.clusters import Clusters, connected_components


def walked(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """The lowest node that can be reached from each node, found by walking."""
    beside: list[set[int]] = [{node} for node in range(count)]
    for one, other in edges:
        beside[one].add(other)
        beside[other].add(one)
    found = []
    for node in range(count):
        seen, ahead = {node}, [node]
        while ahead:
            new = beside[ahead.pop()] - seen
            seen |= new
            ahead += new
        found.append(min(seen))
    return found


@pytest.mark.parametrize("edge_count", [0, 20, 60, 200])
def test_components__random_graphs(edge_count: int) -> None:
    """Each node has the lowest node of its component, whatever the order and direction of the edges."""
    random = np.random.default_rng(edge_count)
    edges = random.integers(0, 100, (edge_count, 2))

    found = connected_components(100, edges[:, 0], edges[:, 1])

    assert found.tolist() == walked(100, list(map(tuple, edges.tolist())))


def test_components__long_chain() -> None:
    """A chain through all nodes in any order is one component."""
    order = np.random.default_rng(1).permutation(2000)

    assert connected_components(2000, order[:-1], order[1:]).max() == 0


def test_clusters__order() -> None:
    """The largest cluster is first, then the one with the first id; ids are sorted."""
    clusters = Clusters.of("fedcba", [(["f", "c"], ["e", "d"]), (["b"], ["c"])])

    assert clusters.connected == (("b", "c", "d"), ("e", "f"))
    assert (clusters.unmatched, clusters.sizes, clusters.tile_count, len(clusters)) == (("a",), (3, 2), 6, 2)


def test_clusters__other_tiles() -> None:
    """A pair with a tile of another stack connects nothing."""
    clusters = Clusters.of("ab", [(["a", "b"], ["x", "x"])])

    assert clusters == Clusters((), ("a", "b"))
    assert Clusters.of([], []) == Clusters()


@pytest.mark.parametrize(
    ("options", "small"),
    [
        ({}, []),
        ({"max_size": 1}, []),
        ({"max_size": 2}, ["ef", "gh"]),
        ({"max_size": 9}, ["ef", "gh"]),
        ({"fraction": 0.25}, []),
        ({"fraction": 0.26}, ["ef", "gh"]),
        ({"max_size": 1, "fraction": 1.0}, []),
        ({"max_size": 2, "keep": {"g"}}, ["ef"]),
    ],
)
def test_small__limits(options: dict[str, object], small: list[str]) -> None:
    """A cluster is small by its size, or by a fraction of the largest, which never is; one kept tile keeps it."""
    clusters = Clusters((tuple("abcd"), tuple("ef"), tuple("gh")), ("i", "j"))

    assert ["".join(part) for part in clusters.small(**options)] == small  # type: ignore[arg-type]


def test_unconnected__tiles() -> None:
    """Unconnected are tiles without a match, unless they are kept, and those of small clusters."""
    clusters = Clusters((tuple("abcd"), tuple("ef")), ("i", "j"))

    assert clusters.unconnected() == ["i", "j"]
    assert clusters.unconnected(max_size=2, keep={"i"}) == ["e", "f", "j"]
