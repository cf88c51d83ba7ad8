"""``rendergateway picture`` and ``export``: stacks in, files out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import Gateway
from rendergateway.testing import make_stack
from tests.cli.conftest import Run
from tests.conftest import ROOT

STACK = "lab/cortex/montage"


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a made-up volume, and its images beside it."""
    folder = tmp_path_factory.mktemp("volume")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, images=folder / "images")
    return folder / "render.db"


@pytest.fixture
def draw(run: Run, volume: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command over that volume, in a folder of its own."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", f"embedded:{volume}")
    return run


def pixels(name: str) -> npt.NDArray[Any]:
    return np.asarray(cv2.imread(name, cv2.IMREAD_UNCHANGED))


def test_picture__of_a_box(draw: Run) -> None:
    """A box of a section goes into a file; one line says what it is."""
    result = draw("picture", STACK, "--z", "2", "--box", "-10,0,390,300.5", "--scale", "0.5", "-o", "a.png")

    assert (result.exit_code, result.stdout) == (0, "a.png: 200 × 150 pixels of uint8\n"), result.stderr
    assert pixels("a.png").shape == (150, 200)


def test_picture__drawn_here_is_the_same(draw: Run) -> None:
    """With --local the images are opened here; 16 bits keep their values."""
    for name, words in (("a.tif", []), ("b.tif", ["--local"])):
        result = draw("picture", STACK, "--z", "2", "--scale", "0.2", "--bits", "16", "-o", name, *words)
        assert result.exit_code == 0, result.stderr

    assert pixels("a.tif").dtype == np.uint16
    assert np.array_equal(pixels("a.tif"), pixels("b.tif"))


def test_picture__of_a_tile(draw: Run, volume: Path) -> None:
    """A tile is drawn whole, as the camera saw it or in the world."""
    assert draw("picture", STACK, "--tile", "s1_r0_c0", "--frame", "raw", "-o", "a.png").exit_code == 0

    source = pixels(str(volume.parent / "images" / "s1_r0_c0.png"))
    assert np.array_equal(pixels("a.png")[:-1, :-1], source[:-1, :-1])
    words = [
        "picture",
        STACK,
        "--tile",
        "s1_r0_c0",
        "--local",
        "--image-path",
        f"{volume.parent}=/nowhere",
        "-o",
        "b.png",
    ]
    assert "file not found: got '/nowhere/images/s1_r0_c0.png'" in draw(*words).stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "give --z, or --tile"),
        (["--z", "1", "--tile", "a"], 2, "give --z, or --tile"),
        (["--tile", "a", "--box", "0,0,1,1"], 2, "a tile is drawn whole"),
        (["--z", "1", "--frame", "raw"], 2, "--frame is for a --tile"),
        (["--z", "1", "--box", "1,2"], 2, "a box is X0,Y0,X1,Y1 in world pixels, not '1,2'"),
        (["--z", "1", "--intensity", "5"], 2, "intensities are LOW..HIGH, not '5'"),
        (["--z", "1", "--intensity", "9..5"], 2, "the lower one first"),
        (["--z", "1", "--background", "red"], 2, "a colour is written '#rrggbb'"),
        (["--z", "1", "--image-path", "a"], 2, "paths are THEIRS=MINE, not 'a'"),
        (["--z", "1", "--scale", "0"], 1, "rendergateway: a scale is pixels of the picture for one world pixel"),
        (["--z", "1", "--scale", "1e9"], 1, "ask for smaller boxes, or a smaller scale"),
        (["--z", "1", "--box", "9,0,0,9"], 2, "it goes from min_x, min_y to max_x, max_y"),
        (["--z", "1", "--box", "0,0,0,9"], 1, "there is nothing in the box"),
        (["--z", "1", "--channel", "DAPI"], 1, "has no channel 'DAPI'"),
        (["--z", "1", "--max-tiles", "3"], 1, "shows 4 tiles, more than max_tiles=3"),
        (["--z", "9"], 1, "section 9.0 of stack montage has no tiles"),
        (["--z", "1", "-o", "a.gif"], 1, "'a.gif' ends in none of .png, .jpg"),
        (["--z", "1", "-o", "no/folder/a.png"], 1, "no/folder: there is no such folder"),
    ],
)
def test_picture__bad_input(draw: Run, words: list[str], code: int, sentence: str) -> None:
    """What cannot be drawn is one sentence, and no file."""
    result = draw("picture", STACK, "-o", "a.png", *words)

    assert result.exit_code == code
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert not list(Path().iterdir())


def test_export__whole_sections(draw: Run) -> None:
    """Sections go to files of a folder; a second run leaves them, and draws what a wider range adds."""
    words = ["export", STACK, "--format", "png", "--scale", "0.1", "--to", "pictures/"]

    first = draw(*words, "--z", "1..2")
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("pictures: 2 pictures in ")
    assert first.stderr.startswith(f"Exporting {STACK} of embedded:")
    before = {path: path.stat().st_mtime_ns for path in Path("pictures").glob("*.png")}
    second = draw(*words, "--z", "1..50")

    assert second.stdout.startswith("pictures: 1 picture in ")
    assert second.stdout.endswith(", 2 were there\n")
    assert sorted(path.name for path in Path("pictures").glob("*.png")) == ["00001.0.png", "00002.0.png", "00003.0.png"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert draw(*words, "--overwrite").stdout.startswith("pictures: 3 pictures in ")


def test_export__the_same_box_of_each(draw: Run) -> None:
    """With the stack's bounds all pictures are of one size."""
    assert draw("export", STACK, "--scale", "0.1", "--box", "stack", "--to", "all", "--format", "jpg").exit_code == 0

    assert len({pixels(str(path)).shape for path in Path("all").glob("*.jpg")}) == 1
    assert draw("export", STACK, "--scale", "0.1", "--box", "0,0,300,200", "--to", "part", "--z", "..2").exit_code == 0
    assert {pixels(str(path)).shape for path in Path("part").glob("*.png")} == {(20, 30)}
    assert (
        "sections are 3, 1..50, 10.. or ..20, not 'a'"
        in draw("export", STACK, "--scale", "1", "--z", "a", "--to", "x").stderr
    )


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_export__interrupted(volume: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the command with 130; the files that are there are whole, and the next run goes on."""
    words = [sys.executable, "-m", "rendergateway.cli", "export", STACK, "--scale", "2", "--to", str(tmp_path / "out")]
    words += ["--workers", "1", "--service", f"embedded:{volume}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"Exporting")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert (process.returncode, said) == (130, b"rendergateway: interrupted\n")
    assert not list(tmp_path.rglob("*.part"))
    for path in tmp_path.rglob("*.png"):
        assert pixels(str(path)).size
