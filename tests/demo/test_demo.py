"""``rendergateway demo``: once, again, and in folders that are not its own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from rendergateway import Gateway
from rendergateway.cli.commands import commands
from rendergateway.demo.folder import DemoFolder
from rendergateway.demo.pipeline import ALIGNED, COLLECTION, RAW, draw_seam
from rendergateway.demo.volume import STEP_PX, match, neighbours, tiles

MOST_BYTES_OF_A_SECTION = 2_000_000


def run(folder: Path) -> Result:
    return CliRunner().invoke(commands, ["demo", str(folder)], prog_name="rendergateway")


def grey(file: Path) -> npt.NDArray[Any]:
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoFolder, Result]:
    """A demo folder after one run, and the result."""
    folder = tmp_path_factory.mktemp("demo") / "a folder"
    return DemoFolder(folder), run(folder)


def test_demo__prints_what_it_saw(made: tuple[DemoFolder, Result]) -> None:
    """The tree covers owner down to transforms and residuals, with counts and boxes; each step is reported."""
    _, result = made

    assert result.exit_code == 0
    assert "stack aligned  COMPLETE, 3 sections, 48 tiles, 4 × 4 × 40 nm" in result.stdout
    assert re.search(r"tile s1_r0_c0  512 × 512, .*, row 0, column 0", result.stdout)
    assert "transform lens  shared, PolynomialTransform2D" in result.stdout
    assert f"match collection {COLLECTION}  104 pairs" in result.stdout
    assert "residuals between 2 and 3  mean 8." in result.stdout
    for line in (
        "Drew 48 images", "Imported 48 tiles", "Matched 104 of 104 tile pairs", "Solved affine transforms of 48 tiles"
    ):  # fmt: skip
        assert line in result.stderr


def test_demo__jitter_is_unknown_before_and_removed_after(made: tuple[DemoFolder, Result]) -> None:
    """Imported tiles are at their grid positions; true matches, which no step saw, meet in the aligned stack."""
    place, _ = made
    beside = [pair for pair in neighbours(tiles()) if pair[0].z == pair[1].z]
    with Gateway(place.address) as gateway:
        raw, aligned = ({tile.tile_id: tile for tile in gateway.stack(name).tiles()} for name in (RAW, ALIGNED))
        apart: dict[str, list[float]] = {"raw": [], "aligned": []}
        for tile, other in beside:
            true = match(tile, other)
            for name, stack in (("raw", raw), ("aligned", aligned)):
                p, q = stack[tile.tile_id].world_from_local(true.p), stack[other.tile_id].world_from_local(true.q)
                apart[name].append(float(np.median(np.linalg.norm(p - q, axis=1))))

        corner = raw["s2_r1_c2"].transforms[-1].apply([0, 0])

    np.testing.assert_allclose(corner, [2 * STEP_PX, STEP_PX])
    assert np.median(apart["raw"]) > 4
    assert max(apart["aligned"]) < 1
    assert np.median(apart["aligned"]) < 0.3


def test_demo__what_next_works_as_printed(made: tuple[DemoFolder, Result]) -> None:
    """The suggested commands refer to existing data; the Python one runs."""
    _, result = made
    tree, serve, python = (shlex.split(line) for line in result.stdout.splitlines()[-7:-4])

    words = tree[tree.index("tree") :]
    assert "48 tiles" in CliRunner().invoke(commands, words).stdout
    assert Path(serve[-1]).is_dir()
    said = subprocess.run(python, capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout
    assert said.startswith("Bounds(min_x=")


def test_demo__last_lines_name_a_picture_and_the_catalogue(made: tuple[DemoFolder, Result]) -> None:
    """The last lines name the address of the catalogue, and the picture of the first section, tissue without gaps."""
    place, result = made

    assert result.stdout.splitlines()[-1].endswith(": http://127.0.0.1:8080/")
    assert Path(result.stdout.splitlines()[-2].partition(": ")[2]).resolve() == place.picture
    with Gateway(place.address) as gateway:
        picture = gateway.stack(ALIGNED).section(1).image(scale=0.5)
        coverage = picture.coverage
    pixels = grey(place.picture)
    assert min(pixels.shape[:2]) > 890
    np.testing.assert_array_equal(pixels, picture.pixels)
    assert coverage[100:-100, 100:-100].all()
    assert pixels[100:-100, 100:-100].std() > 20


def test_demo__seam_before_and_after(made: tuple[DemoFolder, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of the seam are coloured where tiles differ, less so after; without matplotlib they are grey."""
    place, result = made
    line = result.stdout.splitlines()[-3]

    named = [Path(name).resolve() for name in line.partition(": ")[2].split(" and ")]
    assert named == [place.seam_before, place.seam_after]
    before, after = (_colour(cv2.imread(str(file))) for file in (place.seam_before, place.seam_after))
    assert before > 5 * after > 0

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with Gateway(place.address) as gateway:
        names = draw_seam(place, gateway)
    assert all(f"{name} " in line for name in names)
    pictures = [grey(place.seam_before), grey(place.seam_after)]
    assert [picture.shape for picture in pictures] == [(450, 600)] * 2
    assert (pictures[0] != pictures[1]).mean() > 0.2


def _colour(pixels: npt.NDArray[Any] | None) -> float:
    assert pixels is not None
    return float(np.ptp(pixels.astype(float), axis=2).mean())


def test_demo__images(made: tuple[DemoFolder, Result]) -> None:
    """Each tile's image exists at its URL, has the tile's size and is small."""
    place, _ = made
    with Gateway(place.address) as gateway:
        for section in gateway.stack(ALIGNED).sections():
            files = [Path(place.images, Path(tile.image_url or "").name) for tile in section.tiles()]
            assert sum(file.stat().st_size for file in files) < MOST_BYTES_OF_A_SECTION
            for tile, file in zip(section.tiles(), files, strict=True):
                assert file.as_uri() == tile.image_url
                assert grey(file).shape == (tile.height, tile.width)


def test_demo__images_agree_where_tiles_match(made: tuple[DemoFolder, Result]) -> None:
    """Matching points of neighbours show the same grey in the files, but for rounding."""
    place, _ = made

    def seen(tile_id: str, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        picture = np.pad(grey(place.images / f"{tile_id}.png"), (0, 1), mode="edge")
        column, row = np.floor(points).astype(int).T
        right, down = (points % 1).T
        upper = picture[row, column] * (1 - right) + picture[row, column + 1] * right
        lower = picture[row + 1, column] * (1 - right) + picture[row + 1, column + 1] * right
        return np.asarray(upper * (1 - down) + lower * down)

    pairs = [match(*pair) for pair in neighbours(tiles([2.0]))]
    apart = [np.abs(seen(pair.p_id, pair.p) - seen(pair.q_id, pair.q)).mean() for pair in pairs]

    assert len(apart) == 24
    assert max(apart) < 2


def test_demo__second_run_finds_everything(made: tuple[DemoFolder, Result]) -> None:
    """A second run draws and stores nothing."""
    place, first = made
    before = {file: file.stat().st_mtime_ns for file in place.images.iterdir()}

    again = run(place.path)

    assert "The images exist already.\nThe images are aligned already." in again.stderr
    assert {file: file.stat().st_mtime_ns for file in place.images.iterdir()} == before
    assert len(again.stdout.splitlines()) == len(first.stdout.splitlines())


def test_demo__json(made: tuple[DemoFolder, Result]) -> None:
    """With ``--json`` the service, its stack and the picture are one line, and the walk is left out."""
    place, _ = made

    found = json.loads(CliRunner().invoke(commands, ["demo", str(place.path), "--json"]).stdout)

    assert (found["service"], found["picture"]) == (place.address, str(place.picture))
    assert all(Path(found[name]).exists() for name in ("seam_before", "seam_after"))
    with Gateway(found["service"]) as gateway:
        assert gateway.stack(found["stack"]).tile_count == 48


def test_demo__what_is_missing_is_made_again(made: tuple[DemoFolder, Result]) -> None:
    """An image that went and a stack that was changed come back."""
    place, _ = made
    gone = place.images / "s2_r1_c1.png"
    content = gone.read_bytes()
    gone.unlink()
    with Gateway(place.address) as gateway, gateway.stack(ALIGNED).editing():
        gateway.stack(ALIGNED).section(3).delete()

    result = run(place.path)

    assert "Drew 1 image in" in result.stderr
    assert "Solved affine transforms of 48 tiles" in result.stderr
    assert "3 sections, 48 tiles" in result.stdout
    assert gone.read_bytes() == content


def test_demo__folder_that_was_moved(made: tuple[DemoFolder, Result], tmp_path: Path) -> None:
    """In a folder that was moved the addresses of the images are set right."""
    place, _ = made
    moved = DemoFolder(tmp_path / "moved")
    place.path.rename(moved.path)
    try:
        assert run(moved.path).exit_code == 0
        with Gateway(moved.address) as gateway:
            assert gateway.stack(ALIGNED).tile("s1_r0_c0").image_url == (moved.images / "s1_r0_c0.png").as_uri()
    finally:
        moved.path.rename(place.path)


def test_demo__folder_of_somebody_else(tmp_path: Path) -> None:
    """A folder with other things in it is left alone."""
    (tmp_path / "thesis.tex").write_text("years of work")

    result = run(tmp_path)

    assert result.exit_code == 1
    assert "has other contents than the demo" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_demo__file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    """A file is an error."""
    file = tmp_path / "file"
    file.touch()

    assert "is not a folder" in run(file).stderr


def test_demo__imports_nothing_heavy_before_it_runs() -> None:
    """Help comes without OpenCV, numpy's friends or the service."""
    code = "import sys; sys.argv[1:] = ['--help']; from rendergateway.cli import main; main()"
    check = f"import sys, atexit; atexit.register(lambda: print('cv2' in sys.modules)); {code}"

    said = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout

    assert said.splitlines()[-1] == "False"
