"""Display of objects: loaded data only, bounded, escaped, without requests."""

from __future__ import annotations

import copy
import itertools
import pickle
import rlcompleter
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from rendergateway import (
    Gateway,
    Layout,
    MatchCollectionWrapper,
    MatchRecord,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    TileWrapper,
    UnplannedRequestError,
    without_requests,
)
from rendergateway.wrappers.core.object import ObjectWrapper

EVIL = "<script>alert('x')</script>[red]&"
# Attributes probed by IPython, rich, numpy and template engines.
PROBES = (
    "_ipython_canary_method_should_not_exist_",
    "_ipython_display_",
    "_repr_mimebundle_",
    "_repr_svg_",
    "__html__",
    "__array__",
    "__rich_measure__",
    "aihwerij235234ljsdnp34ksodfipwoe234234jlskjdf",
)


def everything(stack: StackWrapper, matches: MatchCollectionWrapper) -> list[ObjectWrapper[Any]]:
    """One object of each kind, none loaded."""
    key = ("1.0", "t1_0", "1.0", "t1_1")
    pair = stack._conn.wrap("match_pair", type(matches.pairs()[0]._key)(*matches._key, *key))
    return [stack.owner, stack.project, stack, stack.section(2), stack.tile("t1_0"), matches, pair]


def completions(one: Any) -> list[str | None]:
    """Completions of Python's prompt after ``one.``."""
    completer = rlcompleter.Completer({"one": one})
    places = itertools.count()
    return list(iter(lambda: completer.complete("one.", next(places)), None))


def rich_text(shown: Any) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def test_display__makes_no_request(stack: StackWrapper, matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Displaying objects, and probing their attributes, makes no request."""
    objects = everything(stack, matches)
    shown: list[Any] = [*objects, stack.sections(), stack.section(1).tiles(), matches.pairs(), gateway.owners()]

    with gateway.counting() as requests:
        for one in shown:
            assert repr(one)
            assert one._repr_html_()
            assert rich_text(one)
            assert dir(one)
            assert [name for name in PROBES if hasattr(one, name)] == []
            assert "one.is_loaded" in completions(one)

    assert requests == []


def test_display__with_a_dead_service() -> None:
    """Objects of an unreachable service show their names."""
    stack = Gateway("localhost:1", owner="lab", project="cortex").stack("montage")

    assert repr(stack) == "<StackWrapper lab/cortex/montage>"
    assert "not loaded: state," in stack._repr_html_()
    assert rich_text(stack).splitlines()[0] == "<StackWrapper lab/cortex/montage>"
    assert repr(stack.sections()) == "<Collection of sections of stack montage: not loaded>"
    assert stack.sections()._repr_html_() == "<div>Collection of sections of stack montage: not loaded</div>"


def test_html__shows_what_is_loaded(stack: StackWrapper) -> None:
    """The table grows with the loaded data; it is a fragment, not a page."""
    before = stack._repr_html_()
    stack.load()
    after = stack._repr_html_()

    assert "COMPLETE" not in before
    assert "<th>state</th><td>COMPLETE</td>" in after
    assert "not loaded" not in after
    assert "<th>project</th><td>cortex</td>" in after
    assert "<html" not in after


def test_html__escapes_everything(gateway: Gateway) -> None:
    """Names are data: escaped in HTML, literal in rich."""
    stack = gateway.create_stack("evil")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=EVIL, z=1, width=9, height=9, labels=[EVIL], transforms=[])])
    tiles = stack.section(1).tiles().load()

    for shown in (tiles._repr_html_(), tiles[0]._repr_html_(), gateway.stack(EVIL.replace("/", "_"))._repr_html_()):
        assert "<script" not in shown
        assert "&lt;script" in shown
    assert EVIL in rich_text(tiles)
    assert EVIL in rich_text(tiles[0])


def test_display__control_characters(gateway: Gateway) -> None:
    """Names that would control a terminal are escaped in each representation and message; the values are whole."""
    odd = "a\x1b[31m\x9b2Jb\u202e"
    stack = gateway.create_stack("s")
    layout = Layout(section_id=odd)
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=odd, z=1, width=9, height=9, layout=layout, group_id=odd, transforms=[])])
    pair = MatchRecord(p_group=odd, p_id=odd, q_group="2", q_id="b", p=[[0, 0]], q=[[0, 0]])
    matches = gateway.match_collection("dmesh")
    matches.put([pair])
    tile = stack.tile(odd).load()
    found = [
        tile,
        tile._obj,
        stack.section(1).tiles().load(),
        stack.tile_groups().load()[0],
        stack.tiles(section_id=odd),
        matches.pairs().load()[0],
        pair,
        gateway.stack(odd),
        gateway.stack(odd).sections(),
        gateway.using(owner=odd),
    ]

    for one in found:
        assert repr(one).isprintable()
        assert r"\x1b[31m" in repr(one) or "Collection" in repr(one)
    for one in (tile, stack.section(1).tiles()):
        assert r"\x1b[31m\x9b2Jb\u202e" in rich_text(one)
        assert r"\x1b[31m\x9b2Jb\u202e" in one._repr_html_()
        assert (rich_text(one) + one._repr_html_()).replace("\n", "").isprintable()
    for fail in (lambda: stack.tile(f"{odd}x").load(), lambda: gateway.stack(odd).load()):
        with pytest.raises(RenderGatewayError) as caught:
            fail()
        assert str(caught.value).isprintable()
    assert tile.tile_id == str(tile) == odd


def test_html__bounded(gateway: Gateway) -> None:
    """A collection shows its first twenty objects and how many more there are; long values are cut."""
    stack = gateway.create_stack("wide")
    with stack.editing() as edit:
        edit.put(
            TileRecord(tile_id=f"{number:03d}" + "x" * 300, z=1, width=9, height=9, transforms=[])
            for number in range(25)
        )
    tiles = stack.section(1).tiles()

    assert tiles._repr_html_().count("<tr>") == 0
    tiles.load()
    shown = tiles._repr_html_()

    assert shown.count("<tr>") == 1 + 20
    assert shown.endswith("and 5 more")
    assert "x" * 101 not in shown
    assert "and 5 more" in rich_text(tiles)
    assert tiles[:3]._repr_html_().endswith("</table>")


def test_html__after_a_write(stack: StackWrapper, gateway: Gateway) -> None:
    """Data made stale by a write is neither shown nor read again."""
    tiles = stack.section(1).tiles().load()
    stack.set_state("LOADING")

    with gateway.counting() as requests:
        assert tiles._repr_html_() == "<div>Collection of tiles of section 1.0: not loaded</div>"
        assert "not loaded: z," in stack.tile("t1_0")._repr_html_()

    assert requests == []


def test_html__a_property_that_fails(stack: StackWrapper, gateway: Gateway) -> None:
    """An object whose class has a broken property can be shown all the same, and shows the error."""

    class Broken(TileWrapper):
        MARSHALLED = ("z", "broken")

        @property
        def broken(self) -> float:
            return 1 / 0

    gateway.register(Broken)

    shown = stack.section(1).tiles()[0]._repr_html_()

    assert "<th>broken</th><td>ZeroDivisionError: division by zero</td>" in shown


def test_rich__tree_of_what_is_loaded(stack: StackWrapper, gateway: Gateway) -> None:
    """A tree extends as far as children are loaded."""
    stack.load()
    stack.sections()[0].tiles().load()

    with gateway.counting() as requests:
        shown = rich_text(stack)

    assert requests == []
    assert "<StackWrapper lab/cortex/montage COMPLETE>" in shown
    assert "<TileWrapper lab/cortex/montage/t1_0>" in shown
    assert "<Collection of tiles of section 2.0: not loaded>" in shown


def test_rich__bounded(make_stack: Callable[..., StackWrapper]) -> None:
    """A tree shows twenty children, five of each one's, and one below; the rest is counted."""
    stack = make_stack("wide", sections=22, rows=1, columns=6)
    for section in stack.sections():
        section.tiles().load()

    shown = rich_text(stack)

    assert "and 2 more" in shown
    assert shown.count("and 1 more") == 20
    assert len(shown.splitlines()) < 200


def test_rich__pretty(stack: StackWrapper) -> None:
    """Inside lists, rich shows the names that make an object."""
    from rich.pretty import pretty_repr

    shown = pretty_repr([stack.tile("t1_0")])

    assert "TileWrapper(owner='lab', project='cortex', stack='montage', tile_id='t1_0'" in "".join(
        shown.split("\n    ")
    )


def test_dir__what_people_look_for(stack: StackWrapper) -> None:
    """Tab completion offers the public names, `_obj` and `_conn`, and no name twice in another spelling."""
    names = dir(stack.tile("t1_0"))

    assert {"bounds", "z", "section", "world_from_local", "_obj", "_conn", "__class__"} <= set(names)
    assert not {"_memo", "_lock", "_fetch", "getName"} & set(names)
    assert hasattr(stack.tile("t1_0"), "getName")


def test_attribute__says_what_was_meant(stack: StackWrapper) -> None:
    """The error of a missing attribute names the object, a suggestion, and its loaded data."""
    tile = stack.tile("t1_0")

    def message(name: str, of: Any = tile) -> str:
        with pytest.raises(AttributeError) as caught:
            getattr(of, name)
        return str(caught.value)

    assert message("bound") == (
        "<TileWrapper lab/cortex/montage/t1_0> has no attribute 'bound'; did you mean 'bounds'? (nothing loaded yet)"
    )
    assert "did you mean 'tile_id'?" in message("tileId")
    assert "did you mean 'mipmaps'?" in message("getMipmaps")
    assert "did you mean 'layout.camera_id'?" in message("camera_id")
    assert "did you mean 'version.notes'?" in message("notes", stack)
    assert "?" not in message("quux")
    tile.load()
    assert "(loaded: tileId, layout, z," in message("bound")
    assert "did you mean 'tile_count'?" in message("tilecount", stack)


def test_attribute__the_error_travels(stack: StackWrapper) -> None:
    """The error's message survives pickling to a process without the object."""
    with pytest.raises(AttributeError) as caught:
        _ = stack.statte  # type: ignore[attr-defined]

    there = pickle.loads(pickle.dumps(caught.value))

    assert type(there) is AttributeError
    assert str(there) == str(caught.value)
    assert "did you mean 'state'" in str(there)


def test_attribute__of_a_collection(stack: StackWrapper) -> None:
    """A collection's error points to attributes of its objects."""
    sections = stack.sections()

    with pytest.raises(AttributeError, match=r"each object in it has: \[one\.tile_count for one in …\]"):
        _ = sections.tile_count  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="did you mean 'reload'"):
        sections.relod()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="__html__"):
        sections.__html__  # type: ignore[attr-defined]  # noqa: B018


def test_attribute__a_failing_property_is_no_missing_one(stack: StackWrapper, gateway: Gateway) -> None:
    """An AttributeError inside a property is raised as an error that template engines do not swallow."""

    class Slipped(TileWrapper):
        @property
        def row(self) -> int | None:
            return self.layuot.image_row  # type: ignore[attr-defined, no-any-return]

    gateway.register(Slipped)
    tile = stack.tile("t1_0")

    with pytest.raises(RenderGatewayError, match=r"row of <Slipped .*failed: .*'layuot'; did you mean 'layout'"):
        _ = tile.row  # type: ignore[attr-defined]


def test_attribute__misspelt_assignment(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Neither existing fields nor unknown ones can be assigned."""
    for wrapper in everything(stack, matches):
        with pytest.raises(AttributeError):
            wrapper.nmae = 1  # type: ignore[attr-defined]
        with pytest.raises(AttributeError):
            wrapper.name = "x"  # type: ignore[misc]


def test_copy__is_the_object(stack: StackWrapper) -> None:
    """A wrapper represents one object of the service: copying, also inside containers, returns the same."""
    tile = stack.tile("t1_0")

    assert copy.copy(tile) is tile
    assert copy.deepcopy([tile])[0] is tile
    loose = TileWrapper(obj=TileRecord(tile_id="a", z=1, width=1, height=1, transforms=[]))
    assert pickle.loads(pickle.dumps(loose)) == loose


def test_without_requests(stack: StackWrapper, gateway: Gateway) -> None:
    """In the block loaded data is available; anything else raises before a request."""
    sections = stack.sections().load()

    with gateway.counting() as requests, without_requests():
        assert len(sections) == 3
        with pytest.raises(UnplannedRequestError, match="load"):
            len(sections[0].tiles())
        with pytest.raises(UnplannedRequestError):
            gateway.request("GET", "owners")

    assert requests == []
    assert len(sections[0].tiles()) == 2
