"""Every way in against every kind of bad value: the right value, or one typed sentence and nothing stored."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    Gateway,
    Layout,
    MatchCollectionWrapper,
    MatchRecord,
    MatchTable,
    RenderGatewayError,
    ResolvedTiles,
    StackEdit,
    StackWrapper,
    TileRecord,
    TileTable,
)
from rendergateway.batch.load import load_files

MEMBERS = {"z": "z", "width": "width", "sectionId": "section_id"}
FRAME = {"tile_id": ["new"]}
# Member, value in Python, value in JSON, and the stored value; None if every way in refuses it.
VALUES: list[tuple[str, Any, str, Any]] = [
    ("z", math.nan, '"NaN"', None),
    ("z", math.inf, '"Infinity"', None),
    ("width", -math.inf, '"-Infinity"', None),
    ("z", -0.0, "-0.0", 0.0),
    ("z", 10**20, "1" + "0" * 20, 1e20),
    ("z", 10**400, "1" + "0" * 400, None),
    ("z", "far", '"far"', None),
    ("z", [], "[]", None),
    ("z", [1.0, 2.0], "[1.0, 2.0]", None),
    ("width", True, "true", None),
    ("sectionId", ["1.0"], '["1.0"]', None),
]


def _text(member: str, value: str) -> bytes:
    layout = f'{{"sectionId": {value if member == "sectionId" else chr(34) + "1.0" + chr(34)}}}'
    z, width = (value if member == name else default for name, default in (("z", "1.0"), ("width", "90")))
    sides = '"minX": 0, "minY": 0, "maxX": 90, "maxY": 80'
    transforms = '{"type": "list", "specList": []}'
    return (
        f'{{"tileId": "new", "z": {z}, "width": {width}, "height": 80, "layout": {layout}, {sides}, '
        f'"transforms": {transforms}}}'
    ).encode()


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


Way = Callable[[StackEdit, str, Any, str, Path], Any]
OLD: dict[str, Any] = {
    "tile_id": "new",
    "z": 1.0,
    "width": 90,
    "height": 80,
    "min_x": 0,
    "min_y": 0,
    "max_x": 90,
    "max_y": 80,
}


def _record_of_fields(member: str, value: Any) -> TileRecord:
    if member == "sectionId":
        return TileRecord(**OLD, layout=Layout(section_id=value))
    return TileRecord(**{**OLD, member: value})


def _members(member: str, value: Any) -> dict[str, Any]:
    changed = {"layout": {member: value}} if member == "sectionId" else {member: value}
    return {**json.loads(_text("", "0")), **changed}


def _array(member: str, text: str) -> bytes:
    return b"[%b]" % _text(member, text)


def _refusal(act: Callable[[], Any]) -> str | None:
    """Return the sentence of a refusal; None if *act* is done."""
    try:
        act()
    except (RenderGatewayError, TypeError) as error:
        return str(error)
    return None


WAYS: dict[str, Way] = {
    "record of text": lambda edit, member, value, text, folder: edit.put([TileRecord.from_json(_text(member, text))]),
    "record of fields": lambda edit, member, value, text, folder: edit.put([_record_of_fields(member, value)]),
    "evolved record": lambda edit, member, value, text, folder: edit.put(
        [TileRecord(**OLD).evolve(**{MEMBERS[member]: value})]
        if member != "sectionId"
        else [TileRecord(**OLD).evolve(layout=Layout().evolve(section_id=value))]
    ),
    "record of dict": lambda edit, member, value, text, folder: edit.put(
        [TileRecord.from_dict(_members(member, value))]
    ),
    "table of text": lambda edit, member, value, text, folder: edit.put(TileTable.from_json(_array(member, text))),
    "resolved tiles": lambda edit, member, value, text, folder: edit.put(
        ResolvedTiles.from_json(b'{"tileIdToSpecMap": {"new": %b}}' % _text(member, text))
    ),
    "stream": lambda edit, member, value, text, folder: edit.put(iter([TileRecord.from_json(_text(member, text))])),
    "columns": lambda edit, member, value, text, folder: edit.put(
        TileTable.from_columns(**{**{name: [one] for name, one in OLD.items()}, MEMBERS[member]: [value]})
    ),
    "evolved table": lambda edit, member, value, text, folder: edit.put(
        TileTable([_text("", "0")]).evolve(**{MEMBERS[member]: [value]})
    ),
    "frame": lambda edit, member, value, text, folder: edit.put(
        TileTable([_text("", "0")]).with_columns({**FRAME, MEMBERS[member]: [value]})
    ),
    "file": lambda edit, member, value, text, folder: edit.load(_file(folder / "a.json", _array(member, text))),
    "gzipped file": lambda edit, member, value, text, folder: edit.load(
        _file(folder / "a.json.gz", gzip.compress(_text(member, text)))
    ),
    "bytes": lambda edit, member, value, text, folder: edit.load(_text(member, text)),
    "batch": lambda edit, member, value, text, folder: load_files(
        edit.stack, _text(member, text), existing="append", complete=False
    ),
}  # fmt: skip


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """A stack with one tile, LOADING."""
    stack = gateway.create_stack("s")
    with stack.editing(complete=False) as edit:
        edit.put([TileRecord(**{**OLD, "tile_id": "old"})])
    return stack


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("member", "value", "text", "stored"), VALUES, ids=lambda value: str(value)[:12])
def test_tiles(way: str, member: str, value: Any, text: str, stored: Any, stack: StackWrapper, tmp_path: Path) -> None:
    """A value is stored as it is, or refused in one sentence, and then nothing is stored."""
    # In a frame, NaN is a missing value.
    stored = 1.0 if way == "frame" and value is math.nan else stored
    with stack.editing(complete=False) as edit:
        refusal = _refusal(lambda: WAYS[way](edit, member, value, text, tmp_path))

    assert (refusal is None) is (stored is not None), refusal
    if refusal is None:
        assert stack.tile("new").z == stored
    else:
        assert "\n" not in refusal
        assert stack.tiles().ids == ["old"]


DUPLICATES: dict[str, Callable[[StackEdit, bytes], Any]] = {
    "records": lambda edit, text: edit.put([TileRecord.from_json(text)] * 2),
    "table": lambda edit, text: edit.put(TileTable([text, text])),
    "stream": lambda edit, text: edit.put(iter([TileRecord.from_json(text)] * 2)),
    "columns": lambda edit, text: edit.put(TileTable.from_columns(tile_id=["new", "new"])),
    "file": lambda edit, text: edit.load(b"[%b,%b]" % (text, text)),
    "files": lambda edit, text: edit.load([text, text]),
    "batch": lambda edit, text: load_files(edit.stack, [text, text], existing="append"),
    "resolved tiles": lambda edit, text: edit.put(ResolvedTiles.of([TileRecord.from_json(text)] * 2)),
}


@pytest.mark.parametrize("way", DUPLICATES)
def test_tiles__duplicate_ids(way: str, stack: StackWrapper) -> None:
    """A tile that is given twice is refused by its id, and nothing is stored."""
    with stack.editing(complete=False) as edit, pytest.raises(RenderGatewayError, match="duplicate tile id 'new'"):
        DUPLICATES[way](edit, _text("", "0"))

    assert stack.tiles().ids == ["old"]


IDS = {"p_group": "1", "p_id": "a", "q_group": "1", "q_id": "b"}
WIRE_IDS = {"pGroupId": "1", "pId": "a", "qGroupId": "1", "qId": "b"}


def _pairs(p: Any, q: Any, w: Any) -> dict[str, Callable[[], Any]]:
    """The ways in of matches; p and q are x, then y."""
    points = {"p": p, "q": q, "w": w}
    text = json.dumps([{**WIRE_IDS, "matches": points}]).replace("NaN", '"NaN"').replace("Infinity", '"Infinity"')
    rows = {name: list(map(list, zip(*points[name], strict=False))) for name in ("p", "q")}
    return {
        "arrays": lambda: [MatchRecord(**IDS, **rows, weights=w)],
        "dict": lambda: [MatchRecord.from_dict({**WIRE_IDS, "matches": points})],
        "text": lambda: MatchTable.from_json(text),
        "records of text": lambda: MatchTable.from_json(text).records(),
        "stream": lambda: iter(MatchTable.from_json(text)),
    }


# The points, and the number of stored ones; None if they are refused.
POINTS: list[tuple[tuple[Any, Any, Any], int | None]] = [
    (([[1.0], [2.0]], [[3.0], [4.0]], [math.nan]), None),
    (([[math.nan], [2.0]], [[3.0], [4.0]], [1.0]), None),
    (([[math.inf], [2.0]], [[3.0], [4.0]], [1.0]), None),
    (([[-0.0], [2.0]], [[3.0], [4.0]], [1.0]), 1),
    (([[10**20], [2.0]], [[3.0], [4.0]], [1.0]), 1),
    (([[10**400], [2.0]], [[3.0], [4.0]], [1.0]), None),
    (([[], []], [[], []], []), 0),
    (([], [], []), 0),
    (([[1.0], [2.0]], [[3.0], [4.0]], []), None),
    (([[1.0, 5.0], [2.0, 6.0]], [[3.0], [4.0]], [1.0]), None),
    (([["far"], [2.0]], [[3.0], [4.0]], [1.0]), None),
]


@pytest.mark.parametrize("way", _pairs([], [], []))
@pytest.mark.parametrize(("points", "count"), POINTS, ids=lambda value: str(value)[:40])
def test_matches(way: str, points: tuple[Any, Any, Any], count: int | None, gateway: Gateway) -> None:
    """Points are stored as they are, or refused in one sentence, and then nothing is stored."""
    matches: MatchCollectionWrapper = gateway.match_collection("m")

    refusal = _refusal(lambda: matches.put(_pairs(*points)[way]()))

    assert (refusal is None) is (count is not None), refusal
    if refusal is None:
        assert [len(pair) for pair in matches.pairs()] == [count]
        assert np.isfinite(matches.table().p).all()
    else:
        assert "\n" not in refusal
        assert not matches.exists
