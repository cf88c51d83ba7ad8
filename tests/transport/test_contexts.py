"""Contexts of a gateway: shared and separate state."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from rendergateway import ClosedGatewayError, Gateway, Retries, TileRecord, TileWrapper
from rendergateway.testing.misbehaving import answers
from tests.transport.conftest import Connect, Serve


class LabGateway(Gateway):
    """A subclass with its own constructor, field and connect()."""

    def __init__(self, address: str, site: str) -> None:
        super().__init__(address, owner="lab", project="cortex")
        self.site = site
        self.branch = ""

    def connect(self) -> LabGateway:
        super().connect()
        self.branch = f"of {self.version_info()['git.branch']!r}"
        return self


def test_using__shares_the_service(gateway: Gateway) -> None:
    """A context has its own defaults and shares service and class registry with its gateway."""

    @gateway.register
    class OwnTile(TileWrapper):
        pass

    tests = gateway.using(project="tests")
    stack = tests.create_stack("s")

    assert (tests.default_owner, stack.project.name) == ("lab", "tests")
    assert gateway.stack("tests/s") == stack
    assert gateway.stack("tests/s") is not stack
    assert type(tests.stack("s").tile("t")) is OwnTile
    assert repr(tests) == "<Gateway embedded: lab/tests>"


def test_using__a_write_invalidates_the_others(gateway: Gateway) -> None:
    """A write through a gateway or one of its contexts invalidates the objects of all of them."""
    context = gateway.using(auth=("admin", "pw"))
    stack = gateway.create_stack("s")
    seen = context.stack("s")
    assert (seen.state, len(seen.sections())) == ("LOADING", 0)

    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1, width=1, height=1, transforms=[])])

    assert (seen.state, len(seen.sections())) == ("COMPLETE", 1)
    context.stack("s").set_state("LOADING")
    assert stack.state == "LOADING"


def test_using__limits_of_its_own(serve: Serve, connect: Connect) -> None:
    """A context can have other limits and retries; the rest is inherited."""
    gateway = connect(serve(answers([])).url, timeout_s=3, headers={"X-Site": "a"})

    context = gateway.using(retries=7, budget_s=5)

    assert (context.settings.timeout_s, context.settings.budget_s) == (3, 5)
    assert context.settings.retries == Retries(total=7)
    assert gateway.settings.budget_s == 900
    assert gateway.using().settings == gateway.settings


def test_using__one_pool(serve: Serve, connect: Connect) -> None:
    """Contexts share the connection pool and the hooks; the counter of a gateway includes their requests."""
    gateway = connect(serve(answers([])).url)
    context = gateway.using(auth=("me", "pw"))
    exchanges: list[object] = []
    gateway.hooks.on_response.append(exchanges.append)

    with gateway.counting() as ours, context.counting() as theirs:
        gateway.call("owner.list")
        context.call("owner.list")

    assert gateway._client._pool.carrier is context._client._pool.carrier
    assert (ours, theirs, len(exchanges)) == (["owner.list"] * 2, ["owner.list"], 2)


def test_using__close(gateway: Gateway) -> None:
    """Closing a context leaves the gateway open; closing and reopening the gateway does so for its contexts."""
    context, other = gateway.using(project="a"), gateway.using(project="b")
    other.call("owner.list")

    context.close()
    assert (context.is_closed, gateway.is_closed) == (True, False)
    with pytest.raises(ClosedGatewayError, match=r"gateway to embedded: is closed; connect\(\) reopens it"):
        context.call("owner.list")
    assert gateway.call("owner.list") == []

    gateway.close()
    assert other.is_closed
    with pytest.raises(ClosedGatewayError, match="gateway to embedded: is closed"):
        other.call("owner.list")
    gateway.connect()
    assert other.call("owner.list") == []


def test_using__keeps_the_first_alive(tmp_path: Path) -> None:
    """A context keeps its gateway alive, and both are collected together."""
    context = Gateway(f"embedded:{tmp_path / 'r.db'}", owner="o", create=True).using(project="p")
    assert context.call("owner.list") == []
    first = weakref.ref(context._client._parent)

    del context
    gc.collect()

    assert first() is None


def test_subclass__keeps_class_and_fields(tmp_path: Path) -> None:
    """Contexts of a subclass have its class and fields, and connect() can be overridden."""
    with LabGateway(f"embedded:{tmp_path / 'r.db'}", site="north") as gateway:
        context = gateway.using(project="tests")

        assert type(context) is LabGateway
        assert (context.site, context.branch) == ("north", gateway.branch)
        assert gateway.branch.startswith("of ")
        assert context.stack("s")._conn is context
