"""Matching of tile pairs: the same matches wherever they are made, each tile described once, nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from rendergateway import (
    ConfigurationError,
    Gateway,
    ImageError,
    MatchCollectionWrapper,
    NotFoundError,
    StackWrapper,
    TileRecord,
)
from rendergateway.alignment.stages import MatchStage
from rendergateway.errors import RecordError
from rendergateway.model.records.matches import MatchRecord
from rendergateway.model.tables.pair_table import PairTable, TilePair
from rendergateway.testing import make_stack
from rendergateway.wrappers.matching.canvases import check_service

OPTIONS: Any = {"filter": False, "min_scale": 0.2, "max_scale": 0.5, "epsilon_px": 3.0}


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two sections of two tiles, with images."""
    folder = tmp_path_factory.mktemp("matching")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, sections=2, rows=1, columns=2, images=folder / "images")
    return folder / "render.db"


@pytest.fixture
def stack(volume: Path, tmp_path: Path) -> Iterator[StackWrapper]:
    shutil.copy2(volume, tmp_path / "render.db")
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as gateway:
        yield gateway.stack("montage")


def collection(
    stack: StackWrapper, name: str = "derived", frame: str | None = "lens_corrected"
) -> MatchCollectionWrapper:
    found: MatchCollectionWrapper = stack._conn.match_collection(name, frame=frame)
    return found


def test_derive__matches_are_true(stack: StackWrapper) -> None:
    """Derived matches agree with the transforms of the tiles."""
    matches = collection(stack)

    found = matches.derive(stack.tile_pairs(z_distance=0), workers=1, **OPTIONS)

    table = matches.table()
    assert (found.pair_count, found.matched_count, found.described_count) == (2, len(table), 4)
    assert found.point_count == len(table.p)
    assert len(table) == 2
    assert np.median(matches.residuals(stack, table)) < 1.0


def text_of(matches: MatchCollectionWrapper) -> list[bytes]:
    return sorted(record.to_json() for record in matches.table())


def test_derive__the_same_everywhere(stack: StackWrapper) -> None:
    """Processes, and whoever draws the pictures, make no difference to the matches."""
    ways: list[Any] = [
        {"workers": 1, "compute": "service"},
        {"workers": 1, "compute": "local"},
        {"workers": 2, "compute": "local"},
    ]
    for number, way in enumerate(ways):
        collection(stack, f"way{number}").derive(stack.tile_pairs(), **way, **OPTIONS)

    texts = [text_of(collection(stack, f"way{number}")) for number in range(len(ways))]
    assert texts[0] == texts[1] == texts[2]


def test_derive__by_dask(stack: StackWrapper) -> None:
    """Workers of a Dask cluster have the same matches as this process."""
    distributed = pytest.importorskip("distributed")
    collection(stack, "here").derive(stack.tile_pairs(), workers=1, **OPTIONS)

    cluster = distributed.LocalCluster(
        protocol="tcp://", host="127.0.0.1", n_workers=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        collection(stack, "there").derive(stack.tile_pairs(), dask=client, **OPTIONS)
        collection(stack, "address").derive(stack.tile_pairs(z=1), dask=cluster.scheduler_address, **OPTIONS)

    assert text_of(collection(stack, "there")) == text_of(collection(stack, "here"))
    assert set(text_of(collection(stack, "address"))) < set(text_of(collection(stack, "here")))


def test_derive__cache(stack: StackWrapper, tmp_path: Path) -> None:
    """Features are made once, and again if the rule or a file changes."""
    cache = tmp_path / "features"
    pairs = stack.tile_pairs(z=1)
    derive = collection(stack).derive

    derive(pairs, workers=1, compute="local", feature_cache=cache, **OPTIONS)
    first = set(cache.rglob("*.npz"))
    derive(pairs, workers=1, compute="local", feature_cache=cache, cached_only=True, **OPTIONS)
    assert set(cache.rglob("*.npz")) == first
    assert len(first) == 2

    with pytest.raises(NotFoundError, match="are not stored in"):
        derive(pairs, workers=1, feature_cache=cache, cached_only=True, **{**OPTIONS, "steps": 4})


def test_derive__skip_existing(stack: StackWrapper) -> None:
    """Pairs that are stored are skipped, in either order of their sides."""
    matches = collection(stack)
    one, *_ = pairs = list(stack.tile_pairs())
    turned = TilePair(one.q_group, one.q_id, one.p_group, one.p_id)
    matches.put(
        [MatchRecord(p_group=one.p_group, p_id=one.p_id, q_group=one.q_group, q_id=one.q_id, p=[[1, 2]], q=[[3, 4]])]
    )

    found = matches.derive([turned, *pairs[1:]], stack=stack, workers=1, skip_existing=True, **OPTIONS)

    assert (found.skipped_count, found.pair_count) == (1, len(pairs))
    assert matches.pair((one.p_group, one.p_id), (one.q_group, one.q_id)).p.tolist() == [[1, 2]]


def test_derive__a_pair_twice(stack: StackWrapper) -> None:
    """A pair that is listed in both orders is stored once."""
    one = next(iter(stack.tile_pairs(z=1)))
    turned = TilePair(one.q_group, one.q_id, one.p_group, one.p_id)

    found = collection(stack).derive([one, turned], stack=stack, workers=1, **OPTIONS)

    assert (found.matched_count, len(collection(stack).pairs())) == (2, 1)


def test_derive__stages(stack: StackWrapper) -> None:
    """A pair without matches in one stage is tried in the next, unless its layers are too far apart."""
    strict = MatchStage.of(**OPTIONS, min_inliers=10**6, name="strict")
    last = MatchStage.of(**OPTIONS, max_z_distance=0.0)

    found = collection(stack).derive(stack.tile_pairs(), [strict, last], workers=1)

    assert found.matched_count == 2
    assert found.described_count == 4
    assert {pair.delta_z for pair in found.unmatched} == {1.0}


def test_derive__consensus_sets(stack: StackWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several sets of a pair are stored apart, under ids with a suffix, and skipped as the pair itself."""
    from rendergateway.alignment import matches as matching

    whole = matching.filtered

    def halves(p: Any, q: Any, rule: Any, scale: float = 1.0) -> Any:
        ((p, q),) = whole(p, q, attrs.evolve(rule, filter="SINGLE_SET"), scale)
        return [(p[::2], q[::2]), (p[1::2], q[1::2])]

    monkeypatch.setattr(matching, "filtered", halves)
    matches, pairs = collection(stack), stack.tile_pairs(z=1)
    matches.derive(pairs, workers=1, match_filter="CONSENSUS_SETS", **OPTIONS)

    stored = [pair._obj for pair in matches.pairs()]
    assert [one.p_id for one in stored] == ["s1_r0_c0_set_1.0_1.0_0", "s1_r0_c0_set_1.0_1.0_1"]
    assert stored[1].consensus_set == {"index": 1, "originalPId": "s1_r0_c0", "originalQId": "s1_r0_c1"}
    assert matches.derive(pairs, workers=1, skip_existing=True, **OPTIONS).skipped_count == 1


def test_derive__clipped(stack: StackWrapper) -> None:
    """Clipped tiles have matches in the coordinates of the whole tile."""
    matches = collection(stack)

    matches.derive(stack.tile_pairs(z=1), workers=1, clip_width=120, **OPTIONS)

    pair = matches.pairs()[0]
    assert pair.p[:, 0].min() > 512 - 121
    assert pair.q[:, 0].max() < 121
    assert np.median(pair.residuals(stack)) < 1.5


def test_derive__to_a_file(stack: StackWrapper, tmp_path: Path) -> None:
    """Matches are written to a file instead of saved."""
    matches = collection(stack)

    found = matches.derive(stack.tile_pairs(z=1), workers=1, to=tmp_path / "m.json.gz", **OPTIONS)

    assert found.matched_count == 1
    assert not matches.exists
    assert (tmp_path / "m.json.gz").exists()


def test_derive__interrupted(stack: StackWrapper) -> None:
    """Ctrl-C stores the matches that were found, and reports them."""

    def stop(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    matches = collection(stack)
    with pytest.raises(KeyboardInterrupt) as caught:
        matches.derive(stack.tile_pairs(z_distance=0), workers=1, progress=stop, **OPTIONS)

    assert len(matches.pairs()) == 2
    assert "2 pairs of tiles were stored" in vars(caught.value)["__notes__"][-1]


@pytest.mark.parametrize("workers", [1, 2])
def test_derive__a_missing_image(stack: StackWrapper, workers: int) -> None:
    """A tile that cannot be drawn ends the run, and is named, also from another process."""
    with stack.editing() as edit:
        members = stack.tile("s2_r0_c1")._obj.to_dict()
        members["mipmapLevels"] = {"0": {"imageUrl": "file:/nowhere/a.png"}}
        edit.put([TileRecord.from_dict(members)])

    with pytest.raises(ImageError) as caught:
        collection(stack).derive(stack.tile_pairs(), workers=workers, compute="local", **OPTIONS)

    assert "s2_r0_c1" in str(caught.value) + "".join(vars(caught.value).get("__notes__", ()))


def test_derive__frame(stack: StackWrapper) -> None:
    """A collection of another frame does not take matches of this one."""
    with pytest.raises(ConfigurationError, match="'lens_corrected': got the frame 'raw'"):
        collection(stack, frame="raw").derive(stack.tile_pairs(), **OPTIONS)


def test_derive__arguments(stack: StackWrapper, tmp_path: Path) -> None:
    """Pairs without a stack, other things and wrong options are refused before any request."""
    derive = collection(stack).derive
    table = PairTable.of(stack.tile_pairs(z=1))
    with pytest.raises(TypeError, match="pass stack="):
        derive(table)
    with pytest.raises(TypeError, match="tile pairs or paths"):
        derive([3])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="options of their own"):
        derive(table, MatchStage(), stack=stack, **OPTIONS)
    with pytest.raises(TypeError, match="unknown options"):
        derive(table, stack=stack, epsilon=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="compute"):
        derive(table, stack=stack, compute="elsewhere")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(RecordError, match=r"a\.json"):
        derive(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("{baseDataUrl}/owner/o/x", True),
        ("http://render:8080/render-ws/v1/owner/o/x", True),
        ("http://other:8080/render-ws/v1/owner/o/x", False),
        ("http://render:8080/v1/owner/o/x", False),
    ],
)
def test_check_service__other_hosts(url: str, is_own: bool) -> None:
    """A URL of another service is refused instead of being read from this one."""
    server = "http://render:8080/render-ws/v1"
    if is_own:
        check_service([url], server)
    else:
        with pytest.raises(ConfigurationError, match="another service"):
            check_service([url], server)
    check_service([url], "embedded:a.db")


def test_derive__script_without_a_guard(tmp_path: Path) -> None:
    """A script that the processes run again, instead of importing it, ends with a sentence about that."""
    script = tmp_path / "script.py"
    script.write_text(
        """
from pathlib import Path

import cv2
from rendergateway import ConfigurationError, Gateway
from rendergateway.testing import make_stack

Path("once").mkdir()
gateway = Gateway("embedded:render.db", owner="lab", project="cortex")
stack = make_stack(gateway, sections=1, rows=1, columns=3, images="images")
points = gateway.match_collection("points")
try:
    points.derive(stack.tile_pairs(), compute="local", workers=2, progress=False)
except ConfigurationError as error:
    print(error)
"""
    )

    ran = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "below if __name__ == '__main__':" in ran.stdout
