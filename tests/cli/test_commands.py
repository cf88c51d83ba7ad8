"""The command as a whole: help, maintenance of databases, terminals, interruptions and missing extras."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rendergateway import Gateway, __version__
from rendergateway.cli.commands import commands
from tests.cli.conftest import Run, tiles_file
from tests.conftest import ROOT

CHECK = "check the path ('import', 'load' and 'serve' create a database)"
WITHOUT = "import sys; sys.modules['{name}'] = None; from rendergateway.cli import main; main()"


@pytest.mark.parametrize("name", ["click", "rich"])
def test_command__without_the_extra(name: str) -> None:
    """Without click or rich, one line names the extra needed."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(name=name)], capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr == f"the rendergateway command needs {name}: pip install 'rendergateway[cli]'\n"


def test_command__version(run: Run) -> None:
    """The version is printed alone."""
    assert run("--version").stdout == f"{__version__}\n"


def test_command__help_lists_the_sources_of_the_service(run: Run) -> None:
    """The sources of the service are listed on lines of their own."""
    lines = run("--help").stdout.splitlines()

    assert "  The service is taken from the first of these:" in lines
    assert "    --service ADDRESS    http://host:port, or embedded:PATH for a database file" in lines


def test_command__every_verb_has_help(run: Run) -> None:
    """Each verb explains itself."""
    for verb in ("backup", "check", "compact", "config", "demo", "load", "login", "serve", "tree"):
        result = run(verb, "--help")
        assert (result.exit_code, result.stdout.startswith(f"Usage: rendergateway {verb}")) == (0, True)


def test_command__summaries_are_whole(run: Run) -> None:
    """The list of commands shows whole sentences, on 80 columns."""
    lines = run("--help").stdout.partition("Commands:\n")[2].splitlines()

    assert len(lines) == len(commands.commands)
    assert [line for line in lines if not line.endswith(".") or line.endswith("...")] == []


def test_command__terminal_without_unicode(run: Run) -> None:
    """Characters that the terminal cannot encode are replaced: the command does not fail."""
    run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new")

    shown = subprocess.run(
        [sys.executable, "-m", "rendergateway.cli", "tree", "lab/cortex/new"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)},
        check=True,
    ).stdout.decode("latin-1")

    assert "tile a  100 × 50, x 0...100, y 0...50" in shown


@pytest.mark.parametrize(
    "module", ["rendergateway", "numpy", "rendergateway.cli", "click", "rendergateway.cli.commands"]
)
def test_command__interrupted_while_importing(module: str) -> None:
    """Ctrl-C before the command has begun is one line, not a traceback."""
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "from rendergateway_command import main\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)

    assert (result.returncode, result.stderr) == (130, "rendergateway: interrupted\n")


def test_command__imports_its_own_module() -> None:
    """A verb imports neither the modules of other verbs nor numpy, unless it needs them."""
    code = (
        "import sys; sys.argv[1:] = ['config', 'path']; from rendergateway_command import main\n"
        "try: main()\n"
        "finally: print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    modules = done.stdout.split()
    assert [name for name in modules if name.startswith("rendergateway.cli.service.")] == [
        "rendergateway.cli.service.config"
    ]
    assert not {"numpy", "cv2", "rendergateway.cli.matching"} & set(modules)


def test_command__interrupted_while_editing(gateway: Gateway) -> None:
    """An interrupted command exits with 130 and reports the state of the stack it left."""
    group = type(commands)("group")

    @group.command()
    def edit() -> None:
        with gateway.create_stack("new").editing():
            raise KeyboardInterrupt

    result = CliRunner().invoke(group, ["edit"])

    assert result.exit_code == 130
    assert result.stderr.startswith("rendergateway: interrupted\nrendergateway: stack new was left LOADING; ")


def test_upkeep__backup_check_compact(run: Run) -> None:
    """A database is checked, made smaller and copied; the copy is not overwritten."""
    run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/new")

    assert run("check", "render.db").stdout == "render.db: no damage\n"
    assert run("compact", "render.db").stdout.startswith("render.db: ")
    assert run("backup", "render.db", "copy.db").exit_code == 0
    assert "copy.db exists" in run("backup", "render.db", "copy.db").stderr
    assert "1 tile" in run("tree", "lab/cortex/new", "--service", "embedded:copy.db").stdout


@pytest.mark.parametrize("words", [["check", "no.db"], ["compact", "no.db"], ["backup", "no.db", "copy.db"]])
def test_upkeep__missing_database(run: Run, words: list[str]) -> None:
    """A missing database is named, and not created."""
    result = run(*words)

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        f"rendergateway: database 'no.db' does not exist; {CHECK}",
    )
    assert list(Path().iterdir()) == []


def test_config__no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords in addresses, and tokens, are not shown."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "http://me:s3cret@render.example.org")
    monkeypatch.setenv("RENDERGATEWAY_PUBLIC_URL", "https://me:s3cret@www.example.org")
    monkeypatch.setenv("RENDERGATEWAY_TOKEN", "s3cret")

    result = run("config", "show")

    assert result.exit_code == 0
    assert "http://…@render.example.org" in result.stdout
    assert "https://…@www.example.org" in result.stdout
    assert "s3cret" not in result.output


def test_config__invalid_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for an invalid address does not show its password."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "http://me:s3#cret@render.example.org")

    for words in (("config", "show"), ("tree",), ("login", "--forget")):
        result = run(*words)
        assert result.exit_code == 1
        assert "render.example.org" in result.stderr
        assert "cret" not in result.output
