"""Arguments in forms that people pass: they mean the same as the documented types, or an error names these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # type: ignore[import-untyped]
import pytest

from rendergateway import (
    BadRequestError,
    Bounds,
    Gateway,
    ImageError,
    ImagePyramid,
    MatchCollectionWrapper,
    MatchRecord,
    MatchTable,
    MipmapLevel,
    RecordError,
    StackWrapper,
    TileRecord,
    TransformError,
)

# Not typed: the wrong types are the subject.
pyramid: Any = ImagePyramid
record: Any = TileRecord
EYE = np.eye(2, 3)
BOX = (0, 0, 9, 9)

# Operation on a gateway or a stack that need not exist, error type, pattern of the message.
_REFUSED: list[tuple[Callable[[Any, Any], object], type[Exception], str]] = [
    (lambda g, s: s.tiles(box=(0, 0, 9)), TypeError, r"box must be Bounds or \(min_x, min_y, .* got \(0, 0, 9\)"),
    (lambda g, s: s.tiles(box="0,0,9,9"), TypeError, "box must be Bounds or .* got '0,0,9,9'"),
    (lambda g, s: s.tiles(box={"minX": 0}), TypeError, "box must be Bounds or .* got {'minX': 0}"),
    (lambda g, s: s.sections(z=(10, 1)), ValueError, r"z must be .* with first <= last, got \(10, 1\)"),
    (lambda g, s: s.tiles(z=(10, 1)), ValueError, r"z must be .* with first <= last, got \(10, 1\)"),
    (lambda g, s: s.section(True), TypeError, "z must be a number, got True"),
    (lambda g, s: s.section(section_id=7), TypeError, "a section id must be a text that is not empty, got 7"),
    (lambda g, s: s.tiles(section_id=7), TypeError, "a section id must be a text that is not empty, got 7"),
    (lambda g, s: s.tile("a\ud800"), ValueError, r"the name of a tile must be valid Unicode, got 'a\\ud800'"),
    (lambda g, s: g.stack("\ud800"), ValueError, "the name of a stack must be valid Unicode"),
    (lambda g, s: s.tiles(pattern="\ud800").load(), BadRequestError, "stack.tile_ids: not allowed in a URL: got"),
    (lambda g, s: record(tile_id="\ud800"), RecordError, r"tile_id of .* is '\\ud800': text is not valid Unicode"),
    (lambda g, s: g.stacks(name=["a"]), TypeError, r"a stack must be a text that is not empty, got \['a'\]"),
    (lambda g, s: s.sections().page("two", 2), ValueError, "the page number must be a whole number, got 'two'"),
    (lambda g, s: s.sections().pages(1.5), ValueError, "the page size must be a whole number >= 1, got 1.5"),
    (lambda g, s: s.sections().map(repr, workers=True), ValueError, "workers must be a whole number >= 1, got True"),
    (lambda g, s: g.getObject("Section"), ValueError, r"kind must be owner, .* 'Section'; .*: stack.section\(z\)"),
    (lambda g, s: g.getObject("Stack"), TypeError, "the name of a stack must be a text, got None"),
    (lambda g, s: g.request("POST", "owners", json={}), TypeError, "does not take json; it takes the body as data="),
    (lambda g, s: g.request("GET", ["owners"]), TypeError, r"path segments must be texts, .*: got \['owners'\]"),
    (lambda g, s: g.wrap("Stack", ()), KeyError, "unknown kind: got 'Stack'; use one of match_collection"),
    (lambda g, s: type(g)("embedded:", owner=3), TypeError, "the name of an owner must be a text .*, got 3"),
    (lambda g, s: s.copy_to("t", gateway="x"), TypeError, "gateway= must be a Gateway, got 'x'"),
    (
        lambda g, s: s.world_from("m", [[1, 2]], z=1),
        TypeError,
        r"got 'm'; gateway.stack\('m'\) opens it",
    ),
    (
        lambda g, s: s.section(1).url(channel=["a"]),
        TypeError,
        r"a channel, or weights by name, got \['a'\]; channels=",
    ),
    (lambda g, s: s.section(1).url(channels="a"), TypeError, "channels must map names to Window.*, got 'a'"),
    (lambda g, s: s.section(1).url(intensity="0,9"), TypeError, r"intensity must be \(low, high\) or 'auto', got '0,"),
    (lambda g, s: s.section(1).url(max_tiles="x"), ValueError, "max_tiles must be a whole number >= 0, got 'x'"),
    (lambda g, s: s.section(1).url(box=BOX, scale="x"), ImageError, "scale must be .* > 0; got 'x'"),
    (lambda g, s: s.world_from_local("t", "1,2"), TransformError, "points must be numbers of shape .*'1,2'"),
    (lambda g, s: pyramid({0: {"imageUrl": "a"}}), RecordError, "a mipmap level must be MipmapLevel or a path: got"),
    (lambda g, s: pyramid({"0": "a"}), RecordError, "mipmap level must be a whole number: got '0'"),
    (lambda g, s: pyramid(["a"]), RecordError, r"levels must map numbers to MipmapLevel or a path: got \['a'\]"),
    (lambda g, s: record.from_json({"tileId": "a"}), TypeError, "takes JSON text: got dict; use TileRecord.from_dict"),
    (lambda g, s: record.from_dict('{"tileId":"a"}'), TypeError, "got str; use TileRecord.from_json for text"),
]


@pytest.mark.parametrize(("act", "error", "sentence"), _REFUSED, ids=[row[2][:40] for row in _REFUSED])
def test_refused__at_once(
    act: Callable[[Any, Any], object], error: type[Exception], sentence: str, gateway: Gateway
) -> None:
    """A form without a meaning is an error that names the documented types, before any request."""
    with gateway.counting() as requests, pytest.raises(error, match=sentence):
        act(gateway, gateway.stack("s"))

    assert requests == []


# Operation in an edit, pattern of the message of its TypeError.
_EDITS: list[tuple[Callable[[Any], object], str]] = [
    (lambda edit: edit.put([{"tileId": "x"}]), "got {'tileId': 'x'}; table.with_columns.* TileRecord.from_dict a dict"),
    (lambda edit: edit.delete(sections=edit.stack.tile("t1_0")), "z must be a number, got <TileWrapper"),
    (lambda edit: edit.set_shared_transform("lens", EYE), r"'lens' must be a transform, like AffineModel2D\(matrix\)"),
    (lambda edit: edit.set_group("g", "t1_0"), "tiles must be a sequence of ids or tiles, got the text 't1_0'"),
    (lambda edit: edit.delete(section_ids=7), "a section id must be a text that is not empty, got 7"),
    (lambda edit: edit.delete(section_ids=[7]), "a section id must be a text that is not empty, got 7"),
]


@pytest.mark.parametrize(("act", "sentence"), _EDITS, ids=[row[1][:40] for row in _EDITS])
def test_refused__in_an_edit(act: Callable[[Any], object], sentence: str, stack: StackWrapper) -> None:
    """A wrong argument of an edit is an error that names accepted types, and nothing is written."""
    with pytest.raises(TypeError, match=sentence), stack.editing() as edit:
        act(edit)

    stack.set_state("COMPLETE")
    assert (stack.tile_count, [len(tile.transforms) for tile in stack.tiles()]) == (6, [2] * 6)


# Operation on a match collection, pattern of the message of its TypeError.
_MATCHES: list[tuple[Callable[[Any], object], str]] = [
    (lambda m: m.pairs(tile=(1.0, "t1_0")).load(), "a match group must be a text that is not empty, got 1.0"),
    (lambda m: m.pair("a", "b", p_group=1, q_group=2), "a match group must be a text that is not empty, got 1"),
    (lambda m: m.put([{"pId": "a"}]), "got {'pId': 'a'}; MatchRecord.from_dict reads a dict"),
    (lambda m: m.put(MatchRecord(p_group="a")), "got MatchRecord.*; pass a single pair in a list"),
    (lambda m: m.pair("a", "b", p_group="1", q_group="2").tiles("s"), "stack must be a stack object, got 's'"),
    (lambda m: m.world_points("s", MatchTable([])), "stack must be a stack object, got 's'"),
    (lambda m: m.residuals(m._conn.stack("s"), 3), "table must be a MatchTable, as table.* returns, got 3"),
]


@pytest.mark.parametrize(("act", "sentence"), _MATCHES, ids=[row[1][:40] for row in _MATCHES])
def test_refused__of_matches(
    act: Callable[[Any], object], sentence: str, matches: MatchCollectionWrapper, gateway: Gateway
) -> None:
    """A wrong group, pair, table or stack is an error at once, without a request."""
    framed = gateway.match_collection("dmesh", frame="raw")
    with gateway.counting() as requests, pytest.raises(TypeError, match=sentence):
        act(framed)

    assert requests == []


# A form that people pass, and the documented one.
_ACCEPTED: list[tuple[Callable[[Any], object], Callable[[Any], object]]] = [
    (lambda s: s.sections().page("2", "2").objects.ids, lambda s: s.sections().page(2, 2).objects.ids),
    (lambda s: len(s.sections().pages(np.int64(2))), lambda s: len(s.sections().pages(2))),
    (lambda s: s.sections().map(str, workers=np.int64(2)), lambda s: s.sections().map(str)),
    (lambda s: [t.id for t in s.iter_tiles(batch="1")], lambda s: [t.id for t in s.iter_tiles(batch=1)]),
    (lambda s: s.tiles(box=(0, 0, 20, 20)).ids, lambda s: s.tiles(box=Bounds(0, 0, 20, 20)).ids),
    (lambda s: s.tiles(box=np.array([0, 0, 20, 20])).ids, lambda s: s.tiles(box=Bounds(0, 0, 20, 20)).ids),
    (lambda s: s.section(1).url(box=[0, 0, 9, 9]), lambda s: s.section(1).url(box=Bounds(0, 0, 9, 9))),
    (lambda s: s.section(1).url(scale="0.5"), lambda s: s.section(1).url(scale=0.5)),
    (lambda s: s.tile("t1_0").neighbours(margin_px="5").ids, lambda s: s.tile("t1_0").neighbours(margin_px=5).ids),
    (lambda s: (s.bounds[0], s.bounds[-2:]), lambda s: (s.bounds.min_x, (s.bounds.max_x, s.bounds.max_y))),
    (lambda s: np.array(s.bounds).tolist(), lambda s: list(s.bounds)),
    (lambda s: np.asarray([s.bounds, s.bounds]).shape, lambda s: (2, 4)),
    (lambda s: s.sections().get(s.section(2)), lambda s: s.section(2)),
    (lambda s: np.asarray(s.sections()).tolist(), lambda s: list(s.sections())),
    (lambda s: np.asarray(s.tiles().table()).tolist(), lambda s: s.tiles().table().records()),
    (lambda s: s._conn.stack("montage", owner=s.owner, project=s.project), lambda s: s),
    (lambda s: s._conn.stacks(project=s.project, owner=s.owner).ids, lambda s: ["montage"]),
    (lambda s: s._conn.using(owner=s.owner).default_owner, lambda s: "lab"),
    (lambda s: s._conn.projects(s.owner).ids, lambda s: ["cortex"]),
    (lambda s: s.world_from_local(s.tile("t1_0"), [[0, 0]]).tile_id.tolist(), lambda s: ["t1_0"]),
    (lambda s: s.world_from_local(iter(s.section(1).tiles()), [[0, 0]] * 2).xy.tolist(), lambda s: [[1, 2], [91, 2]]),
    (lambda s: record(tile_id="a", image_url=Path("/a")), lambda s: record(tile_id="a", image_url="/a")),
    (lambda s: pyramid({np.int64(0): Path("/a")}), lambda s: pyramid({0: MipmapLevel(image_url="/a")})),
    (lambda s: pyramid({0: "/a"})[0].image_url, lambda s: "/a"),
    (lambda s: new_stack(s, pandas.Series([4, 4, 40])).resolution_nm, lambda s: (4.0, 4.0, 40.0)),
    (lambda s: len(s.check_images(levels=1)), lambda s: len(s.check_images(levels=[1]))),
    (lambda s: s._conn.getObject("Project"), lambda s: s.project),
    (lambda s: pandas.DataFrame(s.sections().table()).z.tolist(), lambda s: [1.0, 2.0, 3.0]),
]


def new_stack(stack: Any, resolution_nm: Any) -> Any:
    return stack._conn.create_stack("new", resolution_nm=resolution_nm)


@pytest.mark.parametrize("row", range(len(_ACCEPTED)))
def test_accepted(row: int, stack: StackWrapper) -> None:
    """Numbers of numpy, texts from a form of a page, sequences and paths mean the same as the documented types."""
    passed, documented = _ACCEPTED[row]

    assert passed(stack) == documented(stack)


@pytest.mark.parametrize(
    "ids", [pandas.Series(["t1_0"]), np.array(["t1_0"]), {"t1_0"}, iter(["t1_0"]), [np.str_("t1_0")]], ids=type
)
def test_accepted__ids_of_tiles_to_group(ids: Any, stack: StackWrapper) -> None:
    """Ids may be in any iterable."""
    with stack.editing() as edit:
        assert edit.set_group("good", ids) == 1

    assert stack.tile_group("good").tiles().ids == ["t1_0"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda stack: stack.section(1).tiles(), r"is not an array; table\(\).to_pandas\(\) returns a frame"),
        (lambda stack: stack.section(1).tiles().table(), r"'TileTable' .*; to_pandas\(\) returns a frame"),
        (lambda stack: stack.world_from_local("t1_0", BOX[:2]), r"'CoordinateTable' .*; to_pandas\(\) returns a frame"),
    ],
)
def test_frame__of_a_sequence(make: Callable[[StackWrapper], Any], sentence: str, stack: StackWrapper) -> None:
    """A data frame cannot be made of a sequence of any class; the error names the method that returns one."""
    with pytest.raises(AttributeError, match=sentence):
        pandas.DataFrame(make(stack))
