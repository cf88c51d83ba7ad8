"""The service as a process behind a socket."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rendergateway.errors import ConfigurationError
from rendergateway.service.serve import serve

PROGRAM = """
import sys
from rendergateway.service.serve import serve
serve(sys.argv[1], port=0, images=sys.argv[2:])
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A service in a process of its own."""
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "render.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_serve__start_line_and_sigterm(process: subprocess.Popen[str], tmp_path: Path) -> None:
    """The start-up line has address, file and image folders; SIGTERM ends the process with status 0."""
    assert process.stdout is not None
    line = process.stdout.readline()
    address = line.split()[2].rstrip(",")

    owners = requests.get(f"{address}/v1/owners", timeout=10)
    process.send_signal(signal.SIGTERM)

    assert owners.json() == []
    assert str(tmp_path / "render.db") in line
    assert "no image folders configured" in line
    assert process.wait(10) == 0


def test_serve__port_in_use(tmp_path: Path) -> None:
    """A port in use is reported."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(tmp_path / "render.db", port=port)


def test_serve__bad_filter_lists(tmp_path: Path) -> None:
    """A bad file of filter lists is reported before a database is created."""
    lists = tmp_path / "lists.json"
    lists.write_text('{"namedFilterSpecLists": {"a": [{"className": "Rank"}]}}')

    with pytest.raises(ConfigurationError, match="filter 0 of list 'a': filter class 'Rank' cannot be found"):
        serve(tmp_path / "render.db", filters=lists)
    assert not (tmp_path / "render.db").exists()


def test_serve__missing_image_folder(tmp_path: Path) -> None:
    """A missing image folder is an error."""
    with pytest.raises(ConfigurationError, match="nowhere is not a folder"):
        serve(tmp_path / "render.db", images=[tmp_path / "nowhere"])
