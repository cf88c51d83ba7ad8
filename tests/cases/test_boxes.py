"""Stored bounding boxes that do not fit the transforms of their tiles."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from rendergateway import Bounds, Gateway, StackWrapper, TileTable
from rendergateway.batch.load import load_files
from rendergateway.errors import StaleBoxWarning
from rendergateway.model.records.json_slices import cut_list
from rendergateway.testing import make_stack
from tests.cases.read import case, case_file

PROBLEM = "stored is (0.0, 0.0, 80.0, 60.0), derived is (90000.0, -30000.0, 90080.0, -29940.0)"


@pytest.fixture
def stale(gateway: Gateway, tmp_path: Path) -> StackWrapper:
    """A stack with one tile, 90 000 px from its stored box."""
    stack = gateway.stack("stale")
    load_files(stack, case_file("stale_box.json", tmp_path))
    return stack


def test_check_boxes__case(stale: StackWrapper) -> None:
    """A box that does not fit is listed with its distance; boxes derived by the service are right."""
    with stale._conn.counting() as requests:
        (row,) = stale.check_boxes()
    assert row == {"tile_id": "a", "z": 1.0, "off_px": 90000.0, "problem": PROBLEM}
    assert requests == ["stack.z_values", "stack.read", "stack.section_data", "section.resolved_tiles"]

    with stale.editing() as edit:
        edit.put(stale.tiles(), boxes="service")
    assert len(stale.check_boxes()) == 0


def test_check_boxes__kinds(gateway: Gateway) -> None:
    """Missing sizes, unknown classes and numbers that are not finite are listed; boxes off by a pixel are not."""
    stack = make_stack(gateway, sections=2)
    table = stack.section(1).tiles().table()
    (nan,) = cut_list(case("nan_affine_only_tile.json"))
    box = table.box
    with stack.editing() as edit:
        edit.put(table.evolve(box=box + np.array([[1.0], [2.0], [-1.5], [0.0]])))
        edit.put(TileTable([nan]), allow_nan=True)
        unsized = table[[0]].evolve(tile_id=["unsized"], width=None, box=box[[0]])
        edit.put(unsized)

    found = list(stack.check_boxes(z=1))

    assert [(row["tile_id"], row["off_px"]) for row in found[:2]] == [("s1_r0_c1", 2.0), ("s1_r1_c0", 1.5)]
    assert [row["tile_id"] for row in found[2:]] == ["t1", "unsized"]
    assert "cannot derive the box of tile 't1'" in found[2]["problem"]
    assert "set width and height" in found[3]["problem"]
    assert len(stack.check_boxes(z=2)) == 0
    assert len(stack.check_boxes(z=1, tolerance_px=2)) == 2
    assert len(stack.check_boxes(z=1, tolerance_px=0)) == 5


@pytest.mark.parametrize("compute", ["local", "service"])
@pytest.mark.parametrize("dtype", [None, "uint16"])
def test_picture__stale_box(compute: str, dtype: str | None, stale: StackWrapper) -> None:
    """A picture without a pixel of its tiles warns, naming the tile and the remedy; a tile's own too."""
    sentence = r"shows none of its 1 tiles; box of tile 'a': stored is .*; stack\.check_boxes\(\) lists such tiles"
    for shown in (stale.section(1), stale.tile("a")):
        with pytest.warns(StaleBoxWarning, match=sentence):
            assert not np.asarray(shown.image(compute=compute, dtype=dtype)).any()


@pytest.mark.parametrize("compute", ["local", "service"])
def test_picture__without_tiles(compute: str, stale: StackWrapper, tmp_path: Path) -> None:
    """A box that no tile touches, and a picture of tiles with right boxes, warn of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stale.section(1).image(Bounds(500, 500, 600, 600), compute=compute)
        with stale.editing() as edit:
            edit.put(stale.tiles(), boxes="service")
        assert np.asarray(stale.section(1).image(compute=compute)).any()


def test_picture__zero_affine(gateway: Gateway, tmp_path: Path) -> None:
    """A tile that its transform maps to a point has a stale box: that is the reason, not the number of tiles."""
    stack = gateway.stack("zero")
    load_files(stack, case_file("zero_affine_full_box.json", tmp_path))

    with pytest.warns(StaleBoxWarning, match=r"derived is \(5\.0, 5\.0, 5\.0, 5\.0\)"):
        stack.section(1).image()


def test_command__derived_boxes(tmp_path: Path) -> None:
    """The command keeps boxes, or derives all of them; numbers that are not finite need an option."""

    def load(*options: str) -> subprocess.CompletedProcess[str]:
        words = [
            sys.executable,
            "-m",
            "rendergateway.cli",
            "load",
            "--service",
            f"embedded:{tmp_path}/r.db",
            "--replace",
        ]
        return subprocess.run([*words, "--stack", "o/p/s", *options], capture_output=True, text=True, check=False)

    path = case_file("stale_box.json", tmp_path)
    nan = case_file("nan_affine_no_box.json", tmp_path)
    for options, count in (([], 1), (["--boxes", "derive"], 0)):
        done = load(str(path), *options)
        assert done.returncode == 0, done.stderr
        with Gateway(f"embedded:{tmp_path}/r.db") as gateway:
            assert len(gateway.stack("o/p/s").check_boxes()) == count
    refused = load(str(nan))
    assert refused.returncode != 0
    assert "or pass --allow-nan" in refused.stderr.replace("\n", " ")
    assert load(str(nan), "--allow-nan").returncode == 0
