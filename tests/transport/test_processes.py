"""Concurrency: threads, forks, and gateways and wrappers in other processes."""

from __future__ import annotations

import contextlib
import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rendergateway import (
    BearerToken,
    CredentialsError,
    Gateway,
    Layout,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    TileWrapper,
    TokenFile,
)
from rendergateway.testing.misbehaving import Line, answers, keeps_silent, says
from rendergateway.transport.credentials.stored import save_credentials
from tests.transport.conftest import Connect, Serve
from tests.transport.test_contexts import LabGateway

# The child exits normally, including the interpreter's cleanup.
FORKING = """
import os, sys
from rendergateway import Gateway
with Gateway("embedded:", owner="lab", project="cortex") as gateway:
    stack = gateway.create_stack("s")
    child = os.fork()
    if child == 0:
        gateway.create_stack("of_child")
        gateway.close()
        sys.exit()
    os.waitpid(child, 0)
    folder = gateway._client._pool.carrier.application.database.path.parent
    print(gateway.stack("of_child").exists, stack.reload().state, folder.is_dir())
"""
SPAWN = multiprocessing.get_context("spawn")


class NotedTile(TileWrapper):
    """A tile class with an additional property."""

    @property
    def note(self) -> str:
        return f"note of {self.id}"


def fetch_token() -> str:
    """Return a token, in any process."""
    return "fetched"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackWrapper]:
    """A stack of three sections with two tiles each, in a database file."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = gateway.create_stack("s")
        with stack.editing() as edit:
            ids = [(z, f"t{z}_{n}") for z in (1, 2, 3) for n in (0, 1)]
            edit.put(
                [
                    TileRecord(tile_id=i, z=z, width=10 * z, height=5, transforms=[], layout=Layout(section_id=f"s{z}"))
                    for z, i in ids
                ]
            )
        yield stack


def measure(section: Any) -> tuple[float, int, list[str]]:
    """Return facts of a section from another process, and the requests made for them."""
    with section._conn.counting() as requests:
        count = section.tile_count
    return section.z, count, requests


def own_class(tile: Any) -> tuple[str, str, str]:
    """Return the classes of a tile and of a tile of its gateway, in any process."""
    return type(tile).__name__, tile.note, type(tile.stack.tile("t1_0")).__name__


def list_owners(gateway: Gateway) -> Any:
    """Make one request; return an error as its text."""
    try:
        return gateway.call("owner.list")
    except CredentialsError as error:
        return str(error)


def pool_of(gateway: Gateway) -> int:
    """Return a number that identifies the pool in its process."""
    gateway.call("owner.list")
    return id(gateway._client._pool.carrier)


@pytest.fixture(scope="module")
def spawned() -> Iterator[ProcessPoolExecutor]:
    """One spawned process."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        yield pool


def test_threads__one_cold_wrapper(stack: StackWrapper) -> None:
    """32 threads that read one object that is not loaded make one request."""
    start = threading.Barrier(32)
    tile = stack.tile("t1_0")

    def read(_: int) -> float | None:
        start.wait()
        return tile.width

    with stack._conn.counting() as requests, ThreadPoolExecutor(32) as pool:
        assert list(pool.map(read, range(32))) == [10.0] * 32

    assert requests == ["tile.read"]


def test_threads__their_answers_are_not_mixed(serve: Serve, connect: Connect) -> None:
    """Each of 32 threads of one gateway gets the answer to its own request."""
    gateway = connect(serve(echo_path).url)

    with ThreadPoolExecutor(32) as pool:
        got = list(pool.map(lambda n: gateway.request("GET", "echo", str(n)).json(), range(320)))

    assert got == [f"/render-ws/v1/echo/{n}" for n in range(320)]


def test_threads__a_first_request_opens_one_connection(serve: Serve, connect: Connect) -> None:
    """Threads that use a new gateway concurrently share one connection."""
    gateway = Gateway(serve(answers([])).url)
    start = threading.Barrier(16)

    def pool_seen(_: int) -> int:
        start.wait()
        return id(gateway._client._pool)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(pool_seen, range(16)))) == 1
    gateway.close()


def test_spawned__wrappers_keep_their_records(stack: StackWrapper, spawned: ProcessPoolExecutor) -> None:
    """A pickled section contains its record, so no request is needed for its facts."""
    sections = stack.sections()
    assert sections[0].tile_count == 2

    found = list(spawned.map(measure, sections))

    assert found == [(1.0, 2, []), (2.0, 2, []), (3.0, 2, [])]


def test_spawned__classes_of_the_gateway(stack: StackWrapper, spawned: ProcessPoolExecutor) -> None:
    """Classes registered with a gateway are used in the other process too."""
    stack._conn.register(NotedTile)

    assert spawned.submit(own_class, stack.tile("t2_0")).result() == ("NotedTile", "note of t2_0", "NotedTile")


def test_spawned__one_pool_for_all_tasks(serve: Serve, connect: Connect, spawned: ProcessPoolExecutor) -> None:
    """The tasks of one gateway in a process share connections; another gateway has its own."""
    url = serve(answers([])).url
    gateway = connect(url)

    same = {spawned.submit(pool_of, gateway).result() for _ in range(3)}
    other = spawned.submit(pool_of, connect(url)).result()

    assert len(same) == 1
    assert other not in same


def test_spawned__no_secret_travels(
    serve: Serve, connect: Connect, spawned: ProcessPoolExecutor, tmp_path: Path
) -> None:
    """Token files and functions are pickled by name; pickling a secret is an error."""
    server = serve(answers(["lab"]))
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "token").chmod(0o600)
    own = "s3cret"
    found = {}

    for name, auth in {
        "file": TokenFile(tmp_path / "token"),
        "function": BearerToken(fetch_token),
        "password": ("me", "s3cret"),
        "text": BearerToken("s3cret"),
        "closure": BearerToken(lambda: own),
        "none": False,
    }.items():
        gateway = connect(server.url, auth=auth)
        assert b"s3cret" not in pickle.dumps(gateway.stack("s"))
        found[name] = spawned.submit(list_owners, gateway).result()
    sent = [request.headers.get("Authorization") for request in server.requests]

    assert sent == ["Bearer s3cret", "Bearer fetched", None]
    assert [found[name] for name in ("file", "function", "none")] == [["lab"]] * 3
    for name, what in {"password": "BasicLogin", "text": "BearerToken", "closure": "BearerToken"}.items():
        assert f"the gateway was pickled with a {what}, and secrets are not pickled" in found[name]
        assert "change_auth" in found[name]


def test_spawned__login_is_found(serve: Serve, connect: Connect, spawned: ProcessPoolExecutor) -> None:
    """A stored login is found by the server's name."""
    server = serve(answers(["lab"]))
    gateway = connect(server.url)
    save_credentials(gateway.server, token="stored")

    assert spawned.submit(list_owners, gateway).result() == ["lab"]
    assert server.requests[0].headers["Authorization"] == "Bearer stored"


def test_spawned__subclass(tmp_path: Path, spawned: ProcessPoolExecutor) -> None:
    """A gateway of a subclass keeps its class and fields, and does not reconnect."""
    gateway = LabGateway(f"embedded:{tmp_path / 'r.db'}", site="north")
    gateway.branch = "set before"

    assert spawned.submit(describe, gateway.using(project="tests")).result() == (
        "LabGateway", "north", "set before", "tests", False, [],
    )  # fmt: skip
    gateway.close()


def test_pickle__comes_back_to_its_gateway(stack: StackWrapper, spawned: ProcessPoolExecutor) -> None:
    """An object that is unpickled in its own process, or copied, is the original object."""
    gateway, tile = stack._conn, stack.tile("t1_0")

    assert pickle.loads(pickle.dumps(tile)) is tile
    assert copy.deepcopy({"a": tile})["a"] is tile
    assert copy.copy(gateway) is copy.deepcopy(gateway) is gateway
    assert spawned.submit(copy.copy, tile).result() is tile


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork__shares_no_connection(serve: Serve, connect: Connect) -> None:
    """A forked process opens its own connections with the inherited credentials; the parent's stay open."""
    server = serve(answers(["lab"]))
    gateway = connect(server.url, auth=("me", "pw"))
    gateway.call("owner.list")
    carrier = gateway._client._pool.carrier

    code = in_fork(lambda: gateway.call("owner.list") == ["lab"] and gateway._client._pool.carrier is not carrier)

    assert code == 0
    assert gateway.call("owner.list") == ["lab"]
    assert gateway._client._pool.carrier is carrier
    ports = [request.headers["Authorization"] for request in server.requests]
    assert len(ports) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork__private_service_is_shared_and_stays() -> None:
    """A forked process uses the private service of its parent, which survives its close() and exit."""
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "LOADING", "True"]
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork__locks_are_free(serve: Serve, connect: Connect) -> None:
    """A forked process can load an object that another thread was loading during the fork."""
    server = serve(keeps_silent, says(503), answers({"stackId": {"owner": "o", "project": "p", "stack": "s"}}))
    gateway = connect(server.url, auth=BearerToken(fetch_token))
    stack = gateway.stack("s")
    asked = threading.Event()
    gateway.hooks.on_request.append(lambda exchange: asked.set())
    thread = threading.Thread(target=given_up, args=[stack])
    thread.start()
    asked.wait()

    code = in_fork(lambda: stack.load().name == "s")
    server.close()
    thread.join()

    assert code == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork__credentials_in_the_first_pool(serve: Serve, connect: Connect) -> None:
    """Objects sent to a forked pool find the gateway that it inherited, with its credentials, from the first one on."""
    server = serve(answers({"stackId": {"owner": "o", "project": "p", "stack": "s"}}))
    stack = connect(server.url, auth=("me", "pw")).stack("s")

    for _ in range(2):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.map(name_of, [stack]) == ["s"]

    assert [request.headers["Authorization"] for request in server.requests] == ["Basic bWU6cHc="] * 2


def test_pickle__of_equal_gateways(tmp_path: Path) -> None:
    """Gateways with equal settings have different tickets; that of a closed one is used again."""
    one, other = (Gateway("localhost:1", owner="o", project="p", auth=("me", name)) for name in ("a", "b"))
    stacks = [one.stack("s"), other.stack("s")]

    found = pickle.loads(pickle.dumps(stacks))
    assert (found[0] is stacks[0], found[1] is stacks[1]) == (True, True)
    ticket = one._ticket
    one.close()
    assert Gateway("localhost:1", owner="o", project="p")._ticket == ticket


def test_pickle__older_than_a_write(stack: StackWrapper) -> None:
    """A pickle from before a write is read again after it."""
    tile = stack.section(1).tiles()[0]
    old, section = pickle.dumps(tile), pickle.dumps(stack.section(1).load())
    with stack.editing() as edit:
        edit.put([tile._obj.evolve(width=64)])
        edit.delete(sections=2)
    del tile
    gc.collect()

    assert pickle.loads(old).width == 64
    assert pickle.loads(section).tile_count == 2


def test_spawned__later_pickles_are_newer(stack: StackWrapper, spawned: ProcessPoolExecutor) -> None:
    """A process that is used again sees writes between its tasks, and its own writes return with its objects."""
    assert stack.section(2).load().tile_count == 2
    assert spawned.submit(kept_tile_count, stack.section(2)).result() == (2, [])
    with stack.editing() as edit:
        edit.delete([tile.tile_id for tile in stack.section(2).tiles()][:1])

    found, requests = spawned.submit(kept_tile_count, stack.section(2)).result()
    assert (found, requests) == (1, ["stack.read", "stack.section_data"])
    assert stack.state == "COMPLETE"
    assert spawned.submit(reopened, stack).result() is stack
    assert stack.state == "LOADING"


HASHES = """
import hashlib, pickle, sys
import dask.base, joblib
from rendergateway import Gateway

gateway = Gateway(sys.argv[1], owner="lab", project="cortex", auth=("me", "secret"))
if sys.argv[2] == "connected":
    gateway.connect()
stack = gateway.stack("s")
objects = [stack, stack.section(1), stack.section(1).tiles()[0], gateway.match_collection("m"), gateway]
print([joblib.hash(one) for one in objects])
print([hashlib.md5(pickle.dumps(one)).hexdigest() for one in objects])
print([dask.base.tokenize(one) for one in objects[:-1]])
gateway.close()
"""


def test_hashes__equal_in_two_processes(stack: StackWrapper) -> None:
    """Pickles, and so the keys of caches, are equal in two processes for the same object, and differ after a write."""
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    tokenize = pytest.importorskip("dask.base", reason="dask is not installed").tokenize

    def hashes(how: str) -> str:
        command = [sys.executable, "-c", HASHES, stack._conn.server, how]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert hashes("connected") == hashes("not yet")

    before = joblib.hash(stack.section(1)), tokenize(stack.section(1))
    stack.set_state("LOADING")
    after = joblib.hash(stack.section(1)), tokenize(stack.section(1))
    assert before[0] != after[0]
    assert before[1] != after[1]


def name_of(stack: StackWrapper) -> str:
    return stack.load().name


KEPT: list[Any] = []


def kept_tile_count(section: Any) -> tuple[int, list[str]]:
    """Return the tile count and its requests; keep the section alive for the next task."""
    KEPT.append(section)
    with section._conn.counting() as requests:
        return section.tile_count, requests


def reopened(stack: StackWrapper) -> StackWrapper:
    stack.set_state("LOADING")
    return stack


def test_joblib__wrappers(stack: StackWrapper) -> None:
    """Wrappers can be passed to processes of joblib."""
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")

    assert stack.section(1).tile_count == 2

    found = joblib.Parallel(n_jobs=2)(joblib.delayed(measure)(section) for section in stack.sections())

    assert found == [(1.0, 2, []), (2.0, 2, []), (3.0, 2, [])]


def test_dask__wrappers(stack: StackWrapper) -> None:
    """Wrappers can be passed to processes of dask."""
    dask = pytest.importorskip("dask", reason="dask is not installed")
    assert stack.section(1).tile_count == 2
    tasks = [dask.delayed(measure)(section) for section in stack.sections()]

    found = dask.compute(*tasks, scheduler="processes", num_workers=1)

    assert list(found) == [(1.0, 2, []), (2.0, 2, []), (3.0, 2, [])]


def given_up(stack: StackWrapper) -> None:
    """Load an object from a silent server."""
    with contextlib.suppress(RenderGatewayError):
        stack.load()


def describe(gateway: Any) -> tuple[Any, ...]:
    """Return facts of a gateway, and the requests made for them."""
    with gateway.counting() as requests:
        facts = (type(gateway).__name__, gateway.site, gateway.branch, gateway.default_project, gateway.is_closed)
    return (*facts, requests)


def echo_path(line: Line) -> None:
    """Answer with the path requested on this connection."""
    answers(line.request.path)(line)


def in_fork(work: Callable[[], bool]) -> int:
    """Do *work* in a forked process; return 0 if it returned True."""
    gc.collect()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
