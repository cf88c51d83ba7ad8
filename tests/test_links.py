"""Addresses in other viewers, and the lines that reach an object."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from click.testing import CliRunner

from rendergateway import ConfigurationError, Gateway, RecordError, StackWrapper
from rendergateway.cli.commands import commands
from rendergateway.links import VIEWERS, command_line, neuroglancer_state, python_line
from rendergateway.testing import make_stack as make_stack_of

ROOT = "http://render.example.org:8080"


@pytest.fixture
def public() -> Iterator[Gateway]:
    """A gateway whose service browsers reach at another address."""
    with Gateway("embedded:", owner="lab", project="cortex", public_url=ROOT) as gateway:
        yield gateway


@pytest.fixture
def montage(public: Gateway) -> StackWrapper:
    """A stack with a resolution of 4 × 4 × 40 nm."""
    return make_stack_of(public)


def test_neuroglancer__source_dimensions_and_position(montage: StackWrapper) -> None:
    """The state names the stack as a source of neuroglancer's render format, in metres, centred on the object."""
    tile = montage.tile("s2_r0_c1")
    state = neuroglancer_state(tile.link("neuroglancer"))
    box = tile.bounds

    assert box is not None
    (layer,) = state["layers"]
    assert layer == {"type": "image", "source": f"render://{ROOT}/lab/cortex/montage", "name": "montage"}
    assert state["dimensions"] == {"x": [4e-9, "m"], "y": [4e-9, "m"], "z": [4e-8, "m"]}
    assert state["position"] == [(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2, 2.0]
    assert tile.link("neuroglancer", host="https://ng.example.org/v/").startswith("https://ng.example.org/v/#!%7B")
    assert neuroglancer_state(montage.link("neuroglancer", at=(1, 2, 3)))["position"] == [1.0, 2.0, 3.0]
    assert neuroglancer_state(montage.section(3).link("neuroglancer"))["position"][2] == 3.0


def test_neuroglancer__without_resolution(montage: StackWrapper) -> None:
    """Without a resolution there is no position, which would be in an unknown unit."""
    montage.update(resolution_nm=None)

    assert set(neuroglancer_state(montage.link("neuroglancer"))) == {"layers"}


def test_catmaid__nanometres(montage: StackWrapper) -> None:
    """CATMAID takes the position in nanometres, and owner and project as one name."""
    box = montage.tile("s2_r0_c1").bounds
    split = urlsplit(montage.tile("s2_r0_c1").link("catmaid", host="https://catmaid.example.org/"))
    query = {name: values[0] for name, values in parse_qs(split.query).items()}

    assert box is not None
    assert (split.netloc, split.path) == ("catmaid.example.org", "/")
    assert (query["pid"], query["sid0"], query["tool"]) == ("lab__cortex", "montage", "navigator")
    assert float(query["xp"]) == pytest.approx(4 * (box.min_x + box.max_x) / 2)
    assert float(query["zp"]) == 80.0


@pytest.mark.parametrize(
    ("kind", "page", "more", "json_path"),
    [
        ("stack", "stack-details", "", ""),
        ("section", "tile-layer", "&z=2.0", "/z/2.0/sectionData"),
        ("tile", "tile-with-neighbors", "&tileId=a%26b", "/tile/a%26b"),
    ],
)
def test_render__its_own_pages_and_json(public: Gateway, kind: str, page: str, more: str, json_path: str) -> None:
    """Pages of render and raw JSON have the names of the object, quoted, and cost no request."""
    stack = public.stack("montage")
    shown: Any = {"stack": stack, "section": stack.section(2), "tile": stack.tile("a&b")}[kind]

    with public.counting() as requests:
        dashboard, raw = shown.link("dashboard"), shown.link("json")
        ndviz = shown.link("ndviz", host="https://ndviz")

    names = "renderStackOwner=lab&renderStackProject=cortex&renderStack=montage"
    assert dashboard == f"{ROOT}/render-ws/view/{page}.html?{names}{more}"
    assert raw == f"{ROOT}/render-ws/v1/owner/lab/project/cortex/stack/montage{json_path}"
    assert ndviz == "https://ndviz/render/render.example.org:8080/lab/cortex/montage/"
    assert requests == []


def test_link__what_is_missing(gateway: Gateway, make_stack: Callable[..., StackWrapper], public: Gateway) -> None:
    """Unknown viewers, a service without an address, and missing hosts, resolutions or bounds are errors."""
    private = make_stack()
    new = public.create_stack("new", resolution_nm=(4, 4, 40))
    bare = public.create_stack("bare")

    with pytest.raises(ValueError, match="viewer must be one of neuroglancer"):
        private.link("catmate")
    for viewer in VIEWERS:
        with pytest.raises(ConfigurationError, match=r"rendergateway serve|host='https://"):
            private.link(viewer)
    with pytest.raises(ConfigurationError, match="CATMAID needs the address of its server"):
        new.link("catmaid")
    with pytest.raises(RecordError, match="has no bounds to centre on"):
        new.link("catmaid", host="https://c")
    with pytest.raises(RecordError, match="needs the resolution"):
        bare.link("catmaid", host="https://c")
    with pytest.raises(ValueError, match="at must be x, y and z"):
        new.link("neuroglancer", at=(1, 2))


def test_neuroglancer__behind_a_path() -> None:
    """Neuroglancer cannot express a service below another path."""
    with (
        Gateway("embedded:", owner="lab", project="p", public_url="https://atlas.example.org/em") as gateway,
        pytest.raises(ConfigurationError, match="at the root of a host only"),
    ):
        gateway.create_stack("s", resolution_nm=(1, 1, 1)).link("neuroglancer")


def test_python_line__reaches_the_object(montage: StackWrapper, public: Gateway) -> None:
    """The line of Python, evaluated, is the object."""
    collection = public.match_collection("truth")
    objects: list[Any] = [
        montage.owner, montage.project, montage, montage.section(2), montage.tile("it's\\\"x"), collection,
        collection.pair(("1.0", "a"), ("1.0", "b")),
    ]  # fmt: skip
    for shown in objects:
        line = python_line("embedded:", shown.KIND, tuple(shown._key))
        with eval(line.partition(".")[0], {"Gateway": Gateway}) as opened:
            found = eval(f"gateway.{line.partition('.')[2]}", {"gateway": opened})
        assert (found.KIND, found._key) == (shown.KIND, shown._key)


def test_command_line__is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take the words of their lines; objects without a command have no line."""
    monkeypatch.chdir(tmp_path)
    with Gateway("embedded:./render.db", owner="lab", project="cortex") as gateway:
        stack = make_stack_of(gateway, sections=1, rows=1, columns=1, images=tmp_path / "images")
        objects: list[Any] = [stack.owner, stack.project, stack, stack.section(1.0), stack.tile("s1_r0_c0")]
        lines = [command_line("embedded:./render.db", one.KIND, tuple(one._key)) for one in objects]

    for line in lines:
        assert line is not None
        program, *words = shlex.split(line)
        result = CliRunner().invoke(commands, words)
        assert (program, result.exit_code) == ("rendergateway", 0), result.output
    assert command_line("x", "match_collection", ("lab", "truth")) is None
    assert "-- -dash/p/s" in str(command_line("x", "stack", ("-dash", "p", "s")))


def test_state__round_trip() -> None:
    """The state of an address is read back, with any characters."""
    state = {"layers": [{"name": "é #!%&"}]}

    assert neuroglancer_state(f"https://x/#!{quote(json.dumps(state))}") == state
