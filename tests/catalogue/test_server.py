"""The catalogue as a command, and as the pages of an embedded service."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from click.testing import CliRunner
from werkzeug.test import Client

from rendergateway import ConfigurationError, Gateway, ServiceError
from rendergateway.catalogue.server import ServedPages, serve_pages
from rendergateway.cli.commands import commands
from rendergateway.service.app import Application
from rendergateway.service.base.options import Options
from rendergateway.service.store import Database
from rendergateway.testing import make_stack
from tests.catalogue.conftest import MONTAGE

CLI = [sys.executable, "-m", "rendergateway.cli"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of a stack with pictures."""
    file = tmp_path / "render.db"
    with Gateway(f"embedded:{file}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, sections=1, rows=1, columns=2, images=tmp_path / "images")
    return file


@contextlib.contextmanager
def running(*words: str | Path) -> Iterator[str]:
    """Run a command that serves; yield the address in its line of JSON."""
    with subprocess.Popen(
        [*CLI, *map(str, words), "--port", "0", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"].partition("/render-ws")[0].rstrip("/")
        process.send_signal(signal.SIGINT)


def test_catalogue__of_a_database(database: Path) -> None:
    """The command serves the pages on loopback, refuses other hosts, and ends with Ctrl-C."""
    with running("catalogue", "--service", f"embedded:{database}", "--catmaid", "https://catmaid.example.org") as url:
        page = requests.get(url + MONTAGE, timeout=20)
        other = requests.get(url, headers={"Host": "evil.example"}, timeout=20)
        missing = requests.get(f"{url}/favicon.ico", timeout=20)
        posted = requests.post(url + MONTAGE, timeout=20)

    assert url.startswith("http://127.0.0.1:")
    assert (page.status_code, other.status_code, missing.status_code, posted.status_code) == (200, 403, 404, 405)
    assert "Complete" in page.text
    assert "Content-Security-Policy" in missing.headers
    assert "Not Found" in missing.text


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_serve__pages_beside_the_service(database: Path, more: tuple[str, ...]) -> None:
    """One address has pages and service, with the rules of the service for hosts and its folders of images."""
    with running("serve", database, "--images", database.parent / "images", "--quiet", *more) as url:
        page = requests.get(url + MONTAGE, timeout=20)
        picture = requests.get(f"{url}{MONTAGE}z/1.0/cells/0/0/0.jpg", timeout=20)
        owners = requests.get(f"{url}/render-ws/v1/owners", timeout=20)
        other = requests.get(url + MONTAGE, headers={"Host": "evil.example"}, timeout=20)
        posted = requests.post(url + MONTAGE, data=b"x" * 2**20, timeout=20)
        start = requests.get(f"{url}/render-ws/", headers={"Accept": "text/html"}, timeout=20)
        made = Gateway(url, owner="lab", project="cortex").create_stack("new")
        after = requests.get(f"{url}/owner/lab/project/cortex/", timeout=20)

    assert page.status_code == 200
    assert "Neuroglancer" in page.text
    assert f"Gateway(&#39;{url}&#39;)" in page.text
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert owners.json() == ["lab"]
    assert (other.status_code, posted.status_code) == (403, 405)
    assert "rendergateway" in start.text
    assert made.name in after.text


def test_serve__images_outside_of_the_folders(database: Path) -> None:
    """Pages draw images below the folders of the service only."""
    with running("serve", database, "--images", database.parent, "--quiet") as url:
        allowed = requests.get(f"{url}{MONTAGE}z/1.0/cells/0/0/0.jpg", timeout=20)
    (database.parent / "elsewhere").mkdir()
    with running("serve", database, "--images", database.parent / "elsewhere", "--quiet") as url:
        refused = requests.get(f"{url}{MONTAGE}z/1.0/cells/0/0/0.jpg", timeout=20)
    with running("serve", database, "--quiet") as url:
        none = requests.get(f"{url}{MONTAGE}z/1.0/cells/0/0/0.jpg", timeout=20)

    assert [answer.status_code < 400 for answer in (allowed, refused, none)] == [True, False, False]
    assert refused.headers["Content-Type"].startswith("image/svg+xml")


def test_serve__no_pages(database: Path) -> None:
    """With --no-pages a browser sees the start page, and other paths do not exist."""
    with running("serve", database, "--no-pages", "--quiet") as url:
        start, page = requests.get(url, timeout=20), requests.get(url + MONTAGE, timeout=20)

    assert "embedded service of rendergateway" in start.text
    assert page.status_code == 404


def test_serve__without_flask(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Flask the service runs alone, and a message names the extra."""
    monkeypatch.setitem(sys.modules, "flask", None)
    given = {}
    monkeypatch.setattr("rendergateway.service.serve.serve", lambda path, **options: given.update(options))

    result = CliRunner().invoke(commands, ["serve", str(database)])

    assert result.exit_code == 0
    assert given["pages"] is None
    assert "No web pages: the catalogue needs flask: pip install 'rendergateway[catalogue]'" in result.stderr


def test_served_pages__address(tmp_path: Path) -> None:
    """The pages read with the limits of the service."""
    pages = ServedPages(tmp_path / "a b.db", images=["/one", "/two"], remote_images=["host:1"], tile_limit=5)

    assert pages.address.endswith("a%20b.db?images=%2Fone&images=%2Ftwo&remote_images=host%3A1&tile_limit=5")
    assert ServedPages(tmp_path / "x").address.endswith("x?images=")


def test_catalogue__port_in_use(gateway: Gateway) -> None:
    """A port in use is an error with a remedy."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match=r"cannot listen on .*; choose another port"):
            serve_pages(gateway, port=taken.getsockname()[1])


def test_catalogue__unreachable_service() -> None:
    """A service that does not answer is an error before the pages are served."""
    result = CliRunner().invoke(commands, ["catalogue", "--service", "http://127.0.0.1:9", "--port", "0"])

    assert result.exit_code == 1
    assert "rendergateway: " in result.stderr


def test_view__needs_a_served_stack(database: Path) -> None:
    """Neuroglancer reads a stack from a service, so a database in the process is refused with a remedy."""
    pytest.importorskip("neuroglancer", reason="neuroglancer is not installed")

    result = CliRunner().invoke(
        commands, ["view", "lab/cortex/montage", "--no-open", "--service", f"embedded:{database}"]
    )

    assert result.exit_code == 1
    assert "serve the database with 'rendergateway serve'" in result.stderr


def test_view__serves_neuroglancer(database: Path) -> None:
    """The command serves neuroglancer with the stack as its layer."""
    pytest.importorskip("neuroglancer", reason="neuroglancer is not installed")
    with running("serve", database, "--quiet") as url:
        words = [*CLI, "view", "lab/cortex/montage", "--no-open", "--json", "--service", url]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = json.loads(process.stdout.readline())["url"]
            answer = requests.get(address, timeout=20)
            process.send_signal(signal.SIGINT)

    assert address.startswith("http://127.0.0.1:")
    assert answer.status_code == 200


def test_application__pages_beside_the_service(database: Path) -> None:
    """The service passes all paths but its own to the pages, after its own checks of the host."""
    pages = ServedPages(database, images=[str(database.parent / "images")])()
    with contextlib.closing(Database(database)) as opened:
        browser = Client(Application(opened, Options(hosts=()), pages))
        page = browser.get(MONTAGE, base_url="http://localhost:8080")
        picture = browser.get(f"{MONTAGE}z/1.0/cells/0/0/0.jpg", base_url="http://localhost:8080")
        other = browser.get(MONTAGE, base_url="http://evil.example")
        owners = browser.get("/render-ws/v1/owners", base_url="http://localhost:8080")

    assert "render://http://localhost:8080/lab/cortex/montage" in unquote(page.text)
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert (other.status_code, other.mimetype) == (403, "text/plain")
    assert owners.json == ["lab"]


@pytest.mark.parametrize(("folder", "is_drawn"), [("images", True), ("elsewhere", False), ("", False)])
def test_embedded_address__folders_of_images(database: Path, folder: str, is_drawn: bool) -> None:
    """An embedded service reads images below the folders in its address only; an empty one allows none."""
    path = database.parent / folder if folder else ""
    with Gateway(f"embedded:{database}?images={path}&remote_images=", owner="lab", project="cortex") as gateway:
        section = gateway.stack("montage").section(1)
        if is_drawn:
            assert section.image(scale=0.1).pixels.any()
        else:
            with pytest.raises(ServiceError):
                section.image(scale=0.1)
