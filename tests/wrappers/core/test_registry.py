"""User classes registered for wrappers."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pickle
import pkgutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import rendergateway
from rendergateway import (
    Bounds,
    Gateway,
    Layout,
    MatchCollectionWrapper,
    MatchPairWrapper,
    MatchRecord,
    RegistrationError,
    SectionWrapper,
    StackWrapper,
    TileRecord,
    TileWrapper,
)
from rendergateway.model import SectionRecord
from rendergateway.wrappers import objects
from rendergateway.wrappers.core import registry
from rendergateway.wrappers.core.blitz import GATEWAY_ALIASES, OBJECT_ALIASES
from rendergateway.wrappers.core.keys import TileKey

ROOT = Path(__file__).parents[3]


class LabTile(TileWrapper):
    """A tile with a note."""

    note: str | None

    def __prepare__(self, **extra: object) -> None:
        self.note = str(extra.get("note"))

    @functools.cached_property
    def row(self) -> int | None:
        return self.layout.image_row


class FineTile(TileWrapper):
    """A tile with a note."""

    def __prepare__(self, note: str | None = None) -> None:  # type: ignore[override]
        self.note = note


class MatchCounting:
    """Counts the pairs of a tile once."""

    @functools.cached_property
    def pair_count(self: TileWrapper) -> int:  # type: ignore[misc]
        pairs = self._conn.match_collection("dmesh").pairs(within="1.0")
        return sum(self.tile_id in (pair.p_id, pair.q_id) for pair in pairs)


class CountedTile(MatchCounting, TileWrapper):
    """The mixin joined to the wrapper."""


@pytest.fixture
def _public_names() -> Iterator[None]:
    before = rendergateway.TileWrapper
    yield
    rendergateway.TileWrapper = before  # type: ignore[misc]


def test_register__for_one_gateway(stack: StackWrapper, gateway: Gateway) -> None:
    """A registered class is used for its kind from the next wrap on, everywhere in that gateway only."""
    before = stack.tile("t1_0")

    gateway.register(LabTile)

    tiles = list(stack.sections()[0].tiles())
    assert all(type(tile) is LabTile for tile in tiles)
    assert type(before) is TileWrapper
    assert tiles[0] == before
    assert tiles[0].row == 0  # type: ignore[attr-defined]
    assert registry.DEFAULT["tile"] is TileWrapper


@pytest.mark.usefixtures("_public_names")
def test_register__the_way_of_blitz(stack: StackWrapper) -> None:
    """A class assigned to the public name counts everywhere after refreshWrappers."""
    rendergateway.TileWrapper = LabTile  # type: ignore[misc]
    assert type(stack.tile("t1_0")) is TileWrapper

    rendergateway.refreshWrappers()

    assert type(stack.tile("t1_1")) is LabTile
    assert isinstance(stack.sections()[0], SectionWrapper)


@pytest.mark.usefixtures("_public_names")
def test_refresh__touches_only_what_was_assigned() -> None:
    """Restoring a name unregisters its class; classes registered or announced otherwise remain."""
    registry.DEFAULT.register(type("LabStack", (StackWrapper,), {}))
    registry.ANNOUNCED.register(FineTile)
    before = rendergateway.TileWrapper
    rendergateway.TileWrapper = LabTile  # type: ignore[misc]
    rendergateway.refreshWrappers()
    rendergateway.refreshWrappers()
    assert registry.DEFAULT["tile"].__name__ == "LabTile"

    rendergateway.TileWrapper = before  # type: ignore[misc]
    rendergateway.refreshWrappers()
    rendergateway.refreshWrappers()

    assert registry.DEFAULT["tile"].__name__ == "FineTile"
    assert registry.DEFAULT["stack"].__name__ == "LabStack"


def test_register__what_cannot_stand(gateway: Gateway) -> None:
    """A class that is not a wrapper is refused by name."""

    class Stranger:
        KIND = "tile"

    with pytest.raises(RegistrationError, match=r"Stranger.*TileWrapper"):
        gateway.register(Stranger)
    with pytest.raises(
        RegistrationError, match="<class 'int'> is not a wrapper of any kind: register a subclass of one of"
    ):
        gateway.register(int)


class Mixin:
    def tiles(self) -> None: ...


class WrongMethod(TileWrapper):
    def bounds(self) -> None: ...  # type: ignore[override]


class WrongProperty(StackWrapper):
    @property
    def sections(self) -> list[float]:  # type: ignore[override]
        return []


class WrongValue(TileWrapper):
    z = 3.0


class OverridesInit(TileWrapper):
    def __init__(self, note: str) -> None: ...


class OverridesKey(TileWrapper):
    _key = ("a",)  # type: ignore[assignment]


class HiddenMixin(SectionWrapper, Mixin):  # type: ignore[misc]
    pass


class GreedyPrepare(TileWrapper):
    def __prepare__(self, note: str) -> None: ...  # type: ignore[override]


class WrongRecord(TileWrapper):
    RECORD = Layout  # type: ignore[assignment]


class MisspeltMarshal(TileWrapper):
    MARSHALLED = ("z", "heigth")


class OneMarshal(TileWrapper):
    MARSHALLED = "z"


@pytest.mark.parametrize(
    ("wrapper_class", "reason"),
    [
        (WrongMethod, "WrongMethod.bounds is a method and hides the property bounds of TileWrapper"),
        (WrongProperty, "WrongProperty.sections is a property and hides the method sections of StackWrapper"),
        (WrongValue, "WrongValue.z is a value and hides the property z"),
        (OverridesInit, "OverridesInit.__init__ overrides .* __prepare__ is the hook"),
        (OverridesKey, "OverridesKey._key overrides"),
        (HiddenMixin, "Mixin.tiles is hidden by SectionWrapper's; list the mixin first"),
        (GreedyPrepare, "__prepare__ cannot be called without arguments .*; add defaults"),
        (WrongRecord, "its RECORD is not a TileRecord"),
        (MisspeltMarshal, "MARSHALLED names 'heigth', which does not exist"),
        (OneMarshal, "MARSHALLED is a text, not a sequence of names"),
    ],
)
def test_register__says_what_is_wrong(gateway: Gateway, wrapper_class: type[TileWrapper], reason: str) -> None:
    """A faulty class is refused when it is registered, and nothing is registered."""
    with pytest.raises(RegistrationError, match=reason):
        gateway.register(wrapper_class)

    assert gateway.registry["tile"] is TileWrapper


def test_register__two_for_one_kind(gateway: Gateway) -> None:
    """A class not derived from the current one needs replace=True, unless it has the same name."""
    gateway.register(type("Tile", (TileWrapper,), {}))
    again = gateway.register(type("Tile", (TileWrapper,), {}))
    derived = gateway.register(type("Finer", (again,), {}))

    with pytest.raises(RegistrationError, match="replace=True"):
        gateway.register(LabTile)
    with pytest.raises(RegistrationError, match="does not derive"):
        gateway.register(again)

    assert gateway.registry["tile"] is derived
    assert gateway.register(LabTile, replace=True) is gateway.registry["tile"]


def test_register__for_a_while(stack: StackWrapper, gateway: Gateway) -> None:
    """Inside `registered` classes count, after it those from before."""
    with gateway.registered(LabTile):
        assert type(stack.tile("t1_0")) is LabTile

    assert type(stack.tile("t1_0")) is TileWrapper


def test_register__every_kind_everywhere(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """A class for each kind is met on every way to its objects: listings, names, parents, pairs, unpickled."""
    gateway = stack._conn
    own = {kind: gateway.register(type(f"My{base.__name__}", (base,), {})) for kind, base in registry._BASES.items()}
    tile, pair = gateway.stack("montage").sections()[0].tiles()[0], matches.pairs()[0]

    met: list[Any] = [tile, *tile.ancestry(), gateway.stacks()[0], gateway.owners()[0], gateway.projects()[0]]
    met += [gateway.match_collections()[0], pair, pair.parent, gateway.get_object("Stack", "montage")]
    met += [gateway.stack("montage").section(2).next, stack.tile("t2_0")]

    assert [type(one) for one in met if type(one) is not own[one.KIND] and one is not stack] == []


def test_bases__of_each_kind() -> None:
    """The table of modules has each kind that a module of ``objects`` defines."""
    for module in pkgutil.iter_modules(objects.__path__, f"{objects.__name__}."):
        importlib.import_module(module.name)

    assert registry._BASES.loaded == dict(registry._BASES)


def test_register__two_gateways(tmp_path: Path) -> None:
    """Two gateways in two threads of one process have separate classes; objects still compare equal."""
    address = f"embedded:{tmp_path / 'render.db'}"
    with Gateway(address, owner="o", project="p") as one, Gateway(address, owner="o", project="p") as other:
        with one.create_stack("s").editing() as edit:
            edit.put([TileRecord(tile_id="a", z=1, width=9, height=9, transforms=[])])
        one.register(LabTile)
        other.register(FineTile)
        with ThreadPoolExecutor(2) as pool:
            tiles = list(pool.map(lambda gateway: gateway.stack("s").section(1).tiles()[0], [one, other] * 8))

    assert {type(tile) for tile in tiles[::2]} == {LabTile}
    assert {type(tile) for tile in tiles[1::2]} == {FineTile}
    assert tiles[0] == tiles[1]
    assert len(set(tiles)) == 1


def test_mixin__counts_once_through_the_connection(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """A mixin queries the gateway through `_conn`; its cache lives with the object."""
    stack._conn.register(CountedTile)
    tile = stack.tile("t1_0")

    with stack._conn.counting() as requests:
        assert (tile.pair_count, tile.pair_count) == (1, 1)  # type: ignore[attr-defined]

    assert requests == ["match.within_group"]


def test_prepare__values_travel(gateway: Gateway) -> None:
    """Pickling a wrapper preserves its extra values."""
    remote = Gateway("localhost:1", owner="o", project="p")
    tile = FineTile(remote, key=TileKey("o", "p", "s", "a"), note="blurred")

    assert pickle.loads(pickle.dumps(tile)).note == "blurred"
    assert FineTile(obj=TileRecord(tile_id="a", z=1, width=1, height=1, transforms=[])).note is None


def test_subclass__keeps_the_marks(stack: StackWrapper) -> None:
    """An overridden mutator need not be marked again."""

    class Guarded(StackWrapper):
        def delete(self, *, dry_run: bool = False) -> None:
            raise PermissionError

    assert Guarded.delete.alters_data  # type: ignore[attr-defined]


def test_wrappers__take_no_stray_attributes() -> None:
    """Built-in wrappers have slots only, so that misspelt attributes are errors; subclasses may have fields."""
    assert [base for base in registry._BASES.values() if base.__dictoffset__] == []
    assert LabTile.__dictoffset__


PACKAGE = {
    "lab_tiles.py": """
        from rendergateway import TileWrapper

        class InstalledTile(TileWrapper):
            pass

        class FinerTile(InstalledTile):
            pass

        class OtherTile(TileWrapper):
            pass
        """,
    "lab_tiles-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: lab-tiles\nVersion: 1.0\n",
}
SHOW_CLASS = "from rendergateway import Gateway; print(Gateway('localhost:1').registry['tile'].__name__)"


@pytest.mark.parametrize(
    ("announced", "said"),
    [
        ({"one": "InstalledTile"}, "InstalledTile"),
        ({"a": "FinerTile", "b": "InstalledTile"}, "FinerTile"),
        ({"a": "InstalledTile", "b": "FinerTile"}, "FinerTile"),
        (
            {"a": "InstalledTile", "b": "OtherTile"},
            "InstalledTile; the package lab-tiles is not used: its class b = lab_tiles:OtherTile cannot be registered",
        ),
        (
            {"a": "NoSuchTile", "b": "FinerTile"},
            "FinerTile; the package lab-tiles is not used: its class a = lab_tiles:NoSuchTile cannot be registered",
        ),
        ({"a": "InstalledTile", "RENDERGATEWAY_PLUGINS": "no"}, "TileWrapper"),
    ],
)
def test_entry_point__of_an_installed_package(tmp_path: Path, announced: dict[str, str], said: str) -> None:
    """Of the classes announced by installed packages the most derived is registered; a broken one is a warning."""
    variables = {name: announced.pop(name) for name in list(announced) if name.isupper()}
    points = "".join(f"{name} = lab_tiles:{wrapper}\n" for name, wrapper in announced.items())
    files = {**PACKAGE, "lab_tiles-1.0.dist-info/entry_points.txt": f"[{registry.ENTRY_POINTS}]\n{points}"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    path = os.pathsep.join([str(tmp_path), str(ROOT)])

    done = subprocess.run(
        [sys.executable, "-c", SHOW_CLASS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, **variables},
    )

    shown, _, warned = said.partition("; ")
    assert done.stdout == f"{shown}\n"
    assert warned in done.stderr
    assert bool(warned) == bool(done.stderr)


def test_register__entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages announce classes by entry points; one that does not load is named, and the others do."""
    good = metadata.EntryPoint("tile", f"{__name__}:LabTile", registry.ENTRY_POINTS)
    bad = metadata.EntryPoint("broken", "no_such_module:Tile", registry.ENTRY_POINTS)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [bad, good])

    with pytest.warns(RuntimeWarning, match=r"package no_such_module .* broken = no_such_module:Tile"):
        registry.load_entry_points.__wrapped__()
    assert registry.DEFAULT["tile"] is LabTile


def test_registered__overlapping_blocks(gateway: Gateway) -> None:
    """The end of a block undoes its own registrations, in whatever order blocks end and classes are registered."""

    class Second(LabTile):
        pass

    class Third(LabTile):
        pass

    def shown() -> str:
        return gateway.registry["tile"].__name__

    first, second = gateway.registered(LabTile), gateway.registered(Second)
    with first:
        second.__enter__()
    assert shown() == "Second"
    second.__exit__(None, None, None)
    assert shown() == "TileWrapper"

    with gateway.registered(LabTile):
        with gateway.registered(Second):
            gateway.register(Third, replace=True)
        assert shown() == "Third"
    assert shown() == "Third"
    with gateway.registered(LabTile, replace=True), gateway.registered(Second):
        assert shown() == "Second"
    assert shown() == "Third"


def test_loose_wrapper__needs_no_gateway() -> None:
    """A wrapper of a detached record works without a gateway, and raises if one is needed."""
    record = TileRecord(tile_id="a", z=3, width=9, height=9, transforms=[])
    loose = TileWrapper(obj=record)

    assert (loose.getName(), loose.getId(), loose.z, loose._obj) == ("a", "a", 3.0, record)
    assert loose.world_from_local([1, 2]).tolist() == [1, 2]
    assert loose.simple_marshal()["z"] == 3.0
    for read in (lambda: loose.section, lambda: loose.parent, loose.ancestry, loose.reload, loose.delete):
        with pytest.raises(rendergateway.NoGatewayError, match="conn="):
            read()
    with pytest.raises(TypeError, match="TileWrapper needs key=, or obj= with a record that has one"):
        TileWrapper()


def test_loose_wrapper__of_other_kinds() -> None:
    """Detached sections, stacks and pairs use their records; operations on the service raise."""
    row = {"z": 3.0, "tile_count": 4, "section_id": "3.0", "min_x": 0, "min_y": 1, "max_x": 2, "max_y": 3}
    section = SectionWrapper(obj=SectionRecord(**row))
    pair = MatchPairWrapper(obj=MatchRecord(p_group="a", p_id="1", q_group="b", q_id="2", p=[[0, 1]], q=[[2, 3]]))

    assert (section.name, section.tile_count, section.section_ids) == ("3.0", 4, ["3.0"])
    assert section.bounds == Bounds(0, 1, 2, 3)
    assert (len(pair), pair.p.tolist(), pair.name) == (1, [[0, 1]], "a/1 – b/2")
    with pytest.raises(rendergateway.NoGatewayError, match="conn="):
        section.tiles().load()
    with pytest.raises(rendergateway.NoGatewayError, match="conn="):
        _ = pair.match_collection


def test_aliases__show_the_values_of_their_verbs() -> None:
    """help() of an alias shows its primary's signature."""
    assert inspect.signature(StackWrapper.simpleMarshal) == inspect.signature(StackWrapper.simple_marshal)
    assert list(inspect.signature(StackWrapper.getName).parameters) == ["self"]


def test_aliases__no_second_body(stack: StackWrapper, gateway: Gateway) -> None:
    """Blitz verbs call their primary names, also in a subclass that overrides them."""

    class MyStack(StackWrapper):
        def count_children(self) -> int:
            return -1

    assert stack.countChildren() == 3
    assert [child.id for child in stack.listChildren()] == [1.0, 2.0, 3.0]
    assert stack.getParent() == stack.project
    assert stack.getAncestry() == [stack.project, stack.owner]
    assert MyStack(gateway, key=stack._key).countChildren() == -1
    assert gateway.getObject("Project", "cortex").getName() == "cortex"  # type: ignore[union-attr]
    assert [project.name for project in gateway.listProjects()] == ["cortex"]
    assert gateway.getObjects("stack").ids == ["montage"]
    assert all(hasattr(StackWrapper, name) for name in OBJECT_ALIASES)
    assert all(hasattr(Gateway, name) for name in GATEWAY_ALIASES)
    with pytest.raises(ValueError, match="kind must be owner, project, stack, matchcollection; got 'screen'"):
        gateway.get_object("screen", "x")


def test_marshal__plain_values(stack: StackWrapper) -> None:
    """simple_marshal returns JSON values, with parents on request."""
    import json

    values = stack.tile("t1_0").simple_marshal(parents=True)

    assert json.loads(json.dumps(values))["bounds"] == {"minX": 1.0, "minY": 2.0, "maxX": 101.0, "maxY": 82.0}
    assert [parent["type"] for parent in values["parents"]] == ["section", "stack", "project", "owner"]
    assert json.dumps(stack.simple_marshal())


def test_children__none(stack: StackWrapper) -> None:
    """Asking a tile for children raises."""
    with pytest.raises(rendergateway.RenderGatewayError, match="a tile has no children"):
        stack.tile("t1_0").children()


def test_templates__mutators_are_marked(stack: StackWrapper) -> None:
    """Mutators are marked for templates."""
    assert stack.delete.alters_data  # type: ignore[attr-defined]
    assert stack.set_state.alters_data  # type: ignore[attr-defined]
    assert stack.section(1).delete.alters_data  # type: ignore[attr-defined]
    assert StackWrapper.do_not_call_in_templates
    assert not hasattr(stack.sections, "alters_data")
