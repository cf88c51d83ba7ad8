"""
Freshness of all readings after all writes.

The writes are the endpoints with an effect, the readings are the properties and listings of every kind of object: a new
endpoint or a new property is in the matrix by itself, or makes a test fail until it has a place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway
from rendergateway.endpoints import ENDPOINTS
from rendergateway.errors import ServiceError
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.registry import _BASES
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms
from tests.wrappers.freshness.readings import Reading, names_without_place, plain, readings_of
from tests.wrappers.freshness.world import OBJECTS, World
from tests.wrappers.freshness.writes import WRITES

WITH_EFFECT = sorted(name for name, endpoint in ENDPOINTS.items() if endpoint.effect != "read")
# The kinds of objects, the gateway and merged matches.
READ = {name: type(make(Gateway("localhost:1", owner="lab", project="cortex"))) for name, make in OBJECTS.items()}
READINGS = {name: readings_of(shown) for name, shown in READ.items()}
# Targets of renames and clones: existence and children.
for _other in ("other project", "other stack", "other matches"):
    READINGS[_other] = {name: READINGS[_other][name] for name in ("exists", "children 0", "simple_marshal 0")}
SIZE = f"{len(WITH_EFFECT)} endpoints × {sum(map(len, READINGS.values()))} readings"


class LostError(Exception):
    """The answer of a request is lost."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made(tmp_path_factory.mktemp("template") / "world.db")


@pytest.fixture
def worlds(template: World, tmp_path: Path) -> Iterator[Any]:
    made: list[World] = []

    def make(state: str) -> World:
        made.append(template.copy(tmp_path / f"{len(made)}.db", state))
        return made[-1]

    yield make
    for world in made:
        world.close()


class Reader:
    """The readings of one gateway's objects; those that are lazy are kept, to be looked at again after a write."""

    def __init__(self, gateway: Gateway, kinds: Iterable[str]) -> None:
        self.gateway = gateway
        self.objects = {kind: OBJECTS[kind](gateway) for kind in kinds}
        self.kept: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}

    def read(self, kind: str) -> dict[str, Any]:
        """Read everything of an object."""
        return {name: plain(lambda: self._kept(kind, name, read)) for name, read in READINGS[kind].items()}  # noqa: B023

    def _kept(self, kind: str, name: str, read: Reading) -> Any:
        value = read(self.objects[kind])
        if isinstance(value, Collection | SharedTransforms):
            self.kept[kind].setdefault(name, value)
        return value

    def read_kept(self, kind: str) -> dict[str, Any]:
        """Read the lazy values of an object again."""
        return {name: plain(lambda: value) for name, value in self.kept[kind].items()}  # noqa: B023


@pytest.mark.parametrize("size", [SIZE])
def test_matrix__is_complete(size: str) -> None:
    """Every endpoint with an effect has a write, every kind an object, every public name a place."""
    assert sorted(WRITES) == WITH_EFFECT
    assert set(READ) >= set(_BASES)
    assert {kind: names_without_place(shown) for kind, shown in READ.items()} == {kind: [] for kind in READ}
    assert all(READINGS.values()), size


def differences(reader: Reader, right: dict[str, dict[str, Any]]) -> list[str]:
    """Return the readings that differ from *right*."""
    found = []
    for kind in reader.objects:
        # Kept values first: reading again would load their objects.
        for way, values in (("kept", reader.read_kept(kind)), ("read again", reader.read(kind))):
            found += [f"{kind}.{name}, {way}" for name, value in values.items() if value != right[kind][name]]
    return found


def all_readings(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Return the readings of a gateway that has read nothing before."""
    reader = Reader(gateway, OBJECTS)
    return {kind: reader.read(kind) for kind in OBJECTS}


@pytest.mark.parametrize("endpoint", WITH_EFFECT)
def test_write__makes_readings_stale(endpoint: str, worlds: Any) -> None:
    """After a write no reading is stale: through the same gateway, and of reloaded objects of others."""
    write = WRITES[endpoint]
    world = worlds(write.state)
    gateway = world.gateway()
    own = Reader(gateway, OBJECTS)
    before = {kind: own.read(kind) for kind in OBJECTS}
    # A gateway for each object: reloading one must not help another.
    others = {kind: Reader(world.gateway(), [kind]) for kind in OBJECTS if hasattr(READ[kind], "reload")}
    for kind, reader in others.items():
        reader.read(kind)

    with contextlib.nullcontext() if write.is_accepted else pytest.raises(ServiceError):
        write.make(gateway, endpoint)
    right = all_readings(world.gateway())

    assert (right != before) == write.is_seen
    assert differences(own, right) == []
    for kind, reader in others.items():
        plain(reader.objects[kind].reload)
        if "match" in kind or kind == "merged pair":
            # Some readings take the stack as an argument, with its own cache.
            plain(reader.gateway.stack("montage").reload)
        assert differences(reader, right) == []


@pytest.mark.parametrize("endpoint", [name for name in WITH_EFFECT if WRITES[name].is_accepted])
def test_write__whose_answer_is_lost(endpoint: str, worlds: Any) -> None:
    """A write that was executed, but not acknowledged, makes readings stale as well."""
    world = worlds(WRITES[endpoint].state)
    gateway = world.gateway()
    reader = Reader(gateway, OBJECTS)
    for kind in OBJECTS:
        reader.read(kind)

    gateway.hooks.on_response.append(_lose)
    with pytest.raises(LostError):
        WRITES[endpoint].make(gateway, endpoint)
    gateway.hooks.on_response.clear()

    assert differences(reader, all_readings(world.gateway())) == []


@pytest.mark.parametrize("is_sent", [True, False], ids=["refused", "not sent"])
def test_write__that_fails(is_sent: bool, worlds: Any) -> None:
    """Writes that the service refuses, or that do not reach it, change no reading."""
    gateway = worlds("READ_ONLY").gateway()
    reader = Reader(gateway, OBJECTS)
    before = {kind: reader.read(kind) for kind in OBJECTS}

    # Of a READ_ONLY stack; matches have no state, and the stack of the tier in another project is not READ_ONLY.
    accepted = {
        "hierarchy.delete_tier",
        "stack.clone",
        "service.clear_image_cache",
        *(name for name in WITH_EFFECT if name.startswith("match.")),
    }
    if not is_sent:
        gateway.hooks.on_request.append(_lose)
    for endpoint in set(WITH_EFFECT) - (accepted if is_sent else set()):
        with pytest.raises((LostError, ServiceError)):
            WRITES[endpoint].make(gateway, endpoint)
    gateway.hooks.on_request.clear()

    assert differences(reader, before) == []


def _lose(exchange: object) -> None:
    raise LostError


def test_request__by_path(worlds: Any) -> None:
    """A request by path makes readings stale as its endpoint does, and one that only reads does not."""
    gateway = worlds("COMPLETE").gateway()
    stack = gateway.stack("montage").load()
    path = ("owner", "lab", "project", "cortex", "stack", "montage")

    gateway.request("PUT", *path, "tile-specs-with-ids", data=["a"])
    assert stack.is_loaded
    gateway.request("PUT", *path, "state", "LOADING")
    assert stack.state == "LOADING"
