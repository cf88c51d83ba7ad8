"""The clients of tile pairs and matches: their options, results, and sentences of bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway
from rendergateway.clients.base.command import main
from rendergateway.model.files.pair_files import read_pairs
from rendergateway.testing import make_stack

FEATURES = "--renderWithFilter false --SIFTminScale 0.2 --SIFTmaxScale 0.5 --matchMaxEpsilon 3"
Client = Callable[[str, str], int]


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of one section of three tiles, with images, and its pairs."""
    folder = tmp_path_factory.mktemp("clients")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="o", project="p") as gateway:
        stack = make_stack(gateway, "s", sections=1, rows=1, columns=3, images=folder / "images")
        stack.tile_pairs().write(folder / "pairs.json")
    return folder


@pytest.fixture
def work(volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a copy of the database and the pairs."""
    for name in ("render.db", "pairs.json"):
        shutil.copy2(volume / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def client(work: Path) -> Client:
    """Run a client on the database of the folder; return its exit code."""

    def run(name: str, arguments: str) -> int:
        base = f"--baseDataUrl embedded:{work / 'render.db'} " if "Ransac" not in name else ""
        owner = "" if "Feature" in name or "Ransac" in name else "--owner o "
        return main(["1G", name, f"{base}{owner}{arguments}"])

    return run


def stored(work: Path, name: str = "m") -> Any:
    with Gateway(f"embedded:{work / 'render.db'}", owner="o") as gateway:
        return gateway.match_collection(name).table()


def web_url(tile: str, more: str = "") -> str:
    return f"http://h/render-ws/v1/owner/o/project/p/stack/s/tile/{tile}/render-parameters?filter=false{more}"


def test_tile_pair__writes_the_pairs(client: Client, work: Path) -> None:
    """The pairs of a stack are written to the file."""
    assert client("TilePairClient", "--project p --stack s --toJson out.json.gz --zNeighborDistance 0") == 0

    found = read_pairs(work / "out.json.gz").pairs
    assert [(one.p_id, one.q_id) for one in found] == [("s1_r0_c0", "s1_r0_c1"), ("s1_r0_c1", "s1_r0_c2")]


def test_tile_pair__near_and_position(client: Client, work: Path) -> None:
    """Tile ids of a file, and a position that is left out, limit the pairs."""
    (work / "near.json").write_text('["s1_r0_c2"]')
    near = "--project p --stack s --toJson out.json --onlyIncludeTilesNearTileIdsJson near.json"

    assert client("TilePairClient", near) == 0
    assert [one.q_id for one in read_pairs(work / "out.json").pairs] == ["s1_r0_c2"]
    assert client("TilePairClient", f"{near} --excludeSameLayerPairsWithPosition LEFT --toJson") == 1
    (work / "out.json").unlink()
    assert client("TilePairClient", f"{near} --excludeSameLayerPairsWithPosition LEFT") == 0
    assert not (work / "out.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--minX 0 --maxX 10", "since one or more of minX (0.0), maxX (10.0), minY (null), maxY (null) is specified"),
        ("--minX 9 --maxX 1 --minY 0 --maxY 1", "minX (9.0) must be less than or equal to maxX (1.0)"),
        ("--minZ 5 --maxZ 6", "does not contain any layers with the specified z values"),
        ("--minZ 6 --maxZ 5", "does not contain any layers with the specified z values"),
        ("--z 1", "--z needs --zNeighborDistance 0"),
        ("--useRowColPositions", "--useRowColPositions needs --zNeighborDistance 0"),
        ("--onlyIncludeTilesNearTileIdsJson no.json", "no.json (No such file or directory)"),
        ("--onlyIncludeTilesNearTileIdsJson pairs.json", "pairs.json is not a JSON array of tile ids"),
        ("--excludePairsInMatchCollection none", "no match collection 'none'"),
        ("--zNeighborDistance x", '"--zNeighborDistance": couldn\'t convert "x" to an integer'),
        ("--excludeSameLayerPairsWithPosition UP", "Allowed values:[TOP, BOTTOM, LEFT, RIGHT]"),
    ],
)
def test_tile_pair__bad_input(client: Client, work: Path, capsys: Any, arguments: str, sentence: str) -> None:
    """Bad input ends with its sentence and no file."""
    assert client("TilePairClient", f"--project p --stack s --toJson out.json {arguments}") == 1

    assert sentence in capsys.readouterr().err
    assert not (work / "out.json").exists()


def test_tile_pair__missing_folder(client: Client, capsys: Any) -> None:
    """A folder that does not exist is named."""
    assert client("TilePairClient", "--project p --stack s --toJson none/out.json") == 1
    assert "none" in capsys.readouterr().err


def test_sift_point_match__saves(client: Client, work: Path) -> None:
    """The matches of a pair file are saved, and the pairs without any are listed."""
    failed = "--failedPairsDir failed --pairJson pairs.json --collection m"

    assert client("SIFTPointMatchClient", f"{FEATURES} {failed} --matchMinNumInliers 8") == 0
    assert len(stored(work)) == 2
    assert list((work / "failed").iterdir()) == []
    assert client("SIFTPointMatchClient", f"{FEATURES} {failed} --matchMinNumInliers 99999") == 0
    assert len(read_pairs(work / "failed" / "pairs.json").pairs) == 2


def test_sift_point_match__stored_features(client: Client, work: Path, capsys: Any) -> None:
    """Features of the feature client are used, and may be required."""
    stored_only = f"{FEATURES} --rootFeatureDirectory f --requireStoredFeatures --collection m --pairJson pairs.json"
    assert client("SIFTPointMatchClient", stored_only) == 1
    assert "are not stored in f" in capsys.readouterr().err

    rule = "--renderWithFilter false --SIFTminScale 0.2 --SIFTmaxScale 0.5"
    assert client("FeatureClient", f"{rule} --rootFeatureDirectory f --pairJson pairs.json --endIndex 1") == 0
    assert client("SIFTPointMatchClient", stored_only) == 1
    assert client("FeatureClient", f"{rule} --rootFeatureDirectory f --pairJson pairs.json") == 0
    assert client("SIFTPointMatchClient", stored_only) == 0
    assert len(stored(work)) == 2


def test_sift_point_match__geometric(client: Client, capsys: Any) -> None:
    """Geometric descriptors are refused, their other options accepted."""
    common = f"{FEATURES} --collection m --pairJson pairs.json --gdSigma 3 --gdMatchModelType RIGID"

    assert client("SIFTPointMatchClient", common) == 0
    assert client("SIFTPointMatchClient", f"{common} --gdEnabled") == 1
    assert "geometric descriptors are not supported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--pairJson none.json", "none.json (No such file or directory)"),
        ("--pairJson bad.json", "bad.json is not a file of tile pairs"),
        ("", "option is required: [--pairJson]"),
        ("--pairJson pairs.json --matchRegularizerModelType RIGID", "regularizer and its weight"),
        ("--pairJson pairs.json --matchModelType BENT", "Allowed values:[TRANSLATION, RIGID, SIMILARITY, AFFINE]"),
    ],
)
def test_sift_point_match__bad_input(client: Client, work: Path, capsys: Any, arguments: str, sentence: str) -> None:
    """Bad input ends with its sentence before anything is saved."""
    (work / "bad.json").write_text("[1]")

    assert client("SIFTPointMatchClient", f"--collection m {arguments}") == 1
    assert sentence in capsys.readouterr().err


def test_multi_stage__uses_the_next_stage(client: Client, work: Path, capsys: Any) -> None:
    """Pairs without matches in the first stage have those of the second."""
    stage = {
        "featureRender": {"renderWithFilter": False},
        "featureExtraction": {"minScale": 0.2, "maxScale": 0.5},
        "featureMatchDerivation": {"matchMaxEpsilon": 3},
    }
    strict = {**stage, "featureMatchDerivation": {"matchMaxEpsilon": 3, "matchMinNumInliers": 99999}}
    (work / "stages.json").write_text(json.dumps([strict, stage]))

    assert client("MultiStagePointMatchClient", "--collection m --stageJson stages.json --pairJson pairs.json") == 0
    assert len(stored(work)) == 2
    assert client("MultiStagePointMatchClient", "--collection m --stageJson pairs.json --pairJson pairs.json") == 1
    assert "is not an array of match stages" in capsys.readouterr().err


MATCHING = "--collection m --SIFTminScale 0.2 --SIFTmaxScale 0.5 --matchMaxEpsilon 3 --matchMinNumInliers 8"


def test_point_match__saves(client: Client, work: Path) -> None:
    """The matches of two URLs are saved under the ids of their tiles, whatever the host of the URLs."""
    urls = " ".join(web_url(tile, "&normalizeForMatching=true") for tile in ("s1_r0_c1", "s1_r0_c0"))

    assert client("PointMatchClient", f"{MATCHING} {urls}") == 0

    table = stored(work)
    assert (table.p_group[0], table.p_id[0], table.q_id[0]) == ("1.0", "s1_r0_c0", "s1_r0_c1")
    assert np.median(table.p - table.q, axis=0) == pytest.approx([448, 0], abs=40)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("", ("1.0", "s1_r0_c0", "1.0", "s1_r0_c1")),
        ("--canvasGroupIdAlgorithm COLLECTION", ("m", "s1_r0_c0", "m", "s1_r0_c1")),
        ("--canvasGroupIdAlgorithm FIRST_TILE_Z --canvasIdAlgorithm CANVAS_NAME", ("1.0", "c_00000", "1.0", "c_00001")),
    ],
)
def test_point_match__storage_file(client: Client, work: Path, options: str, ids: tuple[str, ...]) -> None:
    """Matches are written to a file instead, under the ids that are asked for, and clipped as is asked for."""
    urls = " ".join(web_url(tile, "&normalizeForMatching=true") for tile in ("s1_r0_c0", "s1_r0_c1"))
    clip = "--clipWidth 120 --firstCanvasPosition LEFT"

    assert client("PointMatchClient", f"{MATCHING} --matchStorageFile out.json {clip} {options} {urls}") == 0

    (found,) = json.loads((work / "out.json").read_text())
    assert tuple(found[name] for name in ("pGroupId", "pId", "qGroupId", "qId")) == ids
    assert found["matchCount"] == len(found["matches"]["w"]) >= 8
    assert min(found["matches"]["p"][0]) > 512 - 121


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (web_url("s1_r0_c0"), "odd number of canvas URLs specified, URLs must be paired"),
        ("", 'Main parameters are required ("canvas_1_URL canvas_2_URL'),
        (f"--clipWidth 9 {web_url('s1_r0_c0')} {web_url('s1_r0_c1')}", "--firstCanvasPosition"),
        (f"--clipWidth 9 {' '.join([web_url('s1_r0_c0')] * 4)}", "only one pair of pictures"),
        (f"{web_url('s1_r0_c0')} {web_url('gone')}", "gone"),
        (f"{web_url('s1_r0_c0')} http://h/other", "not the URL of render parameters"),
        (f"--renderScale 0 {web_url('s1_r0_c0')} {web_url('s1_r0_c1')}", "scale must be"),
    ],
)
def test_point_match__bad_input(client: Client, capsys: Any, arguments: str, sentence: str) -> None:
    """Bad input ends with its sentence before anything is saved."""
    assert client("PointMatchClient", f"--collection m {arguments}") == 1
    assert sentence in capsys.readouterr().err


def test_ransac_filter__keeps_what_agrees(client: Client, work: Path, capsys: Any) -> None:
    """Candidates that agree are written, under the name of the file."""
    random = np.random.default_rng(0)
    p = random.uniform(0, 1000, (40, 2))
    q = p + 50
    q[:8] = random.uniform(0, 1000, (8, 2))
    ids = {"pGroupId": "1", "pId": "a", "qGroupId": "1", "qId": "b"}
    document = {**ids, "matches": {"p": p.T.tolist(), "q": q.T.tolist(), "w": [1] * 40}}
    (work / "candidates.json").write_text(json.dumps([document]))

    arguments = "--matchModelType TRANSLATION --matchMaxEpsilon 2 --candidateFile candidates.json --outputDirectory out"
    assert client("RansacFilterClient", arguments) == 0

    (found,) = json.loads((work / "out" / "candidates.json").read_text())
    assert len(found["matches"]["w"]) == 32
    assert client("RansacFilterClient", "--candidateFile none.json --outputDirectory out") == 1
    assert "none.json (No such file or directory)" in capsys.readouterr().err
