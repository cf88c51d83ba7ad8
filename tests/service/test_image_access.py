"""Files and hosts of the images that a service reads, and the refusals of all others."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import cv2
import numpy as np
import pytest

from rendergateway.rendering.images import remote
from tests.service.conftest import STACK, Service, tile

PIXELS = np.full((80, 100), 60, dtype=np.uint8)
PNG = cv2.imencode(".png", PIXELS)[1].tobytes()


def with_options(service: Service, **options: Any) -> Service:
    application = service.adapter.application
    application.options = attrs.evolve(application.options, **options)
    return service


def level(url: str, **members: Any) -> dict[str, Any]:
    return {"imageUrl": url, **members}


def asked(service: Service, *levels: dict[str, Any], box: str = "0,0,90,70,1") -> tuple[int, str]:
    """Save a tile with these levels; return status and sentence of its picture."""
    assert (
        service.save(tile("t", mipmapLevels={str(number): one for number, one in enumerate(levels)})).status_code == 201
    )
    answer = service.send("GET", f"{STACK}/z/1/box/{box}/png-image")
    return answer.status_code, answer.text if answer.status_code != 200 else ""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of images, beside a file outside of it."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    (tmp_path / "outside.png").write_bytes(PNG)
    return folder


def entries(root: Path) -> dict[str, str]:
    """Make entries that are not readable images; return their paths, and the end of the sentence."""
    links = {"loop.png": "loop.png", "out.png": "../outside.png", "gone.png": "none.png", "null.png": "/dev/null"}
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo.png")
    (root / "folder.png").mkdir()
    (root / "up").symlink_to("..")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(root)
        listener.bind("socket.png")
        os.chdir(here)
    (root / "empty.png").write_bytes(b"")
    names = [*links, "fifo.png", "folder.png", "socket.png", "up/outside.png", "../outside.png", "x" * 300, "a.png/b"]
    paths = [f"{root}/{name}" for name in names] + ["/dev/zero", "/etc/hostname", f"{root}x/a.png"]
    return dict.fromkeys(paths, "cannot find imageUrl file") | {f"{root}/empty.png": "is empty"}


def test_files__that_are_not_images(stack: Service, root: Path) -> None:
    """Whatever is not a regular file below the image folders counts as missing, and nothing waits for a writer."""
    with_options(stack, images=(root,))
    assert asked(stack, level(f"file:{root}/a.png")) == (200, "")

    for path, reason in entries(root).items():
        status, sentence = asked(stack, level(f"file:{path}"))
        assert (status, reason in sentence) == (400, True), (path, sentence)


def test_files__the_same_sentence_outside(stack: Service, root: Path) -> None:
    """A client cannot learn which files there are outside of the image folders."""
    with_options(stack, images=(root,))
    there, missing = root.parent / "outside.png", root.parent / "missing.png"

    sentences = {asked(stack, level(f"file:{path}"))[1].replace(path.name, "") for path in (there, missing)}

    assert len(sentences) == 1


@pytest.mark.parametrize("url", ["a.png", "images/a.png", "./a.png", "../a.png", "", ".", "~/a.png"])
def test_files__relative_paths(stack: Service, root: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path names no file of a service with image folders, and its sentence hides the working directory."""
    with_options(stack, images=(root,))
    monkeypatch.chdir(root)

    status, sentence = asked(stack, level(url))

    assert status == 400
    assert str(root.parent) not in sentence
    assert "cannot find imageUrl file" in sentence


def test_files__no_image_folders(stack: Service, root: Path) -> None:
    """A service without image folders names the option, whether or not the file exists."""
    with_options(stack, images=())

    for name in ("a.png", "none.png"):
        assert asked(stack, level(f"file:{root}/{name}")) == (
            400,
            f"cannot find imageUrl file '{root}/{name}'; this service reads no images: serve with --images FOLDER, the "
            "folder that contains it",
        )


def test_files__of_other_levels(stack: Service, root: Path) -> None:
    """Pipes as derived levels, and in the folder of pre-rendered boxes, are not waited for."""
    with_options(stack, images=(root,))
    rule = {"rootPath": str(root), "numberOfLevels": 3, "extension": "png"}
    assert stack.send("PUT", f"{STACK}/mipmapPathBuilder", rule).status_code == 200
    (root / f"1{root}").mkdir(parents=True)
    os.mkfifo(root / f"1{root}/a.png.png")
    boxes = root / "boxes/256x256/0/1/0"
    boxes.mkdir(parents=True)
    os.mkfifo(boxes / "0.jpg")
    assert (
        stack.send(
            "PUT",
            f"{STACK}/materializedBoxRootPath",
            body=str(root / "boxes").encode(),
            headers={"Content-Type": "text/plain"},
        ).status_code
        == 200
    )

    assert asked(stack, level(f"file:{root}/a.png"), box="0,0,90,70,0.5") == (200, "")
    source = f"{STACK}/largeDataTileSource/256/256/0/1/0/0.jpg"
    assert stack.send("GET", source).status_code == 200
    (boxes / "0.jpg").unlink()
    (boxes / "0.jpg").symlink_to(root.parent / "outside.png")
    assert stack.send("GET", source).content != PNG
    (boxes / "0.jpg").unlink()
    (boxes / "0.jpg").write_bytes(PNG)
    assert stack.send("GET", source).content == PNG


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("minX=0&minY=0&maxX=1&maxY=1&width=0&height=900000000000000000000000000000", "number too large in mask URL"),
        ("minX=0&minY=0&maxX=1&maxY=1&width=0&height=5", "image without pixels"),
        (f"minX=0&minY=0&maxX=1&maxY=1&width={'9' * 5000}&height=5", "number too large in mask URL"),
        ("minX=0&minY=0&maxX=1&maxY=1&width=99999&height=99999", "mask too large"),
    ],
)
def test_masks__of_impossible_size(stack: Service, root: Path, url: str, reason: str) -> None:
    """A mask of no pixels, or of numbers with thousands of digits, is refused with a sentence."""
    mask = {"maskUrl": f"mask://outside-box?{url}", "maskLoaderType": "DYNAMIC_MASK"}

    status, sentence = asked(with_options(stack, images=(root,)), level(f"file:{root}/a.png", **mask))

    assert (status, reason in sentence) == (400, True), sentence


def test_masks__of_many_boxes(stack: Service, root: Path) -> None:
    """Boxes that cover a mask many times are refused: drawing them would take hours."""
    boxes = ",".join(["0,0,9000,9000"] * 100)
    mask = f"mask://outside-boxes?width=9000&height=9000&count=100&boxes={boxes}"
    members = {"maskUrl": mask, "maskLoaderType": "MULTI_BOX_DYNAMIC_MASK"}

    status, sentence = asked(with_options(stack, images=(root,)), level(f"file:{root}/a.png", **members))

    assert (status, "cover it more than 64 times" in sentence) == (400, True), sentence


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers of a host of images: by path."""

    def do_GET(self) -> None:
        """Answer one request."""
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        name, _, rest = self.path.strip("/").partition("/")
        if name == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
            return
        self.send_response(404 if name == "none.png" else 200)
        if name == "cut.png":
            self.send_header("Content-Length", str(len(PNG) + 1))
        self.end_headers()
        self.wfile.write(PNG * (40 if name == "long.png" else 1))

    def log_message(self, *words: object) -> None:
        """Log nothing."""


@pytest.fixture
def host() -> Iterator[http.server.ThreadingHTTPServer]:
    """A host of images, with the requests that it has seen."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_remote__no_hosts(stack: Service, host: http.server.ThreadingHTTPServer) -> None:
    """By default no remote image is requested, and the sentence names the option."""
    status, sentence = asked(stack, level(f"http://127.0.0.1:{host.server_port}/a.png"))

    assert status == 400
    assert "remote image not allowed" in sentence
    assert "--remote-images HOST" in sentence
    assert host.seen == []  # type: ignore[attr-defined]


def test_remote__allowed_host(stack: Service, host: http.server.ThreadingHTTPServer) -> None:
    """Images of an allowed host are drawn, and redirects within it are followed."""
    base = f"http://127.0.0.1:{host.server_port}"
    with_options(stack, remote_images=(f"127.0.0.1:{host.server_port}",))

    for path in ("/a%20b.png?x=1", "/a b.png", "/to//a.png", f"/to/{base}/a.png"):
        assert asked(stack, level(base + path)) == (200, ""), path
    assert host.seen[0] == "/a%20b.png?x=1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("{base}/none.png", "status 404"),
        ("{base}/cut.png", "the connection was closed early"),
        ("{base}/long.png", "image too large: the limit of a download is 4096 bytes"),
        ("{base}/to/{base}/to/{base}/to/{base}/to/{base}/to/{base}/to/{base}/a.png", "more than 5 redirects"),
        ("{base}/to/http://localhost:{port}/a.png", "remote image not allowed: got host 'localhost:"),
        ("{base}/to/file:///etc/hostname", "remote image not allowed"),
        ("{base}/to/http://[", "Invalid IPv6 URL"),
        ("http://x:y@127.0.0.1:{port}/a.png", "remote image not allowed"),
        ("ftp://127.0.0.1:{port}/a.png", "remote image not allowed"),
        ("https://127.0.0.1/a.png", "remote image not allowed"),
        ("http://127.0.0.1/a.png", "remote image not allowed"),
        ("http://127.0.0.1:99999/a.png", "malformed"),
        ("http://[/a.png", "malformed"),
        ("https://127.0.0.1:{port}/a.png", "image cannot be downloaded"),
    ],
)
def test_remote__is_refused(
    stack: Service,
    host: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    reason: str,
) -> None:
    """Other hosts, also after a redirect, other schemes, and failed downloads are refused with a sentence."""
    monkeypatch.setattr(remote, "MOST_REMOTE_BYTES", 4096)
    port = host.server_port
    with_options(stack, remote_images=(f"127.0.0.1:{port}",))

    status, sentence = asked(stack, level(url.format(base=f"http://127.0.0.1:{port}", port=port)))

    assert (status, reason in sentence) == (400, True), sentence


def _drip(connection: socket.socket) -> None:
    """Send a header that never ends."""
    with connection:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while connection.send(b"x"):
                threading.Event().wait(0.01)
        except OSError:
            return


def _stop(connection: socket.socket) -> None:
    """Send a part of a file, and wait until the other side closes."""
    with connection:
        connection.recv(9999)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + PNG[:50])
        while connection.recv(9999):
            pass


@pytest.mark.parametrize("answer", [_drip, _stop])
def test_remote__that_never_ends(
    stack: Service, monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None]
) -> None:
    """A host that sends its answer byte by byte, or stops sending, is left at the deadline."""
    monkeypatch.setattr(remote, "DEADLINE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: answer(listener.accept()[0]))
        thread.start()
        with_options(stack, remote_images=(f"127.0.0.1:{port}",))

        status, sentence = asked(stack, level(f"http://127.0.0.1:{port}/a.png"))

        thread.join()
    assert (status, "image cannot be downloaded" in sentence) == (400, True), sentence
