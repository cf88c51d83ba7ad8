"""Everything that a template reaches from a gateway: no call of it changes the service, the gateway or its objects."""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rendergateway import (
    BearerToken,
    Bounds,
    ChannelRecord,
    Gateway,
    ImagePyramid,
    MipmapLevel,
    Picture,
    StackWrapper,
    TileWrapper,
)
from rendergateway.endpoints import ENDPOINTS
from rendergateway.model.records.json_slices import copy_of
from rendergateway.transport import Hooks
from rendergateway.wrappers.core import registry
from rendergateway.wrappers.core.registry import Registry
from rendergateway.wrappers.core.space import ObjectSpace

from .conftest import in_django, in_sandbox

WRITING = {name for name, endpoint in ENDPOINTS.items() if endpoint.effect != "read"}
SANDBOX = ImmutableSandboxedEnvironment()


class LabTile(TileWrapper):
    """A class that a template could register."""


class Reach:
    """Walks from a gateway over attributes, items and results of calls, as a template does: one of each type."""

    def __init__(self, gateway: Gateway, requests: list[str]) -> None:
        self.gateway, self.requests = gateway, requests
        self.seen: set[Any] = set()
        self.calls = 0
        stack = gateway.stack("montage")
        tile = stack.section(1).tiles()[0]
        matches = gateway.match_collection("truth")
        # Arguments that a template can pass, by the name of the parameter; and methods that it must not call.
        self.known: dict[str, list[Any]] = {
            "name": ["montage", "truth", "1.0"],
            "kind": ["stack", "tile"],
            "id": [1.0, "montage"],
            "place": [0],
            "z": [1.0],
            "size": [2],
            "number": [1],
            "tile_id": [tile.id],
            "tile": [tile],
            "tile_ids": [tile.id],
            "transform_id": ["lens"],
            "points": [[[5.0, 5.0]]],
            "stack": [stack],
            "other": [stack],
            "collection": [matches],
            "others": ["truth"],
            "table": [matches.table()],
            "wrapper_class": [LabTile],
            "box": [Bounds(0, 0, 9, 9)],
            "key": [tuple(tile._key)],
            "scope": [stack._key],
            "headers": [{}],
            "compute": ["service"],
            "frame": ["raw"],
            "path": ["written.png"],
            "to": ["written"],
            "p": [(tile.layout.section_id, tile.id)],
            "q": [(tile.layout.section_id, tile.id)],
            "values": [{"owner": "lab", "project": "cortex", "stack": "montage"}],
            "texts": [{"lens": b"{}"}],
        }
        self.mutators = [stack.rename, gateway.change_auth]
        self.before = self.state()

    def state(self) -> Any:
        """Everything that must not change."""
        gateway = self.gateway
        hooks, stack = gateway.hooks, gateway.stack("montage")
        own = ("_client", "objects", "_in_frames")
        return (
            {name: repr(value) for name, value in vars(gateway).items() if name not in own},
            [list(gateway.registry._classes), list(registry.DEFAULT._classes), gateway.is_closed, repr(gateway.auth)],
            [len(hooks.on_request), len(hooks.on_response), len(hooks.on_error), repr(gateway.settings)],
            dict(gateway.version_info()),
            [tile._obj.to_dict() for tile in stack.section(1).tiles()],
            [(tile.labels, tile.channels) for tile in stack.section(1).tiles()],
            {name: stack._shared_transforms.text(name) for name in stack._shared_transforms},
            list(map(copy_of, stack.section(1).tiles().texts)),
            stack.sections().ids,
            gateway.match_collection("truth").frame,
            sorted(path.name for path in Path().iterdir()),
        )

    def check(self, what: str) -> None:
        self.calls += 1
        written = WRITING.intersection(self.requests)
        assert not written, f"{what} makes {written}"
        assert self.state() == self.before, f"{what} changes the gateway or its objects"

    def walk(self, value: Any, path: str = "gateway", depth: int = 0) -> None:
        sort = (getattr(value, "KIND", type(value)), getattr(value, "_kind", None))
        if depth > 5 or sort in self.seen or not is_ours(value):
            return
        if type(value).__module__ != "builtins":
            self.seen.add(sort)
        for name in members(value):
            self.in_django(value, path, name)
            member = SANDBOX.getattr(value, name)
            if isinstance(member, Undefined):
                continue
            if not callable(member) or isinstance(member, type):
                shown = repr(member)
                self.walk(member, f"{path}.{name}", depth + 1)
                if isinstance(member, list | dict):
                    assert repr(getattr(value, name)) == shown, f"{path}.{name} is changed by a call of its own"
            elif SANDBOX.is_safe_callable(member):
                for arguments in self.arguments(member):
                    self.call(member, f"{path}.{name}", arguments, depth)
        items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        for item in items[:2]:
            self.walk(item, f"{path}[0]", depth + 1)

    def in_django(self, value: Any, path: str, name: str) -> None:
        """Let Django read a member, which calls it without arguments."""
        # Errors of a call are the page's.
        with contextlib.suppress(Exception):
            in_django(f"{{{{ value.{name} }}}}", value=value)
        self.check(f"{path}.{name} in Django")

    def call(self, member: Callable[..., Any], path: str, arguments: dict[str, Any], depth: int) -> None:
        try:
            result = member(**arguments)
            if isinstance(result, Iterator):
                result = list(itertools.islice(result, 2))
        except Exception:
            result = None
        self.check(f"{path}({', '.join(map(repr, arguments.items()))})")
        self.walk(result, f"{path}()", depth + 1)

    def arguments(self, member: Callable[..., Any]) -> Iterator[dict[str, Any]]:
        """Arguments for a call: the required ones, then each optional one, of known values and of mutators."""
        try:
            parameters = inspect.signature(member).parameters.values()
        except ValueError:
            return
        named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        required = [one.name for one in named if one.default is one.empty]
        base = {name: self.known.get(name, ["montage"])[0] for name in required}
        yield base
        for one in named:
            for value in [*self.known.get(one.name, ()), *self.mutators]:
                yield {**base, one.name: value}
        if any(one.kind is one.VAR_KEYWORD for one in parameters):
            yield from ({**base, "name": mutator} for mutator in self.mutators)


def members(value: Any) -> list[str]:
    """The public names of a value, hidden ones included."""
    return [name for name in dict.fromkeys([*object.__dir__(value), *dir(type(value))]) if not name.startswith("_")]


def is_ours(value: Any) -> bool:
    """Whether a value is of this library, or a container, whose content may be."""
    return type(value).__module__.startswith("rendergateway") or isinstance(value, list | tuple | dict)


def test_reach__changes_nothing(
    stack: StackWrapper, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a template calls, with whatever arguments, the service, the gateway and its objects stay the same."""
    monkeypatch.chdir(tmp_path)
    channel = ChannelRecord(name="DAPI", mipmaps=ImagePyramid({0: MipmapLevel(image_url="file:/a.png")}))
    with stack.editing() as edit:
        edit.put(tile._obj.evolve(labels=["good"], channels=[channel]) for tile in list(stack.tiles()))
    gateway.image_paths["/groups/"] = "/mnt/groups/"
    gateway.hooks.on_request.append(repr)
    gateway.change_auth(BearerToken(lambda: "open-sesame"))
    with gateway.counting() as requests:
        reach = Reach(gateway, requests)
        reach.walk(gateway)

    assert stack.reload().state == "COMPLETE"
    assert reach.calls > 3000
    assert {sort for sort, _ in reach.seen} >= {*registry._BASES.keys() - {"match_group"}, Hooks, Registry, ObjectSpace}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "gateway.owners().filter(name=stack.rename)|length",
            r"a function of filter\(\) must not change data: got .*rename",
        ),
        ("stack.sections().map(gateway.change_auth)", r"the function of map\(\) must not change data"),
        ("gateway.using(auth=stack.set_state)", "auth= must not change data"),
        ("stack.sections().prefetch(progress=stack.set_state)", "progress= must not change data"),
    ],
)
def test_reach__functions_that_change_data(source: str, sentence: str, stack: StackWrapper, gateway: Gateway) -> None:
    """Methods that call a function refuse those that a template engine would not call itself."""
    with pytest.raises(TypeError, match=sentence):
        in_sandbox(f"{{{{ {source} }}}}", stack=stack, gateway=gateway)

    assert gateway.stacks().ids == ["montage"]


@pytest.mark.parametrize(
    "source",
    [
        "gateway.hooks.on_request.append(stack.rename)",
        "gateway.image_paths.update({'/': '/etc/'})",
        "gateway.match_frames.clear()",
        "gateway.registry.register(LabTile)",
        "gateway.registered(LabTile).gen|list",
        "gateway.registry.registered(LabTile).gen|list",
        "gateway.registry.kept().gen|list",
        "gateway.auth.authorization()",
        "gateway.connect()",
        "stack.shared_transforms.add({})",
        "Picture.save('a.png')",
    ],
)
def test_reach__effects_beside_the_service(source: str, stack: StackWrapper, gateway: Gateway) -> None:
    """The mutable sandbox refuses effects on the gateway, files and secrets, also in a subclass that overrides them."""

    class Site(Gateway):
        def connect(self) -> Gateway:  # type: ignore[override]
            return super().connect()

    site = Site("embedded:", owner="lab", project="cortex", auth=("me", "open-sesame"))

    with site, pytest.raises(SecurityError):
        in_sandbox(f"{{{{ {source} }}}}", stack=stack, gateway=site, LabTile=LabTile, Picture=Picture)
