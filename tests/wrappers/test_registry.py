"""Classes of one's own in the place of wrappers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib import metadata

import pytest

import rendergateway
from rendergateway import Gateway, RegistrationError, SectionWrapper, StackWrapper, TileRecord, TileWrapper
from rendergateway.wrappers import registry
from rendergateway.wrappers.aliases import GATEWAY_ALIASES, OBJECT_ALIASES


class LabTile(TileWrapper):
    """A tile with a note."""

    note: str | None

    def __prepare__(self, **extra: object) -> None:
        self.note = str(extra.get("note"))

    @functools.cached_property
    def row(self) -> int | None:
        return self.layout.image_row


@pytest.fixture
def _public_names() -> Iterator[None]:
    before = rendergateway.TileWrapper
    yield
    rendergateway.TileWrapper = before  # type: ignore[misc]


def test_register__for_one_gateway(stack: StackWrapper, gateway: Gateway) -> None:
    """A registered class stands for its kind from the next wrap on, everywhere in that gateway and only there."""
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


def test_register__what_cannot_stand(gateway: Gateway) -> None:
    """A class that is no such wrapper is refused by name."""

    class Stranger:
        KIND = "tile"

    with pytest.raises(RegistrationError, match=r"Stranger.*TileWrapper"):
        gateway.register(Stranger)  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match="cannot stand for None"):
        gateway.register(int)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_public_names")
def test_register__the_way_of_blitz_with_a_stranger() -> None:
    """What stands under a public name must be a wrapper of that kind."""
    rendergateway.TileWrapper = dict  # type: ignore[misc,assignment]

    with pytest.raises(RegistrationError):
        rendergateway.refreshWrappers()


def test_register__entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages announce classes by entry points; one that does not load is named."""
    good = metadata.EntryPoint("tile", f"{__name__}:LabTile", registry.ENTRY_POINTS)
    bad = metadata.EntryPoint("broken", "no_such_module:Tile", registry.ENTRY_POINTS)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [good])
    registry.load_entry_points.__wrapped__()
    assert registry.DEFAULT["tile"] is LabTile

    monkeypatch.setattr(metadata, "entry_points", lambda group: [bad])
    with pytest.raises(RegistrationError, match=r"broken = no_such_module:Tile"):
        registry.load_entry_points.__wrapped__()


def test_loose_wrapper__needs_no_gateway() -> None:
    """A wrapper around a loose record answers without a gateway, and says so where it needs one."""
    record = TileRecord(tile_id="a", z=3, width=9, height=9, transforms=[])
    loose = TileWrapper(obj=record)

    assert (loose.getName(), loose.getId(), loose.z, loose._obj) == ("a", "a", 3.0, record)  # type: ignore[attr-defined]
    with pytest.raises(rendergateway.ClosedGatewayError, match="conn="):
        _ = loose.section
    with pytest.raises(TypeError, match="needs a key"):
        TileWrapper()


def test_aliases__no_second_body(stack: StackWrapper, gateway: Gateway) -> None:
    """Blitz verbs do what their primary names do, also where a subclass changed it."""

    class MyStack(StackWrapper):
        def count_children(self) -> int:
            return -1

    assert stack.countChildren() == 3  # type: ignore[attr-defined]
    assert [child.id for child in stack.listChildren()] == [1.0, 2.0, 3.0]  # type: ignore[attr-defined]
    assert stack.getParent() == stack.project  # type: ignore[attr-defined]
    assert stack.getAncestry() == [stack.project, stack.owner]  # type: ignore[attr-defined]
    assert MyStack(gateway, key=stack._key).countChildren() == -1  # type: ignore[attr-defined]
    assert gateway.getObject("Project", "cortex").getName() == "cortex"  # type: ignore[attr-defined]
    assert [project.name for project in gateway.listProjects()] == ["cortex"]  # type: ignore[attr-defined]
    assert gateway.getObjects("stack").ids == ["montage"]  # type: ignore[attr-defined]
    assert all(hasattr(StackWrapper, name) for name in OBJECT_ALIASES)
    assert all(hasattr(Gateway, name) for name in GATEWAY_ALIASES)
    with pytest.raises(ValueError, match="none of them"):
        gateway.get_object("screen", "x")


def test_marshal__plain_values(stack: StackWrapper) -> None:
    """simple_marshal gives what JSON knows, with parents on request."""
    import json

    values = stack.tile("t1_0").simple_marshal(parents=True)

    assert json.loads(json.dumps(values))["bounds"] == [1.0, 2.0, 101.0, 82.0]
    assert [parent["type"] for parent in values["parents"]] == ["section", "stack", "project", "owner"]
    assert json.dumps(stack.simple_marshal())


def test_children__none(stack: StackWrapper) -> None:
    """A tile has no children, and says so."""
    with pytest.raises(rendergateway.RenderGatewayError, match="a tile has no children"):
        stack.tile("t1_0").children()


def test_templates__mutators_are_marked(stack: StackWrapper) -> None:
    """Template engines are told what not to call."""
    assert stack.delete.alters_data  # type: ignore[attr-defined]
    assert stack.set_state.alters_data  # type: ignore[attr-defined]
    assert stack.section(1).delete.alters_data  # type: ignore[attr-defined]
    assert StackWrapper.do_not_call_in_templates
    assert not hasattr(stack.sections, "alters_data")
