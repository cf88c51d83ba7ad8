"""``rendergateway load``: inputs and messages."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rendergateway.batch.load import Loaded
from rendergateway.wrappers.core.bulk import Bulk
from tests.cli.conftest import INTERRUPTIBLE, Run, tiles_file
from tests.conftest import ROOT


def test_load__says_where_and_what(run: Run) -> None:
    """The target is printed to stderr, the result to stdout."""
    result = run("load", tiles_file("a.json", "a", "b"), "--stack", "lab/cortex/new")

    assert result.exit_code == 0
    assert result.stderr == f"Loading into stack lab/cortex/new of embedded:{Path.cwd()}/render.db\n"
    assert result.stdout.startswith("lab/cortex/new COMPLETE: 2 tiles, 1 section in ")


def test_load__standard_input(run: Run) -> None:
    """A dash reads standard input, gzipped or not."""
    content = Path(tiles_file("a.json", "a")).read_bytes()

    assert run("load", "-", "--stack", "lab/cortex/plain", typed=content).exit_code == 0
    assert run("load", "-", "--stack", "lab/cortex/packed", typed=gzip.compress(content)).exit_code == 0


def test_load__missing_parts_of_the_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Owner and project come from the environment; without them the error explains how to pass them."""
    file = tiles_file("a.json", "a")

    assert (
        "stack 'new' needs its owner and project: pass owner/project/stack"
        in run("load", file, "--stack", "new").stderr
    )
    monkeypatch.setenv("RENDER_OWNER", "lab")
    assert "stack 'new' needs its project" in run("load", file, "--stack", "new").stderr
    assert run("load", file, "--stack", "cortex/new").exit_code == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"# SWC", "bad.json is not JSON"),
        (b'[{"tileId": "b"', "bad.json is cut short"),
        (b'[{"z": 1, "layout": {}}]', "bad.json, element 1 is a tile spec without tileId; expected"),
        (b'[{"tileId": "a", "z": 1, "width": 5, "height": 5}]', "duplicate tile id 'a': good.json, element 1, and"),
    ],
)
def test_load__bad_file(run: Run, content: bytes, sentence: str) -> None:
    """The error names the bad file; nothing is stored, not even an empty database."""
    tiles_file("good.json", "a")
    Path("bad.json").write_bytes(content)

    result = run("load", "good.json", "bad.json", "--stack", "lab/cortex/new")

    assert result.exit_code == 1
    assert f"rendergateway: {sentence}" in result.stderr
    assert "Traceback" not in result.stderr
    assert not Path("render.db").exists()


def test_load__missing_file(run: Run) -> None:
    """A file that is not there is named."""
    result = run("load", "no.json", "--stack", "lab/cortex/new")

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        "rendergateway: no.json: No such file or directory",
    )


def test_load__existing_stack(run: Run) -> None:
    """An existing stack requires --append or --replace, not both."""
    words = ["load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new"]
    assert run(*words).exit_code == 0

    assert "exists already; pass --append or --replace" in run(*words).stderr
    assert run(*words, "--append").exit_code == 0
    assert run(*words, "--replace", "--leave-open").stdout.startswith("lab/cortex/new LOADING: 1 tile")
    assert run(*words, "--append", "--replace").exit_code == 2


def test_load__private_service(run: Run) -> None:
    """Tiles are not loaded into a service that is deleted when the command ends."""
    result = run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new", "--service", "embedded:")

    assert result.exit_code == 1
    assert "is deleted when the command ends; pass --service embedded:./render.db" in result.stderr


def test_load__no_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a service the error names the options that select one."""
    monkeypatch.delenv("RENDERGATEWAY_SERVICE")

    result = run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new")

    assert result.exit_code == 1
    assert "pass --service ADDRESS (http://host:port, or embedded:./render.db for a database file) or " in result.stderr
    assert "--profile NAME" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="terminals as POSIX has them")
def test_load__progress_on_a_terminal(run: Run, tmp_path: Path) -> None:
    """On a terminal a bar shows how far it is; elsewhere there is none."""
    file = Path(tiles_file("a.json", "a")).resolve()
    words = ["load", str(file), "--stack", "lab/cortex/new", "--service", f"embedded:{tmp_path / 'render.db'}"]
    environment = {**os.environ, "TERM": "xterm"}
    master, slave = os.openpty()
    command = [sys.executable, "-m", "rendergateway.cli", *words]
    subprocess.run(command, stderr=slave, check=True, env=environment, cwd=ROOT)
    os.close(slave)
    said = os.read(master, 100_000)
    os.close(master)

    assert b"Saving tiles" in said
    assert "Saving tiles" not in run(*words, "--append").stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_load__interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends the command with 130 and a message."""
    words = [*INTERRUPTIBLE, "load", "-", "--stack", "lab/cortex/new"]
    environment = {**os.environ, "RENDERGATEWAY_SERVICE": f"embedded:{tmp_path / 'render.db'}"}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"Loading into")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert (process.returncode, said) == (130, b"rendergateway: interrupted\n")


def spec_file(name: str, *specs: dict[str, Any]) -> str:
    Path(name).write_text(json.dumps(specs))
    return name


def referring(tile_id: str, lens: str) -> dict[str, Any]:
    transforms = {"type": "list", "specList": [{"type": "ref", "refId": lens}]}
    return {"tileId": tile_id, "z": 1, "width": 100, "height": 50, "transforms": transforms}


def lens(name: str) -> dict[str, Any]:
    return {"id": name, "className": "mpicbg.trakem2.transform.TranslationModel2D", "dataString": "1 2"}


def test_load__files_of_transforms(run: Run) -> None:
    """One file of shared transforms for all tiles, or one per file of tiles, in order."""
    tiles = [spec_file(f"z{number}.json", referring(f"t{number}", f"lens{number}")) for number in (1, 2)]
    lenses = [spec_file(f"l{number}.json", lens(f"lens{number}")) for number in (1, 2)]
    both = spec_file("both.json", lens("lens1"), lens("lens2"))

    twice = ["--transforms", lenses[0], "--transforms", lenses[1]]
    for number, options in enumerate((["--transforms", both], twice, ["--transforms-each", *lenses])):
        result = run("load", *tiles, *options, "--stack", f"lab/cortex/new{number}", "--workers", "2")
        assert "2 tiles, 1 section, 2 shared transforms" in result.stdout, result.output

    each = run("load", *tiles, "--transforms-each", "l1.json", "--stack", "lab/cortex/other")
    assert each.exit_code == 2
    assert "needs one file of transforms per file of tiles, got 3" in each.stderr
    wrong = run("load", *tiles, "--transforms", "z1.json", "--stack", "lab/cortex/other")
    assert "expected a file of shared transforms" in wrong.stderr


def test_load__tile_without_z(run: Run) -> None:
    """The error for a tile without z names the option that sets it."""
    words = ["load", spec_file("a.json", {"tileId": "a", "width": 9, "height": 9}), "--stack", "lab/cortex/new"]

    assert run(*words).stderr.endswith("tile 'a' has no z; set a default with --z\n")
    assert run(*words, "--z", "4").exit_code == 0


def test_load__workers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --workers the default is that of the library."""
    used = []

    def load_specs(*arguments: Any, workers: int, **options: Any) -> Loaded:
        used.append(workers)
        raise KeyboardInterrupt

    monkeypatch.setattr("rendergateway.cli.tiles.load.load_specs", load_specs)
    for words in ([], ["--workers", "7"]):
        run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new", *words)

    assert used == [Bulk().workers, 7]


def test_load__limits(run: Run) -> None:
    """Tiles beyond the limits are refused by name, and limits of another form explained."""
    words = ["load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new", "--limits"]

    assert "'a' (width is 100, allowed is 500 to 10000)" in run(*words, "size=500..10000").stderr
    assert "limits are size=LOW..HIGH" in run(*words, "500..10000").stderr
    assert run(*words, "size=10..200,coordinate=0..").exit_code == 0


def test_load__interrupted_replacement_says_what_is_left(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted replacement reports that old tiles remain in the stack."""
    words = ["load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new"]
    assert run(*words).exit_code == 0

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rendergateway.StackEdit.save", interrupted)
    result = run(*words, "--replace")

    assert result.exit_code == 130
    assert "is COMPLETE again; no tile was put; old tiles are still among" in result.stderr
