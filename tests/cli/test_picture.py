"""``rendergateway picture`` and ``export``: stacks in, files out."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import Gateway, RenderGatewayError
from rendergateway.testing import make_stack
from tests.cli.conftest import INTERRUPTIBLE, Run, tiles_file
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
    """A box of a section is saved; one line describes the file."""
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
        ([], 2, "--z or --tile is required"),
        (["--z", "1", "--tile", "a"], 2, "--z and --tile exclude each other"),
        (["--tile", "a", "--box", "0,0,1,1"], 2, "a tile is drawn whole"),
        (["--z", "1", "--frame", "raw"], 2, "--frame requires --tile"),
        (["--z", "1", "--box", "1,2"], 2, "'--box': must be X0,Y0,X1,Y1 in world pixels, got '1,2'"),
        (["--z", "1", "--intensity", "5"], 2, "'--intensity': must be LOW..HIGH, got '5'"),
        (["--z", "1", "--intensity", "9..5"], 2, "'--intensity': LOW must be <= HIGH, both finite, got '9..5'"),
        (["--z", "1", "--intensity", "0..inf"], 2, "'--intensity': LOW must be <= HIGH, both finite, got '0..inf'"),
        (["--z", "1", "--background", "red"], 2, "a colour must be '#rrggbb'"),
        (["--z", "1", "--image-path", "a"], 2, "'--image-path': must be THEIRS=MINE, got 'a'"),
        (["--z", "1", "--scale", "0"], 1, "rendergateway: scale must be picture pixels per world pixel"),
        (["--z", "1", "--scale", "1e9"], 1, "use smaller boxes or a smaller scale"),
        (["--z", "1", "--box", "9,0,0,9"], 2, "pass min_x <= max_x and min_y <= max_y"),
        (["--z", "1", "--box", "0,0,0,9"], 1, "the box (0.0, 0.0, 0.0, 9.0) is empty"),
        (["--z", "1", "--channel", "DAPI"], 1, "has no channel 'DAPI'"),
        (
            ["--z", "1", "--max-tiles", "3"],
            1,
            "more than --max-tiles 3; use smaller boxes or a larger --max-tiles",
        ),
        (["--z", "9"], 1, "section 9.0 of stack montage has no tiles"),
        (["--z", "1", "--bits", "16", "-o", "a.jpg"], 1, "with --bits 8 or --intensity LOW..HIGH, or save"),
        (["--z", "1", "--bits", "16", "--intensity", "1..5"], 2, "--intensity is for 8 bits"),
        (["--z", "1", "-o", "a.gif"], 1, "'a.gif' has an unknown suffix"),
        (["--z", "1", "-o", "no/folder/a.png"], 1, "no/folder: the folder of the picture does not exist"),
    ],
)
def test_picture__bad_input(draw: Run, words: list[str], code: int, sentence: str) -> None:
    """A drawing error is one line, and no file."""
    result = draw("picture", STACK, "-o", "a.png", *words)

    assert result.exit_code == code
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert not list(Path().iterdir())


def test_export__whole_sections(draw: Run) -> None:
    """Sections are saved to a folder; a second run keeps them and draws only those added."""
    words = ["export", STACK, "--format", "png", "--scale", "0.1", "--to", "pictures/"]

    first = draw(*words, "--z", "1..2")
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("pictures: 2 pictures in ")
    assert first.stderr.startswith(f"Exporting {STACK} of embedded:")
    before = {path: path.stat().st_mtime_ns for path in Path("pictures").glob("*.png")}
    second = draw(*words, "--z", "1..50")

    assert second.stdout.startswith("pictures: 1 picture in ")
    assert second.stdout.endswith(", 2 were up to date\n")
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
        "'--z': must be 3, 1..50, 10.. or ..20, got 'a'"
        in draw("export", STACK, "--scale", "1", "--z", "a", "--to", "x").stderr
    )


def test_export__files_of_others(draw: Run) -> None:
    """The error for a file that was not exported names the option that overwrites it."""
    Path("all").mkdir()
    Path("all", "00001.0.png").touch()
    words = ["export", STACK, "--scale", "0.1", "--to", "all", "--z", "1"]

    assert "export montage to another folder, or use --overwrite\n" in draw(*words).stderr
    jpeg = draw(*words, "--format", "jpg", "--bits", "16").stderr
    assert "JPEG files have 8 bits; use --format png or tif, or leave out --bits 16\n" in jpeg
    assert draw(*words, "--overwrite").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_export__interrupted(volume: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the command with 130; existing files are complete, and the next run resumes."""
    words = [*INTERRUPTIBLE, "export", STACK, "--scale", "2", "--to", str(tmp_path / "out")]
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


def test_export__failure_names_the_file(run: Run) -> None:
    """The error of a picture that cannot be drawn names its file."""
    run("load", tiles_file("tiles.json", "a"), "--stack", STACK)

    result = run("export", STACK, "--scale", "0.1", "--to", "pictures")

    assert result.stderr.splitlines()[-1] == "rendergateway: while processing '00001.0.png'"


def test_cross_section__failure_names_the_section(run: Run) -> None:
    """The error of a cross section names the section, and shows no object of Python."""
    run("load", tiles_file("tiles.json", "a"), "--stack", STACK)

    with Gateway("embedded:./render.db") as gateway, pytest.raises(RenderGatewayError) as caught:
        gateway.stack(STACK).cross_section(axis="xz", at=5, scale=0.1)

    assert vars(caught.value)["__notes__"] == ["while processing <View of section 1.0 of stack montage>"]
