"""A subclass of Gateway."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from rendergateway import Gateway, StackWrapper


class LabGateway(Gateway):
    """A gateway whose connect() reads the version and lacks `return self`."""

    site: str

    def connect(self) -> Any:
        """Note which service this is."""
        super().connect()
        self.site = f"branch {self.version_info().get('git.branch', 'unknown')}"

    def newest(self) -> StackWrapper:
        """Return the stack that changed last."""
        return max(self.stacks(), key=lambda stack: str(stack.modified))


def test_connect__is_the_hook(tmp_path: Path) -> None:
    """`with` runs connect() of the subclass and returns the gateway; construction does not."""
    address = f"embedded:{tmp_path / 'render.db'}"
    assert not hasattr(LabGateway(address), "site")

    with LabGateway(address, owner="lab", project="cortex") as lab:
        assert type(lab) is LabGateway
        assert lab.site
        lab.create_stack("s")
        assert lab.newest().name == "s"


def test_class__is_kept(tmp_path: Path) -> None:
    """`using`, unpickling and the `_conn` of every object preserve the class."""
    with LabGateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as lab:
        stack = lab.create_stack("s")
        child = lab.using(project="other")
        there = pickle.loads(pickle.dumps(stack))

        assert type(child) is type(stack._conn) is type(there._conn) is LabGateway
        assert child.default_project == "other"
        assert child.site == there._conn.site == lab.site
        assert there.state == "LOADING"


def test_class__keeps_its_registry_to_itself() -> None:
    """A child shares the classes of its gateway; another gateway of the same class does not."""
    lab = LabGateway("localhost:1", owner="o", project="p")
    own = lab.register(type("OwnStack", (StackWrapper,), {}))

    assert type(lab.using(project="q").stack("s")) is own
    assert type(LabGateway("localhost:1", owner="o", project="p").stack("s")) is StackWrapper
