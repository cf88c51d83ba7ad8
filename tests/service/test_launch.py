"""The service as a process, and its addresses."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rendergateway.errors import ConfigurationError, StoreError
from rendergateway.service.embedded import embedded_adapter
from rendergateway.service.serve import serve

PROGRAM = """
import sys
from rendergateway.service.serve import serve
serve(sys.argv[1], port=0, images=sys.argv[2:])
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A service that runs by itself."""
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "render.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_serve__says_where_and_stops_when_told(process: subprocess.Popen[str], tmp_path: Path) -> None:
    """The start-up line names address, file and image folders; SIGTERM ends the process in good order."""
    assert process.stdout is not None
    line = process.stdout.readline()
    address = line.split()[2].rstrip(",")

    owners = requests.get(f"{address}/v1/owners", timeout=10)
    process.send_signal(signal.SIGTERM)

    assert owners.json() == []
    assert str(tmp_path / "render.db") in line
    assert "there are no image folders" in line
    assert process.wait(10) == 0


def test_serve__port_in_use(tmp_path: Path) -> None:
    """A port that somebody has is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(tmp_path / "render.db", port=port)


def test_serve__missing_image_folder(tmp_path: Path) -> None:
    """A folder of images that is not there is an error, not a service without images."""
    with pytest.raises(ConfigurationError, match="is no folder"):
        serve(tmp_path / "render.db", images=[tmp_path / "nowhere"])


@pytest.mark.parametrize("address", ["http://localhost", "render.db", "embedded:?color=red", "embedded:?tile_limit=x"])
def test_embedded__bad_address(address: str) -> None:
    """An address of another form is refused."""
    with pytest.raises(ConfigurationError):
        embedded_adapter(address)


def test_embedded__option_in_the_address(tmp_path: Path) -> None:
    """The limit on tiles comes with the address."""
    adapter = embedded_adapter(f"embedded:{tmp_path}/render.db?tile_limit=7")

    assert adapter.application.options.tile_limit == 7
    adapter.close()


def test_embedded__closed(tmp_path: Path) -> None:
    """A closed service answers with a sentence."""
    adapter = embedded_adapter(f"embedded:{tmp_path}/render.db")
    adapter.close()

    answer = adapter.send(requests.Request("GET", "http://embedded/render-ws/v1/owners").prepare())

    assert answer.status_code == 503
    assert "was closed" in answer.text


def test_embedded__missing_folder(tmp_path: Path) -> None:
    """A file that cannot be made is an error before the first request."""
    with pytest.raises(StoreError):
        embedded_adapter(f"embedded:{tmp_path}/nowhere/render.db")


def test_private_service__goes_when_forgotten() -> None:
    """A private service that nobody closes takes its folder and connections along."""
    adapter = embedded_adapter("embedded:")
    folder = adapter.application.database.path.parent
    assert folder.is_dir()

    del adapter
    gc.collect()

    assert not folder.exists()
