"""Wrong arguments raise a typed error at the call, which names the accepted ones."""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    BadRequestError,
    Bounds,
    ConfigurationError,
    Gateway,
    MatchCollectionWrapper,
    MatchRecord,
    RenderGatewayError,
    StackEdit,
    StackWrapper,
    TileRecord,
    TileWrapper,
)
from rendergateway.transforms import AffineModel2D

EYE = np.eye(2, 3)
SHIFT = AffineModel2D([[1, 0, 10], [0, 1, 0]])

# Operation on a gateway, error type, pattern of the message.
_NAMING: list[tuple[Callable[[Gateway], object], type[Exception], str]] = [
    (lambda gateway: gateway.stack(None), TypeError, "the name of a stack must be a text, got None"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack(gateway.stack("s")), TypeError, "a stack must be a text, got <StackWrapper"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("a/b/c/d"), ConfigurationError, r"be \[\[owner/\]project/\]stack, got 'a/b/c/d'"),
    (lambda gateway: gateway.stack("a//c"), ConfigurationError, "got 'a//c'"),
    (lambda gateway: gateway.project("a/b/c"), ConfigurationError, r"must be \[owner/\]project, got 'a/b/c'"),
    (lambda gateway: gateway.owner("a/b"), ConfigurationError, "an owner must be owner, got 'a/b'"),
    (lambda gateway: gateway.owner(3), TypeError, "the name of an owner must be a text, got 3"),  # type: ignore[arg-type]
    (lambda gateway: gateway.match_collection(None), TypeError, "the name of a match collection must be"),  # type: ignore[arg-type]
    (lambda gateway: gateway.match_collection("m").group(2), TypeError, "the name of a match group must be"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tile(None), TypeError, "a tile must be a text that is not empty, got None"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tile(1408), TypeError, "a tile must be a text that is not empty, got 1408"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tile(""), TypeError, "a tile must be a text that is not empty, got ''"),
    (lambda gateway: gateway.stack("s").shared_transform(None), TypeError, "the name of a shared transform must"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tile_group(None), TypeError, "the name of a tile group must"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").section("abc"), ValueError, "z must be a number, got 'abc'; pass a section id"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").section(float("nan")), ValueError, "z must be finite, got nan"),
    (lambda gateway: gateway.stack("s").section([1]), TypeError, r"z must be a number, got \[1\]"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").sections(z=(1, 2, 3)), TypeError, r"or \(first, last\) with None"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").sections(z=[1, 2]), TypeError, r"with None for an open end, got \[1, 2\]"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tiles(z=range(3)), TypeError, r"with None for an open end, got range\(0, 3\)"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").tiles(box=Bounds(9, 0, 0, 9)), ValueError, r"box \(9.0.* pass min_x <= max"),
    (lambda gateway: gateway.stacks(state="complete"), ValueError, "must be LOADING, COMPLETE.*; got 'complete'"),
    (lambda gateway: gateway.stack("s").set_state("complete"), ValueError, "LOADING, COMPLETE.*; got 'complete'"),
    (lambda gateway: gateway.create_stack("s", resolution_nm=4), TypeError, "resolution_nm must be three .*; got 4"),  # type: ignore[arg-type]
    (lambda gateway: gateway.create_stack("s", resolution_nm=(4, 4)), TypeError, r"three numbers: .*; got \(4, 4\)"),
    (lambda gateway: gateway.stack("s").update(resolution_nm=4), TypeError, "resolution_nm must be three numbers"),  # type: ignore[arg-type]
    (lambda gateway: gateway.stack("s").update(cycle=1), TypeError, "cycle must be two numbers: .* got 1"),  # type: ignore[arg-type]
    (lambda gateway: TileWrapper(obj={"tileId": "t"}), TypeError, "obj of a TileWrapper must be a TileRecord, got {"),  # type: ignore[arg-type]
    (lambda gateway: StackWrapper(obj=TileRecord(tile_id="t")), TypeError, "must be a StackRecord, got TileRecord"),  # type: ignore[arg-type]
    (lambda gateway: TileWrapper(gateway, key=("o", "p", "s", "t")), TypeError, r"key of a TileWrapper must be one of"),  # type: ignore[arg-type]
    (lambda gateway: Gateway(3), TypeError, "the address must be a text like 'localhost:8080' or .*: got int"),  # type: ignore[arg-type]
    (lambda gateway: Gateway("embedded:", retries="x"), ConfigurationError, "^retries must be a number or Ret.*'x'$"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("act", "error", "sentence"), _NAMING, ids=[row[2][:40] for row in _NAMING])
def test_naming__misuse_shows_where_it_is_given(
    gateway: Gateway, act: Callable[[Gateway], object], error: type[Exception], sentence: str
) -> None:
    """A wrong name or argument is an error at once, without a request."""
    with gateway.counting() as requests, pytest.raises(error, match=sentence):
        act(gateway)

    assert requests == []


def test_naming__numbers_and_texts_out_of_arrays(stack: StackWrapper) -> None:
    """Numbers and texts of numpy name the same objects as those of Python."""
    section, tile = stack.section(2), stack.tile("t2_0")

    assert stack.section(np.int64(2)) is stack.section(np.float32(2)) is stack.section("2.0") is section  # type: ignore[arg-type]
    assert stack.tile(np.str_("t2_0")) is tile
    assert stack.sections(z=(np.int64(2), None)).ids == [2.0, 3.0]  # type: ignore[arg-type]
    assert stack.world_from_local(np.array(["t2_0", "t2_1"]), [[0, 0], [0, 0]]).xy.tolist() == [[1, 2], [91, 2]]  # type: ignore[arg-type]


def test_project__of_an_owner(gateway: Gateway) -> None:
    """The name of a project may include its owner, as for a stack."""
    assert gateway.project("lab/cortex") is gateway.project("cortex")
    assert gateway.project("other/cortex").owner is gateway.owner("other")


# Operation in an edit of a stack, error type, pattern of the message.
_EDITS: list[tuple[Callable[[StackEdit], object], type[Exception], str]] = [
    (lambda edit: edit.put(None), TypeError, "a table, a collection, or an iterable of TileRecord.*, got None"),  # type: ignore[arg-type]
    (lambda edit: edit.put(TileRecord(tile_id="x", z=1)), TypeError, "got TileRecord.*; pass a single tile in a"),  # type: ignore[arg-type]
    (lambda edit: edit.put(edit.stack.section(1)), TypeError, r"those of a section as section.tiles\(\)"),
    (lambda edit: edit.put(["t1_0"]), TypeError, "got 't1_0'; .*TileTable.from_pandas take a frame"),
    (lambda edit: edit.put(edit.stack.tiles(), validate=3), TypeError, r"validate must be TileLimits\(…\), .*, got 3"),  # type: ignore[arg-type]
    (lambda edit: edit.load(3), TypeError, "files are paths, bytes or open binary files, .*: got 3"),  # type: ignore[arg-type]
    (lambda edit: edit.apply(None), TypeError, "changes must be a transform, one per tile id, or .*, got None"),  # type: ignore[arg-type]
    (lambda edit: edit.apply({"t1_0": EYE}), TypeError, r"tile t1_0 must be a transform, like AffineModel2D\(m"),  # type: ignore[dict-item]
    (lambda edit: edit.apply({1: SHIFT}), TypeError, "a tile must be an id, a TileRecord or a TileWrapper, got 1"),  # type: ignore[dict-item]
    (lambda edit: edit.apply(SHIFT, sections=[None]), TypeError, "z must be a number, got None"),
    (lambda edit: edit.delete(3), TypeError, "a tile must be an id, a TileRecord or a TileWrapper, got 3"),  # type: ignore[arg-type]
    (lambda edit: edit.delete(edit.stack.section(1)), TypeError, "a TileWrapper, got <SectionWrapper"),
    (lambda edit: edit.set_group("", ["t1_0"]), TypeError, "a tile group must be a text that is not empty, got ''"),
]


@pytest.mark.parametrize(("act", "error", "sentence"), _EDITS, ids=[row[2][:40] for row in _EDITS])
def test_edit__misuse_writes_nothing(
    stack: StackWrapper, act: Callable[[StackEdit], object], error: type[Exception], sentence: str
) -> None:
    """A wrong argument of an edit is an error naming accepted types, and nothing is written."""
    with pytest.raises(error, match=sentence), stack.editing() as edit:
        act(edit)

    stack.set_state("COMPLETE")
    assert (stack.tile_count, [len(tile.transforms) for tile in stack.tiles()]) == (6, [2] * 6)


def test_edit__sections_and_tiles_however_they_are_given(stack: StackWrapper) -> None:
    """Sections are z values of any kind of number, tiles their wrappers as well as their ids."""
    tile = stack.tile("t1_1")

    with stack.editing() as edit:
        counts = [edit.apply(SHIFT, sections=given) for given in (np.array([1, 2]), "2", stack.sections())]
        counts.append(edit.apply({tile: SHIFT}))  # type: ignore[dict-item]
        edit.delete(np.array(["t3_0"]))

    assert counts == [4, 2, 6, 1]
    assert {one.id: len(one.transforms) for one in stack.tiles()} == {
        "t1_0": 4,
        "t1_1": 5,
        "t2_0": 5,
        "t2_1": 5,
        "t3_1": 3,
    }


# Operation on a match collection, pattern of the error message.
_MATCHES: list[tuple[Callable[[MatchCollectionWrapper], object], str]] = [
    (lambda matches: matches.pairs(within=2), r"an id, got 2; pass stack.section\(2\)"),  # type: ignore[arg-type]
    (lambda matches: matches.pairs(between=("1.0", 2)), "a group must be a section, a match group or an id, got 2"),  # type: ignore[arg-type]
    (lambda matches: matches.pairs(between="1.0"), "between must be two groups, got '1.0'"),  # type: ignore[arg-type]
    (lambda matches: matches.pairs(tile="t1_0"), r"a tile id needs its group: pass tile=\(group, 't1_0'\)"),  # type: ignore[arg-type]
    (lambda matches: matches.pairs(tile=3), r"tile must be a tile or \(group, id\), got 3"),  # type: ignore[arg-type]
    (lambda matches: matches.put(None), "matches must be a MatchTable or an iterable of MatchRecord, got None"),  # type: ignore[arg-type]
    (lambda matches: matches.merged_with(3), r"merged_with\(\) takes match collections or their names, got 3"),  # type: ignore[arg-type]
    (lambda matches: matches.pair(3, 4), r"tile must be a tile or \(group, id\), got 3$"),  # type: ignore[arg-type]
    (lambda matches: MatchRecord.between("a", "b", [[1, 2]], [[3, 4]]), "a tile id has no match group: got 'a'"),  # type: ignore[arg-type]
    (lambda matches: matches._conn.stack("s").tile("t").matches(None), r"takes a match collection or .*, got None"),
]


@pytest.mark.parametrize(("act", "sentence"), _MATCHES, ids=[row[1][:40] for row in _MATCHES])
def test_matches__misuse_shows_where_it_is_given(
    matches: MatchCollectionWrapper, act: Callable[[MatchCollectionWrapper], object], sentence: str
) -> None:
    """A wrong selection of pairs is an error at once, without a request."""
    with matches._conn.counting() as requests, pytest.raises(TypeError, match=sentence):
        act(matches)

    assert requests == []


@pytest.mark.parametrize("name", ["a b", "a__b", "_a", "a-b", "ä"])
def test_rename__to_what_has_no_address(stack: StackWrapper, matches: MatchCollectionWrapper, name: str) -> None:
    """A new name that has no URL is refused before a request is made."""
    with stack._conn.counting() as requests:
        for thing in (stack, matches):
            with pytest.raises(BadRequestError, match=f"'{name}' would have no URL"):
                thing.rename(name)

    assert requests == []


def test_collection__a_place_that_there_is_not(stack: StackWrapper) -> None:
    """An index error names the collection and its size."""
    tiles = stack.section(1).tiles().load()

    for place, error in ((2, IndexError), (-3, IndexError), (1.0, TypeError), ([0, 1], TypeError), (None, TypeError)):
        with pytest.raises(error, match=r"is not a position in <Collection of tiles of section 1.0: 2>"):
            tiles[place]  # type: ignore[index]


def test_collection__what_has_no_order(stack: StackWrapper) -> None:
    """Ordering by a field without an order, or by something that is not a name, names the culprit."""
    tiles = stack.section(1).tiles()

    with pytest.raises(TypeError, match="tile objects cannot be ordered by bounds"):
        tiles.order_by("bounds").load()
    with pytest.raises(TypeError, match=r"order_by\(\) takes field names, got 3"):
        tiles.order_by(3)  # type: ignore[arg-type]


def test_collection__filter_by_nothing(stack: StackWrapper) -> None:
    """A filter without fields keeps all objects and is not shown."""
    everything = stack.section(1).tiles().filter()

    assert (len(everything), repr(everything)) == (2, "<Collection of tiles of section 1.0: 2>")


def test_collection__a_property_that_failed(stack: StackWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AttributeError within a property of a collection is not taken for a missing attribute."""

    def broken(*arguments: object) -> Any:
        raise AttributeError("'tuple' object has no attribute 'min_x'")

    tiles = stack.section(1).tiles()
    monkeypatch.setattr(tiles, "_load", broken)

    with pytest.raises(RenderGatewayError, match=r"of <Collection of .* failed: 'tuple' object has no attribute"):
        _ = tiles.ids


def test_collection__does_not_travel(stack: StackWrapper) -> None:
    """A collection cannot be pickled, and the error names what can."""
    with pytest.raises(TypeError, match=r"cannot be pickled; list\(\) of it can, and so can table\(\)"):
        pickle.dumps(stack.sections())

    assert copy.copy(stack.sections()) is copy.deepcopy(stack.sections()) is stack.sections()


def test_exists(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Existence of objects in the service."""
    there: list[Any] = [stack, matches, stack.tile("t1_0"), stack.shared_transform("lens"), matches.pairs()[0]]
    conn = stack._conn
    missing = [
        conn.stack("no"),
        conn.match_collection("no"),
        stack.tile("no"),
        stack.shared_transform("no"),
        matches.pair("t1_0", "t3_0", p_group="1.0", q_group="3.0"),
    ]

    assert [thing.exists for thing in there] == [True] * 5
    assert [thing.exists for thing in missing] == [False] * 5


def test_error_while_loading__shown_once(stack: StackWrapper, gateway: Gateway) -> None:
    """An AttributeError of credentials, of a hook or of a property shows itself, and nothing is done twice."""
    asked: list[object] = []

    def sign(request: object) -> None:
        asked.append(request)
        request.headers["Authorization"] = "x"  # type: ignore[attr-defined]

    class Scored(StackWrapper):
        @property
        def score(self) -> float:
            asked.append(self)
            return self.state.score  # type: ignore[attr-defined, no-any-return]

        @functools.cached_property
        def rank(self) -> float:
            asked.append(self)
            return self.state.rank  # type: ignore[attr-defined, no-any-return]

    broken = gateway.using(auth=sign).wrap("stack", stack._key)
    of_stack = "loading of <StackWrapper lab/cortex/montage> failed: 'dict' object .*'headers'"
    reads: list[tuple[str, Callable[[], object]]] = [
        (of_stack, lambda: broken.state),
        (of_stack, lambda: broken.section(1).bounds),
        ("loading of <Collection of sections .*> failed: 'dict' object .*'headers'", lambda: broken.sections().first),
        ("score of <Scored .*> failed: 'str' object has no attribute 'score'", lambda: scored.score),
        ("rank of <Scored .*> failed: 'str' object has no attribute 'rank'", lambda: scored.rank),
    ]
    with gateway.registered(Scored):
        scored = gateway.using().wrap("stack", stack._key)

    for message, read in reads:
        asked.clear()
        with pytest.raises(RenderGatewayError, match=message) as caught:
            read()
        assert isinstance(caught.value.__cause__, AttributeError)
        assert len(asked) == 1
