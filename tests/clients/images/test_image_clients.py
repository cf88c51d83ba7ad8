"""The clients that write images: layout and format of their files, their messages, exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from rendergateway import Bounds, Gateway, StackWrapper
from rendergateway.clients.base.command import main
from rendergateway.clients.base.scripts import write_scripts
from rendergateway.rendering.images.levels import halved
from tests.wrappers.images.pictured import image_of, plain_tile, put, save

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A stack of two overlapping tiles, one of them masked, in sections 1 and 1234."""
    pixels = np.random.default_rng(3).integers(1, 255, (80, 100), dtype=np.uint8)
    mask = np.full((80, 100), 255, np.uint8)
    mask[:, :30] = 0
    url, mask_url = save(tmp_path / "a.png", pixels), save(tmp_path / "m.png", mask)
    address = f"embedded:{tmp_path / 'render.db'}"
    with Gateway(address, owner="lab", project="cortex", create=True) as gateway:
        tiles = [
            plain_tile(url, f"{name}{z}", x, 5, z=z, mask_url=mask_url if name == "b" else None)
            for z in (1, 1234)
            for name, x in (("a", 10), ("b", 70))
        ]
        put(gateway, *tiles, name="montage").update(resolution_nm=(4, 4, 40))
    return address


@pytest.fixture
def stack(database: str) -> StackWrapper:
    """That stack."""
    return Gateway(database, owner="lab", project="cortex").stack("montage")


@pytest.fixture
def run(database: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a client over that stack, with ``out`` as its folder; return the exit code and its messages."""

    def run(name: str, *words: str, root: bool = True) -> tuple[int, str]:
        service = ["--baseDataUrl", database, "--owner", "lab", "--project", "cortex", "--stack", "montage"]
        folder = ["--rootDirectory", str(tmp_path / "out")] if root else []
        code = main(["1G", f"org.janelia.render.client.{name}", *service, *folder, *words])
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return run


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


PLAIN = ["--doFilter", "false", "--fillWithNoise", "false"]


def test_section__file_of_each_z(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """A section is a grey file, over black, in folders by thousands and hundreds of z."""
    code, _ = run("RenderSectionClient", "--scale", "0.5", *PLAIN, "1", "1234")

    folder = tmp_path / "out/cortex/montage/sections_at_0.5"
    assert (code, files_in(folder)) == (0, ["000/0/1.0.png", "001/2/1234.0.png"])
    picture = stack.section(1).image(scale=0.5)
    assert picture.alpha is not None
    assert np.abs(image_of(folder / "000/0/1.0.png").astype(int) - picture.pixels * (picture.alpha / 255)).max() <= 0.5


@pytest.mark.parametrize(
    ("words", "name", "shape"),
    [
        (["--customOutputFolder", "mine", "1"], "mine/1.0.png", (80, 160)),
        (["--customOutputFolder", "mine", "--customSubFolder", "sub", "--padFileNamesWithZeros", "1"],
         "mine/sub/00001.png", (80, 160)),
        (["--customSubFolder", "sub", "--format", "tif", "1"],
         "cortex/montage/sections_at_1.0/000/0/1.0.tif", (80, 160, 3)),
        (["--bounds", "20,60,10,30", "1"], "cortex/montage/sections_at_1.0/000/0/1.0.png", (20, 40)),
        (["--bounds", "20", "--bounds", "60", "1"], "cortex/montage/sections_at_1.0/000/0/1.0.png", (80, 160)),
        (["--useStackBounds", "1"], "cortex/montage/sections_at_1.0/000/0/1.0.png", (80, 160)),
    ],
)  # fmt: skip
def test_section__names_and_boxes(
    run: Run, tmp_path: Path, words: list[str], name: str, shape: tuple[int, ...]
) -> None:
    """Folders, names, formats and boxes follow the options; a wrong number of bounds counts as none."""
    code, printed = run("RenderSectionClient", "--scale", "1", *PLAIN, *words)

    assert (code, files_in(tmp_path / "out")) == (0, [name]), printed
    assert image_of(tmp_path / "out" / name).shape == shape


def test_section__intensity_and_resolution(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """One side of the intensity window suffices; a TIFF may have the size of its pixels."""
    words = ["--scale", "0.5", "--minIntensity", "60", "--format", "tif", "--resolutionUnit", "nm"]
    assert run("RenderSectionClient", *PLAIN, *words, "1")[0] == 0

    path = tmp_path / "out/cortex/montage/sections_at_0.5/000/0/1.0.tif"
    picture = stack.section(1).image(scale=0.5, intensity=(60, None))
    assert np.array_equal(image_of(path)[..., 0], picture)
    with tifffile.TiffFile(path) as file:
        tags = {tag.name: tag.value for tag in file.pages.first.tags}
    assert tags["XResolution"][1] / tags["XResolution"][0] == pytest.approx(8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bounds", "60,20,10,30", "1"], "Width (-40) and height (20) cannot be <= 0"),
        (["77"], "stack montage does not contain any tiles with a z value of 77.0"),
        (["--format", "gif", "1"], "unknown suffix"),
        (["--renderTileLabels", "1"], "labels cannot be drawn in 8 bits: got --renderTileLabels"),
        (["--channels", "a__b", "1"], "invalid channels: got 'a__b'; write name__weight__name__weight"),
        ([], 'Main parameters are required ("Z values for sections to render")'),
        (["--speed", "1"], '"[Main class]": couldn\'t convert "--speed" to a double'),
    ],
)
def test_section__bad_input(run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    """Bad input exits with 1 and a sentence; no file is written."""
    code, printed = run("RenderSectionClient", "--scale", "1", *PLAIN, *words)

    assert (code, message in printed) == (1, True), printed
    assert not files_in(tmp_path / "out")


def test_boxes__pyramid(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Boxes are grey; levels, overview and index follow the options; z is a whole number in names."""
    words = ["--width", "64", "--height", "64", "--maxLevel", "2", "--maxOverviewWidthAndHeight", "32", "--createIGrid"]
    code, printed = run("BoxClient", *words, "1", "1234")

    folder = tmp_path / "out/cortex/montage/64x64"
    assert code == 0, printed
    boxes = [f"0/{z}/{row}/{column}.png" for z in (1, 1234) for row in (0, 1) for column in (0, 1, 2)]
    above = [f"{level}/{z}/0/{column}.png" for z in (1, 1234) for level, column in ((1, 0), (1, 1), (2, 0))]
    others = ["0/iGrid/1.0.iGrid", "0/iGrid/1234.0.iGrid", "small/1.png", "small/1234.png", "empty.png"]
    assert files_in(folder) == sorted([*boxes, *above, *others])
    picture = stack.section(1).image(Bounds(64, 0, 128, 64))
    assert picture.alpha is not None
    found = image_of(folder / "0/1/0/1.png").astype(int)
    assert np.abs(found - picture.pixels * (picture.alpha / 255)).max() <= 0.5
    assert image_of(folder / "small/1.png").shape[1] == 32


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--renderGroup", "1"], "numberOfRenderGroups must be specified when renderGroup is specified"),
        (["--numberOfRenderGroups", "1"], "renderGroup (1-n) must be specified when numberOfRenderGroups are"),
        (["--renderGroup", "0", "--numberOfRenderGroups", "2"], "renderGroup values start at 1"),
        (["--renderGroup", "3", "--numberOfRenderGroups", "2"], "numberOfRenderGroups (2) must be greater than"),
        (["--maxLevel", "-1"], "levels and overview must be >= 0, got -1"),
        (["--format", "bmp"], "unknown suffix"),
    ],
)
def test_boxes__bad_values(run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    """Groups need both numbers, in range, and other values must be valid; nothing is written otherwise."""
    code, printed = run("BoxClient", "--width", "64", "--height", "64", *words, "1")

    assert (code, message in printed) == (1, True), printed
    assert not files_in(tmp_path / "out")


def test_boxes__labels_and_missing_bounds(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Labels fail as with the Java client, after one white file; a LOADING stack has no bounds."""
    words = ["--width", "64", "--height", "64"]
    code, printed = run("BoxClient", *words, "--label", "1")
    assert (code, files_in(tmp_path / "out")) == (1, ["cortex/montage/64x64-label/empty.png"])
    assert "target must be a class ij.process.FloatProcessor instance" in printed
    assert (image_of(tmp_path / "out/cortex/montage/64x64-label/empty.png") == 255).all()
    stack.set_state("LOADING")
    code, printed = run("BoxClient", *words, "1")
    assert (code, "stack montage has no bounds: it is LOADING; complete it" in printed) == (1, True)


def test_tiles__of_a_section(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Each tile has a file below the time of the run; one with a mask has opacity."""
    code, printed = run("RenderTilesClient", "--runTimestamp", "then", "--z", "1234", "--scale", "0.5")

    folder = tmp_path / "out/cortex/montage/then"
    assert (code, files_in(folder)) == (0, ["001/2/1234/a1234.png", "001/2/1234/b1234.png"]), printed
    assert np.array_equal(image_of(folder / "001/2/1234/a1234.png"), stack.tile("a1234").image(scale=0.5))
    assert image_of(folder / "001/2/1234/b1234.png").shape[2] == 4
    assert run("RenderTilesClient", "--tileIds", "a1", "b1", "--renderMaskOnly")[0] == 1
    assert run("RenderTilesClient", "--tileIds", "b1", "--renderMaskOnly")[0] == 0


def test_tiles__hack_stack(run: Run, database: str, tmp_path: Path) -> None:
    """The hack stack has the pictures as images, and is completed on request."""
    words = ["--runTimestamp", "then", "--z", "1", "1234", "--hackStack", "hacked", "--completeHackStack"]
    code, printed = run("RenderTilesClient", *words)

    assert code == 0, printed
    made = Gateway(database, owner="lab", project="cortex").stack("hacked")
    assert (made.state, made.tile_count) == ("COMPLETE", 4)
    level = made.tile("b1")._obj.mipmaps[0]
    folder = tmp_path / "out/cortex/montage/then/000/0/1"
    assert (level.image_url, level.mask_url) == (str(folder / "b1.png"), str(folder / "b1.mask.png"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "There are no tiles to render!"),
        (["--tileIds", "a1", "--hackStack", "h"], "explicit tile ids cannot be specified when creating a hack stack"),
        (["--z", "1", "--channels", "a", "--hackStack", "h"], "explicit channels cannot be specified when creating"),
        (["--z", "1", "--scale", "0.5", "--hackStack", "h"], "a hack stack has pictures at full resolution"),
        (["--tileIds", "zz"], "zz"),
    ],
)
def test_tiles__bad_input(run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    """Bad input exits with 1 and a sentence; no file is written."""
    code, printed = run("RenderTilesClient", *words)

    assert (code, message in printed) == (1, True), printed
    assert not files_in(tmp_path / "out")


def test_mipmaps__written_and_removed(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Levels follow the path of the image; the stack's path builder is stored; --removeAll deletes the files."""
    code, printed = run("MipmapClient", "--minLevel", "2", "--maxLevel", "2", "1", "1234")

    path = Path(f"{tmp_path / 'out'}/2{tmp_path / 'a.png'}.tif")
    assert code == 0, printed
    assert np.array_equal(image_of(path), halved(image_of(tmp_path / "a.png"), 2))
    assert len(files_in(tmp_path / "out")) == 2
    builder = stack.version.path_builder
    assert builder is not None
    assert (builder.root_path, builder.level_count, builder.extension) == (f"{tmp_path / 'out'}/", 2, "tif")
    assert run("MipmapClient", "--maxLevel", "2", "--removeAll", "1")[0] == 0
    assert not files_in(tmp_path / "out")
    code, printed = run("MipmapClient", "--renderGroup", "0", "1")
    assert (code, "renderGroup values start at 1" in printed) == (1, True)


def test_argb__options_and_parameters(stack: StackWrapper, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Render parameters fill in the options that have their default; the picture is that of the service."""
    recipe = stack.section(1).render_parameters(scale=0.5)
    (tmp_path / "recipe.json").write_bytes(recipe.to_json())

    words = ["--parameters_url", str(tmp_path / "recipe.json"), "--out", str(tmp_path / "new/t.png"), "--x", "20"]
    code = main(["1G", "org.janelia.alignment.Render", *words])

    assert code == 0, capfd.readouterr()
    with Gateway("embedded:") as gateway:
        picture = gateway.render(recipe.evolve(x=20.0))
    found = image_of(tmp_path / "new/t.png")
    assert np.array_equal(found[..., 0], picture)
    assert picture.alpha is not None
    assert np.array_equal(found[..., 3], picture.alpha)


def test_argb__bad_input(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Missing and malformed files exit with 1 and their name; no file is left."""
    (tmp_path / "bad.json").write_text("[{]")
    for words, message in (
        (["--tile_spec_url", "missing.json"], "missing.json (No such file or directory)"),
        (["--tile_spec_url", str(tmp_path / "bad.json")], "bad.json: "),
        (["--width", "0"], "Width (0) and height (256) cannot be <= 0"),
    ):
        assert main(["1G", "ArgbRenderer", *words, "--out", str(tmp_path / "t.png")]) == 1
        assert message in capfd.readouterr().err
    assert main(["1G", "ArgbRenderer", "--width", "1"]) == 1
    assert "The following option is required: [--out]" in capfd.readouterr().err
    assert not (tmp_path / "t.png").exists()


def test_like_2019__edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Clients of the variable, and of scripts for that year, draw the last column and row of images."""
    pixels = np.full((80, 100), 90, np.uint8)
    tile = json.loads(plain_tile(save(tmp_path / "a.png", pixels), "t").to_json())
    (tmp_path / "t.json").write_text(json.dumps([tile]))
    words = ["--tile_spec_url", str(tmp_path / "t.json"), "--width", "100", "--height", "80", "--out"]

    script = write_scripts(tmp_path / "scripts", like=2019) / "run_ws_client.sh"
    subprocess.run([script, "1G", "ArgbRenderer", *words, tmp_path / "script.png"], check=True, timeout=60)
    assert main(["1G", "ArgbRenderer", *words, str(tmp_path / "now.png")]) == 0
    monkeypatch.setenv("RENDERGATEWAY_LIKE", "2019")
    assert main(["1G", "ArgbRenderer", *words, str(tmp_path / "then.png")]) == 0
    monkeypatch.setenv("RENDERGATEWAY_LIKE", "2020")
    assert main(["1G", "ArgbRenderer", *words, str(tmp_path / "no.png")]) == 1

    assert "RENDERGATEWAY_LIKE must be 2019 or unset: got '2020'" in capfd.readouterr().err
    for name, count in (("script", 8000), ("then", 8000), ("now", 99 * 79)):
        assert (image_of(tmp_path / f"{name}.png")[..., 0] == 90).sum() == count
