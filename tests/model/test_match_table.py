"""Tables of match pairs: arrays decoded from texts."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway import Layout, MatchRecord, RecordError, TileRecord
from rendergateway.model import MatchTable
from rendergateway.model.tables import match_points
from rendergateway.model.tables.match_points import MatchReader

PAIRS = [
    MatchRecord(
        p_group="1", p_id=f"a{n}", q_group="2", q_id="b", p=np.full((n, 2), n), q=np.arange(2 * n).reshape(n, 2)
    )
    for n in range(4)
]
BY_ROW = MatchRecord.from_json(
    '{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","more":1,'
    '"matches":{"p":[[1,2],[3,4],[5,6]],"q":[[1,2],[3,4],[5,6]],"w":[1,1,1]}}'
)


def test_matches__arrays() -> None:
    """Points of all pairs are concatenated; offsets are the start of each pair."""
    table = MatchTable.from_json(MatchTable.from_records(PAIRS).to_json())

    assert table.offsets.tolist() == [0, 0, 1, 3, 6]
    assert table.counts.tolist() == [0, 1, 2, 3]
    assert table.pair.tolist() == [1, 2, 2, 3, 3, 3]
    for number, pair in enumerate(PAIRS):
        rows = slice(*table.offsets[number : number + 2])
        np.testing.assert_array_equal(table.p[rows], pair.p)
        np.testing.assert_array_equal(table.q[rows], pair.q)
    assert table[table.p_id == "a2"].q.tolist() == [[0, 1], [2, 3]]
    assert MatchTable([]).p.shape == (0, 2)


def test_matches__integers_beyond_64_bits() -> None:
    """Integers too large for simdjson are read, and do not change other pairs."""
    table = MatchTable.from_records(PAIRS)
    large = '{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{"p":[[%d],[3]],"q":[[1],[2]],"w":[1]}}'

    points = MatchTable([*table.texts, large % 2**70]).p

    assert points[:-1].tolist() == table.p.tolist()
    assert points[-1].tolist() == [2.0**70, 3.0]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ('"matches":{"p":[[1,2],[3,4],[5,6]],"q":[[1,2],[3,4],[5,6]],"w":[1,1,1]}', "3 rows of x, y"),
        ('"matches":{"p":[[1],[3]],"q":[[1,2],[3,4]],"w":[1]}', "2 points"),
        ('"matches":{"p":[[1],[3,4,5]],"q":[[1,2],[3,4]],"w":[1,1]}', "lengths"),
        ('"matches":{"p":[["x"],[3]],"q":[[1],[3]],"w":[1]}', "<MatchRecord 1/a – 2/b>"),
        ('"matchCount":3', "matches"),
    ],
)
def test_matches__bad_pairs(points: str, message: str) -> None:
    """Wrong shapes and lengths raise an error with row, pair and value."""
    bad = '{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b",' + points + "}"

    with pytest.raises(RecordError, match=message) as caught:
        _ = MatchTable([PAIRS[1].to_json(), bad]).p
    assert "row 1: " in str(caught.value)


def test_matches__repaired() -> None:
    """Points stored by row are detected and transposed on request; the rest of the record is preserved."""
    assert BY_ROW.is_by_row
    assert [problem.path for problem in BY_ROW.validate()] == ["$.matches.p", "$.matches.q"]

    (repaired,) = MatchTable.from_records([BY_ROW]).repaired()

    assert repaired.p.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert repaired.to_dict()["more"] == 1
    assert repaired.validate() == []
    assert repaired.repaired() is repaired


def test_matches__duplicate_pair() -> None:
    """A duplicate pair is a problem."""
    (problem,) = MatchTable.from_records([*PAIRS, PAIRS[1]]).validate()

    assert problem.path == "$[4].pGroupId/pId/qGroupId/qId"
    assert problem.text.endswith("is '1', 'a1', '2', 'b'; expected a unique id; $[1] has the same")


def test_matches__many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays do not depend on how the text is split into pieces."""
    expected = MatchTable.from_records(PAIRS).p.tolist()
    text = MatchTable.from_records(PAIRS).to_json()

    for piece in (1, 150, 10_000):
        monkeypatch.setattr(match_points, "_PIECE", piece)
        assert MatchTable.from_json(b" " + text.replace(b"},{", b"} , \n{") + b" ").p.tolist() == expected
        assert MatchTable([*MatchTable.from_json(text).texts]).p.tolist() == expected


def read(pieces: list[bytes], *, with_ids: bool = True) -> MatchReader:
    """Return a reader of these pieces."""
    reader = MatchReader(with_ids=with_ids)
    for piece in pieces:
        reader.write(piece)
    return reader


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_reader__pieces(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Ids and points do not depend on where an answer is cut, nor on names that look like the end of a pair."""
    monkeypatch.setattr(match_points, "_PIECE", 50)
    records = [*PAIRS, MatchRecord(p_group="},{", p_id="[{", q_group="2", q_id="}]", p=[[1, 2]], q=[[3, 4]]), *PAIRS]
    text = MatchTable.from_records(records).to_json().replace(b"}},{", b"}}\n, {")

    reader = read([text[start : start + size] for start in range(0, len(text), size)])

    sides = reader.sides()
    assert reader.ids == [(one.p_group, one.p_id, one.q_group, one.q_id) for one in records]
    assert sides.p.tolist() == [point for one in records for point in one.p.tolist()]
    assert sides.q.tolist() == [point for one in records for point in one.q.tolist()]
    assert sides.offsets.tolist() == [0, 0, 1, 3, 6, 7, 7, 8, 10, 13]


def test_reader__ids_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that are numbers are their text, in the place of their pair; a missing one is refused."""
    monkeypatch.setattr(match_points, "_PIECE", 50)
    texts = [pair.to_json() for pair in PAIRS]
    number = texts[2].replace(b'"b"', b"7.50")
    text = b"[%b]" % b",".join([*texts, number, *texts])

    reader = read([text])

    assert reader.sides().offsets[-1] == 14
    assert [ids[3] for ids in reader.ids] == [*"bbbb", "7.50", *"bbbb"]
    with pytest.raises(RecordError, match="qId"):
        read([text.replace(b',"qId":7.50', b"")]).sides()


@pytest.mark.parametrize("text", [b"", b"[", b'[{"pGroupId":"1"', b"{}", b"[1]"])
def test_reader__no_list_of_pairs(text: bytes) -> None:
    """An answer that is truncated, or something else, is an error."""
    with pytest.raises(RecordError):
        read([text]).sides()


def test_matches__changed_points() -> None:
    """Changed points are encoded in their pairs."""
    table = MatchTable.from_records(PAIRS)

    changed = table.evolve(p=table.p + 1, weights=np.zeros(6))

    assert changed.p.tolist() == (table.p + 1).tolist()
    assert changed.q.tolist() == table.q.tolist()
    assert set(changed.weights) == {0.0}
    with pytest.raises(RecordError, match=r"p has shape \(2, 2\); expected \(6, 2\)"):
        table.evolve(p=np.zeros((2, 2)))
    with pytest.raises(RecordError, match="weights of point 0"):
        table.evolve(weights=np.full(6, np.nan))


def test_between__two_tiles() -> None:
    """Groups and ids are those of the tiles; a tile without a section id is refused."""
    tile = TileRecord(tile_id="a", layout=Layout(section_id="1.0"))
    other = TileRecord(tile_id="b", layout=Layout(section_id="2.0"))

    pair = MatchRecord.between(tile, other, p=[[0, 1]], q=[[2, 3]])

    assert (pair.p_group, pair.p_id, pair.q_group, pair.q_id) == ("1.0", "a", "2.0", "b")
    with pytest.raises(RecordError, match="'c' has no section id"):
        MatchRecord.between(tile, TileRecord(tile_id="c"), p=[[0, 1]], q=[[2, 3]])


def test_matches__pandas() -> None:
    """A data frame has one row per point, and converts back to the pairs with points."""
    pytest.importorskip("pandas")
    table = MatchTable.from_records(PAIRS)

    frame = table.to_pandas()

    assert frame.p_id.tolist() == ["a1", "a2", "a2", "a3", "a3", "a3"]
    assert list(MatchTable.from_pandas(frame)) == PAIRS[1:]
    with pytest.raises(RecordError, match="weight"):
        MatchTable.from_pandas(frame.drop(columns="weight"))
