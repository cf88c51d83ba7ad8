"""Pictures of clusters: overlaps, and small clusters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rendergateway import ClusterSplit, Gateway, MatchRecord, StackWrapper
from rendergateway.batch.cluster_pictures import draw_overlaps, draw_small_clusters
from rendergateway.clients.base.command import main
from rendergateway.testing import make_stack

GREEN, RED = (0, 255, 0), (255, 0, 0)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackWrapper]:
    """A section of two rows of three tiles, each row a cluster by its matches."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex", create=True) as gateway:
        stack = make_stack(gateway, sections=1, rows=2, columns=3, images=tmp_path / "images")
        pairs = [(f"s1_r{row}_c{column}", f"s1_r{row}_c{column + 1}") for row in (0, 1) for column in (0, 1)]
        gateway.match_collection("rows").put(
            [MatchRecord(p_group="1.0", p_id=p, q_group="1.0", q_id=q, p=[[0, 1]], q=[[2, 3]]) for p, q in pairs]
        )
        yield stack


@pytest.fixture
def split(stack: StackWrapper) -> ClusterSplit:
    """The layers of the clusters."""
    return stack.split_clusters(None, stack._conn.match_collection("rows"), layers_per_z=10)


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def has(path: Path, color: tuple[int, int, int]) -> bool:
    """Whether a picture has lines of a color; JPEG changes it a little."""
    pixels = pixels_of(path)
    return bool((np.abs(pixels - color).max(axis=2) < 60).sum() > 50)


def test_overlaps__of_two_clusters(stack: StackWrapper, split: ClusterSplit, tmp_path: Path) -> None:
    """The overlap of both rows is drawn, and its tiles are listed."""
    (path,) = draw_overlaps(stack, split, tmp_path / "out")

    batch = tmp_path / "out" / "problem_overlap_batch_000"
    assert path.parent == batch
    assert path.name.startswith("problem_overlap_montage_z1_gz10_rz11_x")
    assert (has(path, GREEN), has(path, RED), max(pixels_of(path).shape) <= 800) == (True, True, True)
    (problem,) = json.loads((batch / "problem_overlap_tile_ids_montage_z000001.json").read_text())
    assert problem["problemName"] == path.stem
    assert problem["greenTileIds"] == [f"s1_r0_c{column}" for column in range(3)]
    assert problem["redTileIds"] == [f"s1_r1_c{column}" for column in range(3)]


def test_overlaps__none(stack: StackWrapper, tmp_path: Path) -> None:
    """Without overlaps there is no file."""
    matches = stack._conn.match_collection("one")
    matches.put([MatchRecord(p_group="1.0", p_id="s1_r0_c0", q_group="1.0", q_id="s1_r1_c0", p=[[0, 1]], q=[[2, 3]])])

    assert draw_overlaps(stack, stack.split_clusters(None, matches), tmp_path / "out") == []
    assert not (tmp_path / "out").exists()


def test_small_clusters__without_other_tiles(stack: StackWrapper, split: ClusterSplit, tmp_path: Path) -> None:
    """Clusters of few tiles are drawn alone, and listed."""
    assert draw_small_clusters(stack, split, tmp_path / "out", 2) == []

    paths = draw_small_clusters(stack, split, tmp_path / "out", 3)

    batch = tmp_path / "out" / "z_cluster_batch_000"
    assert paths == [batch / "z000001_cluster_000.jpg", batch / "z000001_cluster_001.jpg"]
    assert has(paths[0], GREEN)
    assert not has(paths[0], RED)
    assert json.loads((batch / "z000001_clusters.json").read_text())[1] == {
        "clusterNumber": 1, "tileIds": [f"s1_r1_c{column}" for column in range(3)]
    }  # fmt: skip


def test_client__draws_before_tiles_move(
    stack: StackWrapper, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SplitClusterClient draws what its options ask for, also if tiles move within their stack."""
    service = ["--baseDataUrl", f"embedded:{tmp_path / 'render.db'}", "--owner", "lab", "--project", "cortex"]
    words = ["--stack", "montage", "--targetStack", "montage", "--matchCollection", "rows", "--z", "1"]
    pictures = ["--renderIntersectingClusters", "--renderClustersMaxCount", "3", "--rootOutputDirectory", str(tmp_path)]

    code = main(["1G", "SplitClusterClient", *service, *words, "--maxClustersPerOriginalZ", "10", *pictures])

    assert code == 0
    assert capsys.readouterr().out.count("saved ") == 3
    stack.reload()
    assert stack.sections().ids == [10.0, 11.0]
