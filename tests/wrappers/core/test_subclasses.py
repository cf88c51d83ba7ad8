"""Subclasses of users: their attributes are pickled, and faulty classes are refused at registration."""

from __future__ import annotations

import abc
import functools
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

import pytest

import rendergateway
from rendergateway import Gateway, Layout, RegistrationError, StackWrapper, TileRecord, TileWrapper
from rendergateway.wrappers.core import registry
from rendergateway.wrappers.core.keys import TileKey

ROOT = Path(__file__).parents[3]


class LabTile(TileWrapper):
    """A tile with a cached row."""

    @functools.cached_property
    def row(self) -> int | None:
        return self.layout.image_row


class OtherTile(TileWrapper):
    """A class that does not derive from the first."""


class Scored(Protocol):
    """What a site's code expects of a tile."""

    @property
    def z(self) -> float: ...

    def score(self) -> float: ...


class ScoredTile(TileWrapper, Scored):
    transforms = TileWrapper.resolved_transforms

    def score(self) -> float:
        return 2.0


class AbstractTile(TileWrapper, abc.ABC):
    @abc.abstractmethod
    def score(self) -> float: ...


class HidingProtocol(Scored, TileWrapper):
    def score(self) -> float:
        return 2.0


class OtherKind(TileWrapper):
    KIND = "lab_tile"


class OwnState(TileWrapper):
    def __getstate__(self) -> None: ...


@pytest.mark.parametrize(
    ("wrapper_class", "reason"),
    [
        (AbstractTile, "its abstract members score are not defined"),
        (HidingProtocol, "Scored.z of a protocol hides that of TileWrapper; list the protocol last"),
        (OtherKind, "its KIND is 'lab_tile'"),
        (OwnState, "OwnState.__getstate__ overrides"),
    ],
)
def test_register__decides_at_once(gateway: Gateway, wrapper_class: type[TileWrapper], reason: str) -> None:
    """A class whose objects could not be made, found or sent is refused when it is registered."""
    with pytest.raises(RegistrationError, match=reason):
        gateway.register(wrapper_class)


def test_register__protocol_and_borrowed_property(stack: StackWrapper, gateway: Gateway) -> None:
    """A class may declare a protocol, and show one property of its base under the name of another."""
    gateway.register(ScoredTile)
    tile = stack.tile("t2_0")

    assert isinstance(tile, ScoredTile)
    assert (tile.z, tile.score(), len(tile.transforms), len(tile._obj.transforms)) == (2.0, 2.0, 2, 2)
    assert tile.transforms == tile.resolved_transforms != tile._obj.transforms
    assert tile.world_from_local([0, 0]).tolist() == [1.0, 2.0]


def test_register__a_notebook_cell_run_twice(gateway: Gateway) -> None:
    """Cells that define and register a class, and one derived from it, can be run again in order."""
    for _ in range(2):
        tile = gateway.register(type("Tile", (TileWrapper,), {}))
        finer = gateway.register(type("Finer", (tile,), {}))

        assert gateway.registry["tile"] is finer


class SlottedTile(TileWrapper):
    """A tile with one field in a slot."""

    __slots__ = ("score",)
    score: float


@pytest.mark.parametrize("added", [LabTile, SlottedTile])
def test_subclass__attributes_travel(added: type[Any]) -> None:
    """Attributes set on an object of a subclass, and its cached values, are read in another process."""
    remote = Gateway("localhost:1", owner="o", project="p")
    record = TileRecord(tile_id="a", z=1, layout=Layout(image_row=7), transforms=[])
    tile = added(remote, record, key=TileKey("o", "p", "s", "a"))
    tile.score = 0.93
    if added is LabTile:
        assert tile.row == 7
        tile.itself = tile
    show = "import pickle, sys; tile = pickle.load(sys.stdin.buffer); print(tile.score, *sorted(getattr(tile, '__dict__', ())))"  # noqa: E501

    done = subprocess.run(
        [sys.executable, "-c", show], input=pickle.dumps(tile), capture_output=True, cwd=ROOT, check=True
    )

    assert done.stdout.decode().split() == ["0.93", *(["itself", "row", "score"] if added is LabTile else [])]
    tile.score = threading.Lock()
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(tile)


def test_subclass__inside_a_function(gateway: Gateway) -> None:
    """A class that pickle cannot name leaves all other objects picklable; an error names it on use."""

    class Inner(TileWrapper):
        pass

    gateway.register(Inner)
    sent = pickle.loads(pickle.dumps(gateway.registry))

    assert sent["stack"] is StackWrapper
    with pytest.raises(
        RegistrationError, match=r"inside_a_function.<locals>.Inner, registered for 'tile', cannot be sent"
    ):
        sent["tile"]
    assert pickle.loads(pickle.dumps(sent))._left_behind
    assert sent.register(LabTile) is sent["tile"]
    remote = Gateway("localhost:1", owner="o", project="p", registry=gateway.registry)
    assert pickle.loads(pickle.dumps(remote.stack("s"))) == remote.stack("s")
    with pytest.raises((AttributeError, pickle.PicklingError), match="Inner"):
        pickle.dumps(remote.stack("s").tile("a"))


@pytest.mark.parametrize(
    ("assigned", "sentence"),
    [
        (
            {"TileWrapper": LabTile, "StackWrapper": dict},
            "<class 'dict'> cannot represent 'stack': it is not a subclass",
        ),
        ({"TileWrapper": LabTile, "StackWrapper": OtherTile}, "'stack': it is not a subclass of StackWrapper"),
        ({"TileWrapper": LabTile, "LabTile": LabTile}, None),
        ({"TileWraper": LabTile}, r"rendergateway.TileWraper is not .*; assign rendergateway.TileWrapper"),
        ({"TileWrapper": AbstractTile}, "abstract members score are not defined"),
    ],
)
def test_refresh__all_or_nothing(
    assigned: dict[str, Any], sentence: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one assignment to a name of the package is wrong, an error names it and nothing is registered."""
    for name, value in assigned.items():
        monkeypatch.setattr(rendergateway, name, value, raising=False)

    if sentence is None:
        rendergateway.refreshWrappers()
    else:
        with pytest.raises(RegistrationError, match=sentence):
            rendergateway.refreshWrappers()

    assert (registry.DEFAULT["tile"] is LabTile) == (sentence is None)
    monkeypatch.undo()
    rendergateway.refreshWrappers()
    assert registry.DEFAULT["tile"] is TileWrapper


def test_refresh__names_of_the_caller_alone() -> None:
    """After ``from rendergateway import *`` an assignment reaches the caller's own name only, which is an error."""
    cell = "from rendergateway import *\nclass TileWrapper(TileWrapper): pass\nrefreshWrappers()"

    with pytest.raises(
        RegistrationError, match=r"was assigned in module 'cell' only: .*assign rendergateway.TileWrapper"
    ):
        exec(cell, {"__name__": "cell"})
