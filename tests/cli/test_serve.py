"""``rendergateway serve``: startup, shutdown and startup errors."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from rendergateway import Gateway
from rendergateway.service.store import Database
from tests.cli.conftest import Run


def test_serve__memory(tmp_path: Path) -> None:
    """A private service comes up on a free port, serves with its filter lists, and ends with its file."""
    folder, lists = tmp_path / "folder", tmp_path / "lists.json"
    folder.mkdir()
    lists.write_text('{"namedFilterSpecLists": {"none": []}}')
    words = [sys.executable, "-m", "rendergateway.cli", "serve", "--memory", "--port", "0", "--filters", str(lists)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(folder)}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2].rstrip(",")
        with Gateway(address, owner="lab", project="cortex") as gateway:
            state = gateway.create_stack("new").state
            listed = gateway.call("service.filters")
        process.send_signal(signal.SIGTERM)

    assert state == "LOADING"
    assert process.returncode == 0
    assert listed == {"namedFilterSpecLists": {"none": []}}
    assert list(folder.iterdir()) == []


def test_serve__logs_requests(tmp_path: Path) -> None:
    """One line per request on standard error, none with --quiet; limits are options."""
    logs = {}
    for name, more in (("told", ["--body-limit", "100", "--nesting-limit", "2"]), ("quiet", ["--quiet"])):
        words = [sys.executable, "-m", "rendergateway.cli", "serve", str(tmp_path / name), "--port", "0", *more]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            stack = process.stdout.readline().split()[2].rstrip(",") + "/v1/owner/o/project/p/stack/s"
            deep = requests.post(stack, json={"a": [[1]]}, timeout=10)
            large = requests.post(stack, json={"versionNotes": "x" * 200}, timeout=10)
            process.send_signal(signal.SIGTERM)
            logs[name] = deep.status_code, large.status_code, process.stderr.read().splitlines()

    assert logs["quiet"] == (201, 201, [])
    assert logs["told"][:2] == (400, 413)
    # The server itself rejects a request that is too large; the service never sees it.
    (line,) = logs["told"][2]
    assert "POST /render-ws/v1/owner/o/project/p/stack/s 400" in line


def test_serve__port_in_use(run: Run) -> None:
    """A port in use is named in the error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "render.db", "--port", str(port))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"rendergateway: cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize("words", [[], ["render.db", "--memory"], ["render.db", "--port", "70000"]])
def test_serve__misuse(run: Run, words: list[str]) -> None:
    """Neither or both of path and --memory, or a port that is none, are usage errors."""
    assert run("serve", *words).exit_code == 2


def test_serve__database_of_another_program(run: Run) -> None:
    """The database of another program is left alone."""
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()

    result = run("serve", "other.db", "--port", "0")

    assert result.exit_code == 1
    assert "is a database of another program" in result.stderr


def test_serve__missing_image_folder(run: Run) -> None:
    """An image folder that is not there is named."""
    assert "is not a folder" in run("serve", "render.db", "--port", "0", "--images", "no").stderr


def test_serve__quiet_while_requests_wait(tmp_path: Path) -> None:
    """Requests that wait for a thread are served without a warning."""
    words = [sys.executable, "-m", "rendergateway.cli", "serve", str(tmp_path / "a.db"), "--port", "0", "--quiet"]
    with subprocess.Popen(
        [*words, "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        owners = process.stdout.readline().split()[2].rstrip(",") + "/v1/owners"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: requests.get(owners, timeout=10).status_code, range(64)))
        process.send_signal(signal.SIGTERM)
        log = process.stderr.read()

    assert answers == [200] * 64
    assert log == ""


def test_serve__read_only_share(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that cannot be written is served with --read-only only."""
    Database("render.db").close()
    monkeypatch.setattr("os.access", lambda path, mode: False)

    result = run("serve", "render.db", "--port", "0")

    assert result.exit_code == 1
    assert "cannot be written; serve it with --read-only, or change its permissions" in result.stderr
