"""TileRemovalClient, UnconnectedTileRemovalClient, SplitClusterClient and ClusterCountClient."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rendergateway import Gateway, MatchRecord, StackWrapper
from tests.clients.stacks.conftest import Run, layout, tile

REST = {2.0: ["t2_0", "t2_1"]}


@pytest.fixture
def matches(gateway: Gateway) -> str:
    """Matches of t1_0 – t1_1 and t2_0 – t2_1; t1_2 has none."""
    pairs = [
        MatchRecord(p_group=f"{z}.0", p_id=f"t{z}_0", q_group=f"{z}.0", q_id=f"t{z}_1", p=[[1, 2]], q=[[3, 4]])
        for z in (1, 2)
    ]
    gateway.match_collection("dmesh").put(pairs)
    return "dmesh"


# Single tiles


def test_removal__file_of_ids(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Ids come from a gzipped file; unknown ones are ignored; the stack may be completed."""
    (tmp_path / "ids.json.gz").write_bytes(gzip.compress(json.dumps(["t1_0", "lost", "t1_2"]).encode()))

    ended = run(
        "TileRemovalClient",
        "--stack",
        "acquire",
        "--tileIdJson",
        tmp_path / "ids.json.gz",
        "--completeStackAfterRemoval",
    )

    assert (ended.code, layout(stack), stack.state) == (0, {1.0: ["t1_1"], **REST}, "COMPLETE")


def test_removal__hidden_tiles(run: Run, stack: StackWrapper) -> None:
    """Tiles that others of the section cover completely are deleted."""
    with stack.editing() as edit:
        edit.put([tile("t1_1_again", 1.0, 200.0), tile("t2_0_again", 2.0, 100.0)])

    ended = run("TileRemovalClient", "--stack", "acquire", "--hiddenTilesWithZ", 1)

    assert ended == (
        0,
        "  Running: org.janelia.render.client.TileRemovalClient\nremoved 1 tiles from stack acquire\n",
        "",
    )
    assert layout(stack) == {1.0: ["t1_0", "t1_1_again", "t1_2"], 2.0: ["t2_0", "t2_0_again", "t2_1"]}
    assert stack.state == "LOADING"


BOX = ["--keepZ", "1", "--keepMinX", "0", "--keepMinY", "0", "--keepMaxX", "9"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "no tiles to remove: pass tile ids"),
        (BOX, "no tiles to remove: pass tile ids"),
        (["t1_0", "--hiddenTilesWithZ", "1"], "tile ids should not be specified when --hiddenTilesWithZ is"),
        (["t1_0", *BOX, "--keepMaxY", "9"], "tile ids should not be specified when --keepZ is specified"),
        (["--tileIdJson", "lost.json"], "lost.json (No such file or directory)"),
    ],
)
def test_removal__bad_options(run: Run, stack: StackWrapper, words: list[str], sentence: str) -> None:
    """The stack is opened before the tiles are known, and stays so; nothing is deleted."""
    ended = run("TileRemovalClient", "--stack", "acquire", *words)

    assert (ended.code, sentence in ended.err) == (1, True), ended.err
    assert (layout(stack)[1.0], stack.state) == (["t1_0", "t1_1", "t1_2"], "LOADING")


def test_removal__bad_file_of_ids(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """A file of something else is named."""
    (tmp_path / "ids.json").write_text('{"t1_0": 1}')

    ended = run("TileRemovalClient", "--stack", "acquire", "--tileIdJson", tmp_path / "ids.json")

    assert (ended.code, "ids.json is not a JSON array of tile ids" in ended.err) == (1, True)


# Unconnected tiles


def test_unconnected__saved_and_completed(run: Run, gateway: Gateway, stack: StackWrapper, matches: str) -> None:
    """Tiles without a match are saved in another stack, and both are completed."""
    words = ["--matchCollection", matches, "--saveRemovedTiles", "--completeStacksAfterRemoval", "--z", 1, 2]

    ended = run("UnconnectedTileRemovalClient", "--stack", "acquire", *words)

    removed = gateway.stack("acquire_removed_tiles")
    assert (ended.code, "found 1 unconnected tiles across all layers" in ended.out) == (0, True)
    assert (layout(stack), stack.state) == ({1.0: ["t1_0", "t1_1"], **REST}, "COMPLETE")
    assert (layout(removed), removed.state) == ({1.0: ["t1_2"]}, "COMPLETE")


def test_unconnected__only_reported(run: Run, gateway: Gateway, stack: StackWrapper, matches: str) -> None:
    """A report deletes nothing and leaves the stack COMPLETE; it may save the tiles."""
    words = ["--matchCollection", matches, "--reportRemovedTiles", "--z", 1]
    ended = run("UnconnectedTileRemovalClient", "--stack", "acquire", *words)
    assert (ended.code, "for z 1.0, the following tiles are not connected: [t1_2]" in ended.out) == (0, True)

    words += ["--saveRemovedTiles", "--removedTilesStackName", "review"]
    assert run("UnconnectedTileRemovalClient", "--stack", "acquire", *words).code == 0

    assert (layout(stack)[1.0], stack.state) == (["t1_0", "t1_1", "t1_2"], "COMPLETE")
    assert (layout(gateway.stack("review")), gateway.stack("review").state) == ({1.0: ["t1_2"]}, "LOADING")


def test_unconnected__keeper(run: Run, stack: StackWrapper, matches: str) -> None:
    """Tiles of the keeper stack stay; then nothing changes, the state neither."""
    stack.copy_to("kept", project="p", sections=1)
    words = ["--matchCollection", matches, "--keeperProject", "p", "--keeperStack", "kept", "--z", 1]

    assert run("UnconnectedTileRemovalClient", "--stack", "acquire", *words).code == 0

    assert (layout(stack)[1.0], stack.state) == (["t1_0", "t1_1", "t1_2"], "COMPLETE")


@pytest.mark.parametrize("client", ["UnconnectedTileRemovalClient", "SplitClusterClient", "ClusterCountClient"])
def test_clusters__needs(run: Run, gateway: Gateway, stack: StackWrapper, matches: str, client: str) -> None:
    """Clients of clusters need a match collection, and section data of the stack."""
    words = {"SplitClusterClient": ["--maxClustersPerOriginalZ", 2, "--z", 1], "ClusterCountClient": []}
    more = words.get(client, ["--z", 1])
    ended = run(client, "--stack", "acquire", *more)
    assert (ended.code, "--matchCollection must be specified" in ended.err) == (1, True)

    with gateway.create_stack("open").editing(complete=False) as edit:
        edit.put([tile("a", 1.0, 0)])
    ended = run(client, "--stack", "open", "--matchCollection", matches, *more)
    assert (ended.code, "section data not aggregated" in ended.err) == (1, True), ended.err


# Clusters


def test_split__clusters(run: Run, gateway: Gateway, stack: StackWrapper, matches: str) -> None:
    """Clusters move to layers of their own, in a stack with thinner sections; the others are saved."""
    with stack.editing() as edit:
        edit.put([tile("x", 2.0, 300.0), tile("y", 2.0, 400.0)])
    gateway.match_collection(matches).put(
        [MatchRecord(p_group="2.0", p_id="x", q_group="2.0", q_id="y", p=[[1, 2]], q=[[3, 4]])]
    )
    words = ["--targetProject", "p", "--targetStack", "apart", "--matchCollection", matches, "--z", 1, 2]

    ended = run(
        "SplitClusterClient", "--stack", "acquire", *words, "--maxClustersPerOriginalZ", 4, "--saveRemovedTiles",
        "--completeStacks",
    )  # fmt: skip

    apart = gateway.stack("apart", project="p")
    assert ended.code == 0, ended.err
    assert layout(apart) == {4.0: ["t1_0", "t1_1"], 8.0: ["t2_0", "t2_1"], 9.0: ["x", "y"]}
    assert (apart.state, apart.resolution_nm, str(apart.tile("x").group)) == ("COMPLETE", (4, 4, 10), "2.0")
    assert layout(gateway.stack("acquire_removed_tiles", project="p")) == {1.0: ["t1_2"]}


def test_split__in_place_and_not_at_all(run: Run, stack: StackWrapper, matches: str) -> None:
    """Without a target nothing is saved; with the same stack tiles move."""
    words = ["--stack", "acquire", "--matchCollection", matches, "--maxClustersPerOriginalZ", 3, "--z", 1]
    ended = run("SplitClusterClient", *words)
    assert (ended.code, "z 1.0 has 1 clusters and 1 unconnected tiles" in ended.out) == (0, True)
    assert layout(stack)[1.0] == ["t1_0", "t1_1", "t1_2"]

    assert run("SplitClusterClient", *words, "--targetStack", "acquire").code == 0
    assert layout(stack) == {**REST, 3.0: ["t1_0", "t1_1"]}


def test_count__clusters(run: Run, stack: StackWrapper, matches: str, gateway: Gateway) -> None:
    """The clusters of a range of sections are printed, with matches across sections on request."""
    gateway.match_collection(matches).put(
        [MatchRecord(p_group="1.0", p_id="t1_2", q_group="2.0", q_id="t2_0", p=[[1, 2]], q=[[3, 4]])]
    )
    words = ["--stack", "acquire", "--matchCollection", matches]

    assert run("ClusterCountClient", *words).out.splitlines()[1:] == [
        "acquire has 2 cluster(s) and 1 completely unconnected tile(s)",
        "cluster details:",
        "  2 tile set with first tile t1_0 and last tile t1_1",
        "  2 tile set with first tile t2_0 and last tile t2_1",
        "completely unconnected tiles:",
        "  [t1_2]",
    ]
    across = run("ClusterCountClient", *words, "--includeMatchesOutsideGroup").out
    assert "acquire has 2 cluster(s) and 0 completely unconnected tile(s)" in across
    assert "acquire has 1 cluster(s) and 0" in run("ClusterCountClient", *words, "--minZ", 2).out
    assert "acquire has 0 cluster(s) and 0" in run("ClusterCountClient", *words, "--minZ", 3).out
