"""``rendergateway boxes``, ``mipmaps`` and ``render``: stacks and recipes in, files out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from rendergateway import Gateway
from rendergateway.testing import make_stack
from tests.cli.conftest import Run
from tests.wrappers.images.pictured import image_of

STACK = "lab/cortex/montage"


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two sections of two tiles, and its images beside it."""
    folder = tmp_path_factory.mktemp("volume")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, sections=2, rows=1, columns=2, images=folder / "images")
    return folder / "render.db"


@pytest.fixture
def draw(run: Run, volume: Path) -> Run:
    """Run the command in a folder with a copy of that database."""
    shutil.copy2(volume, "render.db")
    return run


def test_boxes__files_and_summary(draw: Run) -> None:
    """Boxes of the chosen sections are drawn once; the line counts them."""
    words = ["boxes", STACK, "--to", "b", "--size", "512x256", "--z", "2", "--levels", "1", "--index"]
    result = draw(*words, "--json")

    values = json.loads(result.stdout)
    assert (result.exit_code, values["folder"], values["drawn"]) == (0, "b", values["files"]), result.stderr
    assert len(list(Path("b").rglob("*.png"))) == values["files"] + 1
    assert not Path("b/0/1").exists()
    assert Path("b/0/iGrid/2.0.iGrid").exists()
    assert image_of(Path("b/0/2/0/0.png")).shape == (256, 512)
    again = draw(*words)
    assert f"{values['files'] - 2} existed" in again.stdout


def test_boxes__same_here_and_by_the_service(draw: Run) -> None:
    """Boxes drawn by this process equal those of the service; labels have 16 bits."""
    for folder, words in (("a", []), ("b", ["--local"]), ("c", ["--labels"])):
        result = draw("boxes", STACK, "--to", folder, "--size", "512", "--part", "1/2", *words)
        assert result.exit_code == 0, result.stderr

    names = [path.relative_to("a") for path in Path("a").rglob("*.png")]
    assert len(names) > 1
    for name in names:
        assert np.array_equal(image_of(Path("a") / name), image_of(Path("b") / name))
        assert image_of(Path("c") / name).dtype == np.uint16


def test_mipmaps__written_and_removed(draw: Run) -> None:
    """Levels are written, the stack uses them, another folder is reported, and --remove deletes the files."""
    result = draw("mipmaps", STACK, "--to", "levels", "--levels", "2", "--json")

    values = json.loads(result.stdout)
    assert (values["files"], values["written"], values["used"]) == (8, 8, True), result.stderr
    assert len(list(Path("levels").rglob("*.tif"))) == 8
    other = draw("mipmaps", STACK, "--to", "others", "--levels", "1", "--z", "1")
    assert "others: 2 files in" in other.stdout
    assert "the stack's rule names other files, and is kept" in other.stdout
    assert draw("mipmaps", STACK, "--to", "levels", "--levels", "2", "--remove").stdout == "levels: 8 files removed\n"


def test_render__tiles(draw: Run) -> None:
    """Tiles are drawn into files, or become a stack of pictures."""
    result = draw(
        "render", STACK, "--to", "tiles", "--tile", "s1_r0_c0", "--tile", "s2_r0_c1", "--scale", "0.5", "--json"
    )
    assert json.loads(result.stdout)["files"] == [
        str(Path("tiles/000/0/1/s1_r0_c0.png").absolute()), str(Path("tiles/000/0/2/s2_r0_c1.png").absolute())
    ]  # fmt: skip
    result = draw("render", STACK, "--to", "raster", "--z", "2", "--as-stack", "lab/cortex/pictures")
    assert result.stdout.startswith("lab/cortex/pictures has 2 tiles of raster in"), result.stderr


def test_render__recipe(draw: Run) -> None:
    """A recipe is drawn without a service; options override it."""
    with Gateway("embedded:./render.db", owner="lab", project="cortex") as gateway:
        section = gateway.stack("montage").section(1)
        Path("recipe.json").write_bytes(section.render_parameters(scale=0.25).to_json())
        expected = section.image(scale=0.5, intensity=(20, 200))

    words = ["--scale", "0.5", "--intensity", "20..200"]
    result = draw("render", "--recipe", "recipe.json", "--to", "r.png", *words)

    height, width = expected.shape
    assert result.stdout == f"r.png: {width} × {height} pixels\n", result.stderr
    assert np.array_equal(image_of(Path("r.png"))[..., 0], expected)
    result = draw("render", "--recipe", "recipe.json", "--to", "b.tif", "--box", "10,20,110,70", "--nearest")
    assert result.stdout == "b.tif: 25 × 12 pixels\n", result.stderr
    assert np.asarray(cv2.imread("b.tif")).shape == (12, 25, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["boxes", STACK, "--to", "b", "--size", "big"], "must be WIDTHxHEIGHT in pixels, as 1024x1024, got 'big'"),
        (["boxes", STACK, "--to", "b", "--part", "3/2"], "must be NUMBER/COUNT, as 2/5, got '3/2'"),
        (["mipmaps", STACK, "--to", "b", "--levels", "2", "--first-level", "3"], "--first-level 3 is above --levels 2"),
        (["render", "--to", "b"], "pass either a STACK or --recipe"),
        (["render", STACK, "--to", "b", "--recipe", "r"], "pass either a STACK or --recipe"),
        (["render", STACK, "--to", "b", "--box", "0,0,1,1"], "--box is for --recipe"),
        (["render", STACK, "--to", "b", "--as-stack", "x", "--scale", "0.5"], "--as-stack draws whole sections"),
        (["render", "--to", "b.png", "--recipe", "r", "--z", "1"], "--z is for the tiles of a STACK"),
        (["render", "--to", "b.png", "--recipe", "r", "--bits", "16"], "--bits is for tiles of a stack"),
        (
            ["render", "--to", "b.png", "--recipe", "r", "--filter-list", "f"],
            "--filter-list names filters of a service",
        ),
        (["boxes", STACK, "--to", "b", "--edges"], "pass --local"),
    ],
)
def test_usage__of_the_image_commands(draw: Run, words: list[str], message: str) -> None:
    """Wrong options are usage errors with a sentence; nothing is written."""
    result = draw(*words)

    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not list(Path().glob("b*"))
