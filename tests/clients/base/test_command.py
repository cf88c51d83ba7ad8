"""From the arguments of ``run_ws_client.sh`` to an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from rendergateway.clients.base.command import main
from rendergateway.clients.base.table import CLIENTS
from rendergateway.clients.stacks.stack import StackClient
from rendergateway.errors import RecordError, add_note
from tests.conftest import ROOT

NAME = "org.janelia.render.client.StackClient"


class Ended(NamedTuple):
    """The end of a client."""

    code: int
    out: str
    err: str


class Run:
    """Run clients with the arguments of the script."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ended:
        self._capsys.readouterr()
        code = main(words)
        return Ended(code, *self._capsys.readouterr())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run clients with the arguments of the script."""
    return Run(capsys)


@pytest.fixture
def right(tmp_path: Path) -> list[str]:
    """The options of a run that creates a stack."""
    service = ["--baseDataUrl", f"embedded:{tmp_path / 'render.db'}", "--owner", "lab", "--project", "cortex"]
    return [*service, "--stack", "new", "--action", "CREATE"]


@pytest.mark.parametrize("before", [["1G"], ["6G", "-Xmx2g", "-Dlog=debug"], ["nonsense"]])
def test_run__memory_and_jvm_options(run: Run, right: list[str], before: list[str]) -> None:
    """Memory and options of the JVM are ignored; the class is printed."""
    assert run(*before, NAME, *right) == (0, f"  Running: {NAME}\n", "")


def test_run__arguments_are_split_again(run: Run, right: list[str]) -> None:
    """Arguments are split at blanks, as the script of the Java clients does."""
    assert run("1G", f"{NAME} {' '.join(right[:6])}", " ".join(right[6:])).code == 0


@pytest.mark.parametrize("words", [[], ["1G"], ["1G", "-Xmx1g"], ["1G", " "]])
def test_run__too_few_arguments(run: Run, words: list[str]) -> None:
    """Without a class the usage is printed."""
    assert run(*words) == (1, "", "USAGE: run_ws_client.sh <memory> <class> [options …]\n")


def test_run__unknown_class(run: Run) -> None:
    """An unknown class is named, with those that there are."""
    ended = run("1G", "org.janelia.render.client.NoClient", "--help")

    assert ended.code == 1
    assert ended.err.startswith("ERROR: unknown client class: got 'org.janelia.render.client.NoClient'; available are ")
    assert "StackClient" in ended.err


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_run__help(run: Run, name: str) -> None:
    """The help is printed, and the exit code is 1, whatever else is given."""
    ended = run("1G", name, "--nonsense", "--help")

    assert ended.code == 1
    assert ended.err.startswith(f"Usage: {name} [options]")


def test_run__wrong_arguments(run: Run, right: list[str], tmp_path: Path) -> None:
    """The sentence comes with a fixed first line and the options; nothing is requested from the service."""
    ended = run("1G", NAME, *right[:-1], "MOVE")

    first, _, sentence, _, usage, *_ = ended.err.splitlines()
    assert (ended.code, first) == (1, "ERROR: failed to parse command line arguments")
    assert sentence.startswith("Invalid value for --action parameter. Allowed values:[CREATE, ")
    assert usage == "Usage: StackClient [options]"
    assert not (tmp_path / "render.db").exists()


def test_run__interrupted(run: Run, right: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a client with 130, a sentence, and the notes on the work that was done."""

    def interrupted(self: StackClient) -> None:
        error = KeyboardInterrupt()
        add_note(error, "3 of 7 sections were copied")
        raise error

    monkeypatch.setattr(StackClient, "run", interrupted)

    assert run("1G", NAME, *right)[::2] == (130, "ERROR: interrupted\n3 of 7 sections were copied\n")


def test_run__failed(run: Run, right: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of the library, and of files, end a client with 1 and a sentence."""
    errors: list[Exception] = [
        RecordError("duplicate tile id 'a'"),
        FileNotFoundError(2, "No such file or directory", "/data/none.json"),
        OSError("disk on fire"),
    ]

    def fails(self: StackClient) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(StackClient, "run", fails)

    assert run("1G", NAME, *right)[::2] == (1, "ERROR: duplicate tile id 'a'\n")
    assert run("1G", NAME, *right)[::2] == (1, "ERROR: /data/none.json (No such file or directory)\n")
    assert run("1G", NAME, *right)[::2] == (1, "ERROR: disk on fire\n")


# A client that Ctrl-C interrupts also where the tests were started so that it is ignored.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rendergateway_command import client; client()",
]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_process__interrupted(tmp_path: Path) -> None:
    """A client that waits for a file ends at once, with 130 and one line."""
    os.mkfifo(tmp_path / "matches.json")
    service = ["--baseDataUrl", f"embedded:{tmp_path / 'render.db'}", "--owner", "lab", "--collection", "m"]
    with subprocess.Popen(
        [*INTERRUPTIBLE, "1G", "ImportMatchClient", *service, str(tmp_path / "matches.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"  Running: ImportMatchClient\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()

    assert (process.returncode, err) == (130, b"ERROR: interrupted\n")
