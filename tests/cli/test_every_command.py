"""Rules for all commands: JSON results, wrong values of options, completion of a shell, closed pipes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from rendergateway import Gateway
from rendergateway.cli.commands import commands
from rendergateway.testing import make_stack
from tests.cli.conftest import Run, tiles_file
from tests.conftest import ROOT

STACK = "lab/cortex/montage"
PROGRAM = [sys.executable, "-c", "from rendergateway_command import main; main()"]


def leaves(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(leaves(commands))
# Arguments of a successful run of each command, in a folder with a database, its images and a file of tiles.
RIGHT = {
    "backup": ["render.db", "copy.db"],
    "boxes": [STACK, "--to", "boxes"],
    "catalogue": ["--port", "0"],
    "check": ["render.db"],
    "client-scripts": ["--to", "scripts"],
    "clusters": [STACK, "lab/truth"],
    "compact": ["render.db"],
    "config path": [],
    "config show": [],
    "coordinates": [STACK, "points.json", "mapped.json"],
    "copy": [STACK, "lab/cortex/copy"],
    "demo": ["demo"],
    "doctor": [STACK],
    "export": [STACK, "--scale", "0.1", "--to", "pictures"],
    "import": ["images", "--stack", "lab/cortex/raw", "--pattern", "s{z}_r{row}_c{col}.png", "--overlap", "0.125"],
    "info": [STACK],
    "layout": [STACK, "-o", "project.xml"],
    "load": ["tiles.json", "--stack", "lab/cortex/new"],
    "login": ["--forget", "--service", "localhost:1"],
    "matches copy": ["lab/truth", "lab/copy"],
    "matches count": ["lab/truth"],
    "matches filter": ["matches.json", "-o", "found.json"],
    "matches load": ["matches.json", "--into", "lab/new"],
    "move": [STACK, "s1_r0_c0", "--to-z", "5"],
    "features": ["pairs.json", "--to", "features", "--no-filter", "--scale", "0.2", "--workers", "1"],
    "match": ["pairs.json", "--into", "lab/derived", "--no-filter", "--scale", "0.2", "--workers", "1"],
    "pairs": [STACK, "--to", "found.json"],
    "picture": [STACK, "--z", "1", "--scale", "0.1", "-o", "a.png"],
    "remove": [STACK, "s1_r0_c0"],
    "mipmaps": [STACK, "--to", "levels", "--levels", "1"],
    "render": [STACK, "--to", "pictures", "--scale", "0.1"],
    "plot matches": [STACK, "--matches", "truth", "-o", "a.png"],
    "plot residuals": [STACK, "--matches", "truth", "--frame", "raw", "-o", "a.png"],
    "plot seam": [STACK, "--tile", "s1_r0_c0", "--tile", "s1_r0_c1", "-o", "a.png"],
    "plot sections": [STACK, "-o", "a.png"],
    "plot thumbnails": [STACK, "--width", "20", "-o", "a.png"],
    "plot tiles": [STACK, "-o", "a.png"],
    "serve": ["--memory", "--port", "0"],
    "stack clone": [STACK, "lab/cortex/copy"],
    "stack create": ["lab/cortex/new"],
    "stack delete": [STACK],
    "stack rename": [STACK, "lab/cortex/new"],
    "stack state": [STACK, "LOADING"],
    "transform": [STACK, "--class", "AffineModel2D", "--data", "1,0,0,1,5,5"],
    "solve": [STACK, "truth", "--frame", "raw", "--to", "lab/cortex/solved"],
    "tree": [STACK],
    "validate": [STACK],
    "view": [STACK, "--no-open"],
    "warp": ["grids/a/grid", "grids/a/grid", "grids/a/warped"],
}

# Commands that run until they are stopped, or write a folder of their own.
RUN_ON = {"catalogue", "demo", "serve", "view"}


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one section, and its images beside it."""
    folder = tmp_path_factory.mktemp("volume")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = make_stack(gateway, sections=1, rows=1, columns=2, images=folder / "images", matches="truth")
        make_stack(gateway, "grids/a/grid", sections=1, rows=2, columns=2)
        (folder / "matches.json").write_bytes(gateway.match_collection("truth").table().to_json())
        stack.tile_pairs().write(folder / "pairs.json")
    return folder / "render.db"


@pytest.fixture
def filled(run: Run, volume: Path) -> Run:
    """Run the command in a folder with all that it may need."""
    shutil.copy2(volume, "render.db")
    shutil.copy2(volume.with_name("pairs.json"), "pairs.json")
    shutil.copytree(volume.parent / "images", "images")
    tiles_file("tiles.json", "a")
    Path("points.json").write_text('[{"world": [20, 20, 1]}]')
    shutil.copy2(volume.parent / "matches.json", "matches.json")
    return run


def test_json__every_command_has_it() -> None:
    """Each command has ``--json``, and a row of arguments in these tests."""
    assert COMMANDS.keys() == RIGHT.keys()
    assert {name for name, command in COMMANDS.items() if "--json" not in options_of(command)} == set()


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {option.opts[0]: option for option in command.params if isinstance(option, click.Option)}


@pytest.mark.parametrize("name", sorted(RIGHT.keys() - RUN_ON))
def test_json__one_line(filled: Run, name: str) -> None:
    """With ``--json`` standard output is one line of ASCII with one object."""
    result = filled(*name.split(), *RIGHT[name], "--json")

    assert result.exit_code == 0, result.stderr
    assert isinstance(json.loads(result.stdout), dict)
    assert result.stdout.count("\n") == 1
    assert result.stdout.isascii()


def test_json__values(filled: Run) -> None:
    """The values are those of the sentence, as numbers and full names."""

    def values(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(filled(*name.split(), *RIGHT[name], "--json").stdout)
        return {key: value for key, value in loaded.items() if "seconds" not in key}

    assert values("load") == {
        "stack": "lab/cortex/new", "state": "COMPLETE", "tile_count": 1, "z": [1.0], "transform_count": 0, "dropped": {}
    }  # fmt: skip
    imported = values("import")
    assert (imported["stack"], imported["state"], imported["z"]) == ("lab/cortex/raw", "COMPLETE", [1.0])
    assert (imported["tile_count"], imported["kinds"]) == (2, {"uint8": 2})
    assert imported["sizes"] == [{"width": 512, "height": 512, "count": 2}]
    assert values("picture") == {"file": "a.png", "width": 97, "height": 52, "dtype": "uint8"}
    assert values("export") == {"folder": "pictures", "files": ["00001.0.png"], "drawn": 1}
    assert values("check") == {"database": "render.db", "problems": []}
    assert values("backup") == {"backup": str(Path("copy.db").resolve()), "size_bytes": Path("copy.db").stat().st_size}
    assert values("login") == {"server": "http://localhost:1/render-ws/v1", "deleted": False}
    shown = values("config show")
    assert shown["settings"]["service"] == {"value": "embedded:./render.db", "source": "RENDERGATEWAY_SERVICE"}
    assert shown["settings"]["pool_block"] == {"value": False, "source": "default"}
    assert shown["settings"]["owner"] == {"value": None, "source": None}


def test_json__numbers_that_json_lacks(run: Run) -> None:
    """NaN is a text, as in the JSON of the service."""
    tile = {"tileId": "é", "z": 1, "width": 9, "height": 9, "minX": "NaN", "minY": 0, "maxX": 9, "maxY": 9}
    Path("tiles.json").write_text(json.dumps([tile]))
    assert run("load", "tiles.json", "--stack", "lab/cortex/new", "--leave-open", "--allow-nan").exit_code == 0

    owner = json.loads(run("tree", "lab/cortex/new", "--json").stdout, parse_constant=pytest.fail)

    (tile,) = owner["projects"][0]["stacks"][0]["sections"][0]["tiles"]
    assert (tile["tile"], tile["bounds"]) == ("é", ["NaN", 0.0, 9.0, 9.0])


def test_json__serve(tmp_path: Path) -> None:
    """The address of a service on any free port, for a program that starts it."""
    words = [*PROGRAM, "serve", "render.db", "--port", "0", "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as it:
        assert it.stdout is not None
        try:
            started = json.loads(it.stdout.readline())
            with Gateway(started["url"]) as gateway:
                assert gateway.call("owner.list") == []
        finally:
            it.terminate()

    assert it.returncode == 0
    assert started["database"] == str(tmp_path / "render.db")


WRONG = ["", "nan", "inf", "-1", "1e400", "a", "a/b/c/d", "9..1", "1,2,3", "nan,0,1,1", "0,0,inf,1"]
# No name of a host: it would be looked up.
WRONG_SERVICES = ["", "embedded:", "embedded:no.db", "embedded:.", "nonsense://x", "http://", "http://h:port", "a b"]
VALUES = [
    (name, option)
    for name, command in COMMANDS.items()
    for option, known in options_of(command).items()
    # The answer of a scheduler is waited for.
    if not known.is_flag and name not in RUN_ON and option != "--dask"
]


@pytest.mark.parametrize(("name", "option"), VALUES, ids=map("".join, VALUES))
def test_options__wrong_values(filled: Run, name: str, option: str) -> None:
    """Whatever the value of an option, a command succeeds or ends with a sentence in the words of the command line."""
    for value in WRONG_SERVICES if option == "--service" else WRONG:
        result = filled(*name.split(), *RIGHT[name], option, value)

        assert result.exception is None or isinstance(result.exception, SystemExit), (value, result.exception)
        assert (result.exit_code == 0) == (not problem(result.stderr)), (value, result.output)
        assert not PYTHON.search(result.stderr), (value, result.stderr)


# An argument, a call or an object of Python.
PYTHON = re.compile(r"\b[a-z_]{2,}=[^L]|\w\(\)| object at |Traceback|\bNone\b")


def problem(stderr: str) -> str:
    """The last line of an error: ``Error: …`` of wrong arguments, or ours."""
    last = (stderr.splitlines() or [""])[-1]
    return last if last.startswith(("Error: ", "rendergateway: ")) and len(last.partition(": ")[2]) > 10 else ""


# Commands that need no database.
NOTHING_NEEDED = {"client-scripts", "config path", "config show", "demo", "login", "serve", "stack create"}


@pytest.mark.parametrize("name", sorted(RIGHT.keys() - NOTHING_NEEDED))
def test_arguments__nothing_there(run: Run, name: str) -> None:
    """On no database, and without an argument, each command ends with a sentence and makes no file."""
    for words in (RIGHT[name], []):
        result = run(*name.split(), *words)

        assert problem(result.stderr), result.output
        assert not PYTHON.search(result.stderr)
    assert [path for path in Path().iterdir() if path.suffix == ".png"] == []


# Completion


def completions(*words: str) -> list[str]:
    """The words that a shell offers for the last one."""
    shell = ShellComplete(commands, {}, "rendergateway", "_RENDERGATEWAY_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_completion__commands_options_and_stacks(filled: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell completes commands, options and names of stacks, as short as the configured owner and project allow."""
    assert filled("load", "tiles.json", "--stack", "lab/other/more").exit_code == 0

    assert completions("tre") == ["tree"]
    assert "--service" in completions("tree", "--s")
    assert completions("tree", "l") == ["lab/cortex/montage", "lab/other/more"]
    assert completions("export", "lab/o") == ["lab/other/more"]
    assert completions("load", "a.json", "--stack", "lab/cortex/m") == ["lab/cortex/montage"]
    assert completions("tree", "x") == []
    assert completions("tree", "--service", "embedded:no.db", "l") == []
    assert completions("tree", "--service", "nonsense://x", "l") == []
    monkeypatch.setenv("RENDER_OWNER", "lab")
    assert completions("picture", "") == ["cortex/montage", "other/more"]
    monkeypatch.setenv("RENDER_PROJECT", "cortex")
    assert completions("tree", "m") == ["montage"]
    assert completions("tree", "other/") == ["other/more"]
    assert completions("tree", "lab/other/") == ["lab/other/more"]


def test_completion__of_the_installed_command(tmp_path: Path) -> None:
    """The console script answers the shell, under the name that its documentation has."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    variables = {"_RENDERGATEWAY_COMPLETE": "bash_complete", "COMP_WORDS": "rendergateway tre", "COMP_CWORD": "1"}
    done = subprocess.run(
        PROGRAM, env={**os.environ, **variables, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )

    assert done.stdout == "plain,tree\n"
    assert "_RENDERGATEWAY_COMPLETE=bash_source rendergateway" in page


# Pipes


@pytest.mark.parametrize("words", [["--help"], ["config", "show"], ["tree", "--json"], ["tree"]], ids=" ".join)
def test_pipe__closed_by_its_reader(filled: Run, words: list[str]) -> None:
    """A reader that ends early, such as ``head``, leaves no message."""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=theirs, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    finally:
        os.close(theirs)

    assert done.stderr == b""
