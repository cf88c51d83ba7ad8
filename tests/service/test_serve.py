"""The service as a process behind a socket."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import requests

from rendergateway.errors import ConfigurationError
from rendergateway.service.base.options import Options
from rendergateway.service.serve import Listening, serve
from rendergateway.service.server import workers as workers_module
from rendergateway.service.server.job import Job

PROGRAM = """
import sys
from rendergateway.service.base.options import Options
from rendergateway.service.serve import Listening, serve
from rendergateway.service.server import workers as workers_module
from rendergateway.service.server.job import Job
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


PROCESSES = """
import sys
from rendergateway.service.serve import serve
serve(sys.argv[1], port=0, workers=2)
"""


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return sorted(map(int, listed.stdout.split()))


@contextlib.contextmanager
def _two_workers(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, IO[str]]]:
    """Serve with two workers; yield the process, its line when it is ready, and its standard error."""
    words = [sys.executable, "-c", PROCESSES, str(folder / "render.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process, process.stdout.readline(), process.stderr


def test_workers__start_replace_and_stop(tmp_path: Path) -> None:
    """Two processes serve one address; one that is killed is replaced; SIGTERM ends all."""
    with _two_workers(tmp_path) as (process, ready, errors):
        stack = ready.split()[2].rstrip(",") + "/v1/owner/lab/project/tissue/stack/raw"
        workers = _children(process.pid)

        created = requests.post(stack, json={}, timeout=20)
        os.kill(workers[0], signal.SIGKILL)
        line = next(line for line in errors if line.startswith("worker "))
        answers = [requests.get(f"{stack}/tileIds", timeout=20) for _ in range(8)]
        replaced = _children(process.pid)
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)

    assert created.status_code == 201
    assert len(workers) == 2
    assert line.endswith("has ended with status -9; another one is started\n")
    assert [answer.json() for answer in answers] == [[]] * 8
    assert status == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in replaced)


def test_workers__stop_while_one_is_replaced(tmp_path: Path) -> None:
    """SIGTERM ends a service that is waiting to replace a worker."""
    with _two_workers(tmp_path) as (process, _, errors):
        os.kill(_children(process.pid)[0], signal.SIGKILL)
        next(line for line in errors if line.startswith("worker "))
        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 0
        assert errors.read() == ""


def test_workers__end_with_their_starter(tmp_path: Path) -> None:
    """Workers of a killed service end by themselves."""
    # Both inherit the pipe of standard error: it ends when the last of them does.
    with _two_workers(tmp_path) as (process, _, errors):
        process.kill()

        assert errors.read() == ""


def test_workers__in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of a worker serves until its input ends; a status of its start is sent when it accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        inbox, outbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready, told = os.pipe()
        data, order = os.pipe()
        job = Job(tmp_path / "render.db", Options(hosts=()), 1, len)
        numbers = (listener.dup().detach(), told, inbox.detach(), [outbox.detach()])
        writer = stack.enter_context(os.fdopen(order, "wb", 0))
        writer.write(pickle.dumps(workers_module._Order(job, 0, *numbers, {})))
        monkeypatch.setattr(sys, "stdin", stack.enter_context(os.fdopen(data)))

        working = threading.Thread(target=workers_module.work)
        working.start()
        assert os.read(ready, 1) == b"1"
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/render-ws/v1/owners"
        assert requests.get(url, timeout=20).json() == []
        writer.close()
        working.join(20)

        assert not working.is_alive()
        os.close(ready)
        os.close(told)


def test_workers__log_of_the_main_program(tmp_path: Path) -> None:
    """A function that other processes cannot import is refused."""
    with pytest.raises(ConfigurationError, match="must be a function of an importable module"):
        serve(tmp_path / "render.db", port=0, workers=2, on_request=lambda line: None)


def _ends(service: Listening) -> None:
    raise SystemExit(0)


def test_workers__ended_at_once(tmp_path: Path) -> None:
    """A service that ends when it is ready ends its workers."""
    with pytest.raises(SystemExit):
        serve(tmp_path / "render.db", port=0, workers=2, on_request=len, on_ready=_ends)
