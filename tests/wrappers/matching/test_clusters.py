"""Clusters of the tiles of a stack, unconnected tiles removed, clusters split."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rendergateway import (
    BadRequestError,
    Gateway,
    MatchCollectionWrapper,
    MatchRecord,
    NotFoundError,
    RecordError,
    StackWrapper,
)
from tests.wrappers.conftest import LENS, tile

# Section 1: a – b – c, d – e, and f alone. Section 2: g – h. c – g across.
LAYERS = {1.0: "abcdef", 2.0: "gh"}
PAIRS = ["ab", "bc", "de", "gh", "cg"]


def pair(one: str, other: str) -> MatchRecord:
    groups = {name: f"{z}" for z, names in LAYERS.items() for name in names}
    ids = {"p_group": groups[one], "p_id": one, "q_group": groups[other], "q_id": other}
    return MatchRecord(**ids, p=[[0, 1]], q=[[2, 3]])


def put(stack: StackWrapper, names: Iterable[str]) -> None:
    with stack.editing() as edit:
        edit.put(
            [tile(name, z, 90 * place) for z, of in LAYERS.items() for place, name in enumerate(of) if name in names],
            transforms={"lens": LENS},
        )


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """The two sections, COMPLETE."""
    stack = gateway.create_stack("montage", resolution_nm=(4, 4, 40))
    put(stack, "abcdefgh")
    return stack


@pytest.fixture
def matches(gateway: Gateway) -> MatchCollectionWrapper:
    """The pairs, and one with a tile of another stack."""
    matches = gateway.match_collection("dmesh")
    other = MatchRecord(p_group="1.0", p_id="f", q_group="1.0", q_id="other", p=[[0, 1]], q=[[2, 3]])
    matches.put([*(pair(*names) for names in PAIRS), other])
    return matches


def layout(stack: StackWrapper) -> dict[float, str]:
    """The tiles of each section."""
    return {section.z: "".join(section.tiles().ids) for section in stack.sections()}


def test_clusters__of_a_stack(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Matches across sections connect; points are not read."""
    with stack._conn.counting() as requests:
        clusters = stack.clusters(matches)

    assert (clusters.connected, clusters.unmatched) == ((tuple("abcgh"), tuple("de")), ("f",))
    assert requests.count("section.tile_bounds") == requests.count("match.with_p_group") == 2


def test_clusters__within_sections(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Without the matches across sections, or in one section, clusters are smaller."""
    assert stack.clusters(matches, between_groups=False).sizes == (3, 2, 2)
    assert stack.clusters(matches, stack.section(2)).connected == (("g", "h"),)
    assert stack.clusters(matches.merged_with("dmesh"), [1]).sizes == (3, 2)


def test_clusters__nothing_there(stack: StackWrapper, gateway: Gateway, matches: MatchCollectionWrapper) -> None:
    """Missing sections, stacks and collections are errors; a name is not a collection."""
    with pytest.raises(NotFoundError, match="no section at z 9"):
        stack.clusters(matches, [1, 9])
    with pytest.raises(NotFoundError, match="lost"):
        stack.clusters(gateway.match_collection("lost"))
    with pytest.raises(NotFoundError, match="lost"):
        gateway.stack("lost").clusters(matches)
    with pytest.raises(TypeError, match=r"gateway\.match_collection\(name\) opens it"):
        stack.clusters("dmesh")  # type: ignore[arg-type]


# Removing


def test_remove__tiles_without_matches(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Tiles without a match are deleted, of sections that have others."""
    dry = stack.remove_unconnected(matches, dry_run=True)
    assert (dry, layout(stack)) == ({1.0: ["f"]}, {1.0: "abcdef", 2.0: "gh"})

    assert stack.remove_unconnected(matches) == dry

    assert (layout(stack), stack.state) == ({1.0: "abcde", 2.0: "gh"}, "COMPLETE")
    with stack._conn.counting() as requests:
        assert stack.remove_unconnected(matches) == {}
    assert "stack.set_state" not in requests


def test_remove__small_clusters(stack: StackWrapper, matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Small clusters go too, and are saved first; a tile of another stack keeps its cluster."""
    keeper = stack.copy_to("keeper", sections=1, edit=lambda tiles: tiles[tiles.tile_id == "e"])
    assert stack.remove_unconnected(matches, sections=[1], max_size=2, keep=keeper, dry_run=True) == {1.0: ["f"]}

    found = stack.remove_unconnected(matches, max_size=2, move_to="removed", complete=False)

    removed = gateway.stack("removed")
    assert found == {1.0: ["d", "e", "f"]}
    assert (layout(stack), stack.state) == ({1.0: "abc", 2.0: "gh"}, "LOADING")
    assert (layout(removed), removed.state, removed.resolution_nm) == ({1.0: "def"}, "LOADING", (4, 4, 40))


def test_remove__section_of_unconnected_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """A section without any match is left as it is."""
    matches = gateway.match_collection("few")
    matches.put([pair("g", "h")])

    assert stack.remove_unconnected(matches) == {}
    assert layout(stack) == {1.0: "abcdef", 2.0: "gh"}


def test_remove__nothing_is_lost(stack: StackWrapper, matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """If the deleted tiles cannot be saved, none is deleted."""
    gateway.create_stack("removed")
    put(gateway.stack("removed"), "a")
    gateway.stack("removed").set_state("READ_ONLY")

    with pytest.raises(Exception, match="READ_ONLY"):
        stack.remove_unconnected(matches, move_to="removed")

    assert layout(stack) == {1.0: "abcdef", 2.0: "gh"}


# Splitting


def test_split__into_a_copy(stack: StackWrapper, matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Each cluster gets a layer, the largest first; the former z is the tile group, and sections are thinner."""
    split = stack.split_clusters("apart", matches, layers_per_z=10, removed_to="left")

    assert split.layers == {1.0: [10.0, 11.0], 2.0: [20.0]}
    assert split.removed == {1.0: ["f"]}
    assert layout(split.stack) == {10.0: "abc", 11.0: "de", 20.0: "gh"}
    assert (split.stack.resolution_nm, str(split.stack.tile("d").group)) == ((4, 4, 4), "1.0")
    assert layout(gateway.stack("left")) == {1.0: "f"}
    assert layout(stack) == {1.0: "abcdef", 2.0: "gh"}


def test_split__in_place(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Tiles may move within their stack; small clusters are left out."""
    split = stack.split_clusters("montage", matches, layers_per_z=2, max_size=2, existing="append")

    assert split.stack == stack
    assert (layout(stack), stack.state) == ({2.0: "abc", 4.0: "gh"}, "COMPLETE")


def test_split__without_a_copy(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Without a name only the layers are returned."""
    assert stack.split_clusters(None, matches, sections=1).layers == {1.0: [40.0, 41.0]}
    assert layout(stack) == {1.0: "abcdef", 2.0: "gh"}


def test_split__refused(stack: StackWrapper, matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Too many clusters, a section without any, and an existing stack are errors before anything is saved."""
    with pytest.raises(RecordError, match="z 1 has 2 clusters: got layers_per_z=1"):
        stack.split_clusters("apart", matches, layers_per_z=1)
    few = gateway.match_collection("few")
    few.put([pair("a", "b")])
    with pytest.raises(RecordError, match="no tiles of z 2 are connected"):
        stack.split_clusters("apart", few)
    assert not gateway.stack("apart").exists
    with pytest.raises(BadRequestError, match="exists"):
        stack.split_clusters("montage", matches)
