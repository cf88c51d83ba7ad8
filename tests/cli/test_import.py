"""``rendergateway import``, ``layout``, ``info``, ``doctor`` and ``plot``: inputs and messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rendergateway import Gateway
from rendergateway.testing import make_stack
from tests.cli.conftest import Run

RAW = ["--stack", "lab/cortex/raw"]
GRID = ["--pattern", "s{z}_r{row}_c{col}.png", "--overlap", "0.125"]


@pytest.fixture
def filled(run: Run) -> Run:
    """A database with a stack of two sections, its images and matches."""
    with Gateway("embedded:./render.db", owner="lab", project="cortex") as gateway:
        make_stack(gateway, sections=2, rows=1, matches="truth", images="images")
    return run


def test_import__reports(filled: Run) -> None:
    """The choices and images that were not used are printed to stderr, the result to stdout."""
    Path("images/notes.png").write_bytes(b"x")

    result = filled("import", "images", *RAW, *GRID, "--resolution", "4,4,40")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "lab/cortex/raw COMPLETE: 4 tiles, 2 sections; images of 512 × 512 pixels, uint8 in"
    )
    assert f"1 image not listed:\n  {Path.cwd()}/images/notes.png\n" in result.stderr
    assert "intensity window of uint8: " in result.stderr
    assert filled("import", "images", *RAW, *GRID).stderr.endswith("exists already; pass --append or --replace\n")


def test_import__dry_run_and_table(filled: Run) -> None:
    """A table with unusual columns; a dry run stores nothing."""
    Path("p.csv").write_text("file,u,v\ns1_r0_c0,1,2\n")
    words = ("import", "images", *RAW, "--positions", "p.csv", "--column", "x=u", "--column", "y=v", "--z", "3")

    dry = filled(*words, "--dry-run")
    assert dry.stdout.startswith("lab/cortex/raw, not stored: 1 tile, 1 section")
    assert filled("info", "lab/cortex/raw").exit_code == 1
    assert filled(*words).exit_code == 0
    assert "z          3\n" in filled("info", "lab/cortex/raw").stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["images", "--pattern", "s{z}_r{row}_c{col}.png"], 1, "pass --overlap, such as 0.1"),
        (["images"], 1, "are unknown; pass --positions, a table of them, or --pattern, if the names"),
        (["images", *GRID, "--resolution", "4,4"], 2, "must be X,Y,Z in nm, such as 4,4,40, got '4,4'"),
        (["images", *GRID, "--percentiles", "5..101"], 2, "must be between 0 and 100, got '5..101'"),
        (["images", *GRID, "--window", "5..5"], 2, "LOW must be < HIGH, got '5..5'"),
        (["images", *GRID, "--column", "x"], 2, "must be FIELD=HEADER, got 'x'"),
        (["images", *GRID, "--z", "first"], 2, "must be a number, 'order' or 'stored', got 'first'"),
        (["images", *GRID, "--titles"], 2, "--titles, --convert-to and --z stored are for projects"),
        (["images", *GRID, "--convert-to", "new"], 2, "--titles, --convert-to and --z stored are for projects"),
        (["grid.mdoc"], 1, "is an MRC file, which no image loader reads; pass --convert-to, a folder for its sections"),
        (["grid.mdoc", "--convert-to", "new"], 1, "MRC stack"),
        (["a.xml", *GRID], 2, "a project places its images itself; remove --pattern, --overlap"),
        (["a.xml", "b.xml", "--format", "trakem2"], 2, "a project is one file"),
        (["images", *GRID, "--append", "--replace"], 2, "--append and --replace exclude each other"),
        (["none", *GRID], 1, "no images found: got 'none'"),
    ],
)
def test_import__wrong(filled: Run, words: list[str], code: int, sentence: str) -> None:
    """Wrong arguments and input end with a sentence in the words of the command line."""
    Path("grid.mdoc").write_text("ImageFile = g.mrc\n[ZValue = 0]\nPieceCoordinates = 0 0 0\n")

    result = filled("import", *words, *RAW)

    assert result.exit_code == code
    assert sentence in " ".join(result.stderr.split())


def test_import__bad_images(filled: Run) -> None:
    """Bad images are listed line by line, with the option that leaves them out."""
    for name in ("s1_r0_c0.png", "s1_r0_c1.png"):
        Path("images", name).write_bytes(b"")

    result = filled("import", "images", *RAW, *GRID)

    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert lines[1].startswith("rendergateway: 2 of 4 images cannot be imported: got ")
    assert lines[1].endswith("or leave them out with --skip-bad")
    assert lines[2].endswith("images/s1_r0_c1.png: file is empty")
    assert filled("import", "images", *RAW, *GRID, "--skip-bad").stdout.startswith("lab/cortex/raw COMPLETE: 2 tiles")


def test_layout__and_back(filled: Run) -> None:
    """A stack as a TrakEM2 project, imported again; text layouts by their format."""
    assert filled("layout", "lab/cortex/montage", "-o", "p.xml").stdout == (
        "p.xml: 4 tiles of lab/cortex/montage as trakem2\n"
    )
    assert filled("import", "p.xml", *RAW, "--titles").exit_code == 0
    assert "2 sections" in filled("info", "lab/cortex/raw").stdout
    assert filled("layout", "lab/cortex/montage", "-o", "p.txt", "--z", "2").stdout.startswith("p.txt: 2 tiles")
    assert filled("import", "p.txt", *RAW, "--format", "karsh", "--replace").exit_code == 0


def test_doctor__problems(filled: Run) -> None:
    """Problems are lines, in the words of the command line, and the exit status is 1; a path mapping solves one."""
    Path("images").rename("moved")

    result = filled("doctor", "lab/cortex/montage", "--matches", "truth")

    assert result.exit_code == 1
    assert "problem  images: 4 of 4 files missing or unreadable: " in result.stdout
    assert "--image-path THEIRS=MINE maps paths of another machine" in result.stdout
    assert "ok       clusters: all matched tiles are connected" in result.stdout
    assert result.stderr == "rendergateway: 1 problem found\n"
    mapped = filled("doctor", "lab/cortex/montage", "--image-path", f"{Path.cwd()}/images={Path.cwd()}/moved")
    assert mapped.exit_code == 0, mapped.output


def test_doctor__service(run: Run) -> None:
    """A service that does not answer is a problem, and a stack is not checked then."""
    result = run("doctor", "lab/cortex/montage", "--service", "127.0.0.1:1", "--json")

    findings = {one["check"]: one for one in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert findings["service"]["level"] == "problem"
    assert "tiles" not in findings
    assert "--matches needs a stack" in run("doctor", "--matches", "truth").stderr


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["tiles", "--z", "2", "--color", "image_col", "--names"], "montage, section 2.0: 2 tiles"),
        (["matches", "--matches", "truth"], "montage, section 1.0: 1 pair of truth"),
        (["matches", "--matches", "truth", "--residuals", "--frame", "raw"], "montage, section 1.0: 1 pair of truth"),
        (["residuals", "--matches", "truth", "--frame", "raw", "--z", "1", "--map"], "montage: 66 points of truth"),
        (["seam", "--z", "1", "--z", "2", "--scale", "0.2"], "montage: 1.0 and 2.0"),
        (["sections", "--order"], "montage: 2 sections"),
        (["thumbnails", "--z", "1", "--width", "20"], "montage: 2 tiles"),
        (["thumbnails", "--width", "20", "--most", "1"], "montage: 1 section of 2"),
    ],
)
def test_plot__files(filled: Run, words: list[str], title: str) -> None:
    """Each plot is a file, and its title is the result."""
    result = filled("plot", words[0], "lab/cortex/montage", *words[1:], "-o", "plot.svg")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"plot.svg: {title}")
    assert Path("plot.svg").read_bytes().startswith(b"<?xml")


def test_plot__before_and_after(filled: Run) -> None:
    """Residuals of two stacks of the same tiles are compared."""
    assert filled("import", "images", *RAW, *GRID).exit_code == 0

    words = ("residuals", "lab/cortex/montage", "--matches", "truth", "--frame", "raw", "--before", "lab/cortex/raw")
    result = filled("plot", *words, "-o", "a.png", "--json")

    values = json.loads(result.stdout)
    assert values["point_count"] > 66
    assert values["median_px"] < 1e-6


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["tiles", "-o", "a.jpg"], 1, "'a.jpg' has an unknown suffix; use .pdf, .png, .svg to select the format"),
        (["tiles", "--z", "9", "-o", "a.png"], 1, "stack montage has no sections in this range of z"),
        (["tiles", "--color", "zz", "-o", "a.png"], 1, "color must be a column of the tiles: got 'zz'"),
        (["matches", "--matches", "truth", "--residuals", "-o", "a.png"], 2, "--residuals needs --frame"),
        (["residuals", "--matches", "truth", "-o", "a.png"], 2, "Missing option '--frame'"),
        (
            ["residuals", "--matches", "none", "--frame", "raw", "-o", "a.png"],
            1,
            "match collection 'lab__none' does not exist",
        ),
        (["seam", "--tile", "s1_r0_c0", "-o", "a.png"], 2, "pass --tile twice, or --z twice"),
        (["seam", "--tile", "s1_r0_c0", "--tile", "no", "-o", "a.png"], 1, "tile spec with id 'no' does not exist"),
        (["thumbnails", "--z", "7", "-o", "a.png"], 1, "stack montage has no tiles to draw"),
    ],
)
def test_plot__wrong(filled: Run, words: list[str], code: int, sentence: str) -> None:
    """Wrong arguments and input end with a sentence, and no file is written."""
    result = filled("plot", words[0], "lab/cortex/montage", *words[1:])

    assert result.exit_code == code, result.output
    assert sentence in " ".join(result.stderr.split())
    assert not Path("a.png").exists()
