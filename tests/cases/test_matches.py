"""Match pairs without points, and pairs given in both orders."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, MatchRecord, MatchTable, RecordError
from rendergateway.model.records.json_slices import cut_list
from rendergateway.testing import make_stack
from tests.cases.read import case

EMPTY = case("match_pair_empty_lists.json")
BOTH = MatchTable.from_json(case("match_pair_both_orders.json"))
FORMS_OF_NONE = ['"p":[],"q":[]', '"p":[[],[]],"q":[[],[]]', '"p":[],"q":[[],[]]']
DOCS = Path(__file__).parents[2] / "docs"


def _pair(points: str, weights: str = "[]", q_id: str = "b") -> str:
    return f'{{"pGroupId":"1.0","pId":"a","qGroupId":"1.0","qId":"{q_id}","matches":{{{points},"w":{weights}}}}}'


@pytest.mark.parametrize("points", FORMS_OF_NONE)
@pytest.mark.parametrize("before", [[], [_pair('"p":[[1],[2]],"q":[[3],[4]]', "[1]", "c")]])
@pytest.mark.parametrize("big", ["", f'"p":[[{2**70}],[1]],"q":[[1],[1]]'])
def test_pair_of_no_points(points: str, before: list[str], big: str) -> None:
    """A pair without points is a row of tables and a record, beside others, in the fast lane and in the exact one."""
    texts = [*before, _pair(points), *([_pair(big, "[1]", "d")] if big else [])]
    table = MatchTable(texts)

    assert table.counts.tolist() == [*map(int, map(bool, before)), 0, *([1] if big else [])]
    record = table[len(before)]
    assert record.p.shape == record.q.shape == (0, 2)
    assert (len(record), record.is_by_row, record.validate()) == (0, False, [])
    assert record.swapped().q.shape == (0, 2)
    assert record.evolve(p=[[1, 2]], q=[[3, 4]], weights=[1]).p.tolist() == [[1, 2]]
    assert record.repaired() is record


@pytest.mark.parametrize(
    ("points", "weights"),
    [
        ('"p":[],"q":[]', "[1]"),
        ('"p":[[1],[2]],"q":[[1],[2]]', "[]"),
        ('"p":[[1],[2]],"q":[]', "[1]"),
        ('"p":[[1]],"q":[[1]]', "[1]"),
    ],
)
def test_pair_of_some_numbers(points: str, weights: str) -> None:
    """Points without weights, or weights without points, are refused."""
    with pytest.raises(RecordError, match=r"row 0: <MatchRecord 1\.0/a – 1\.0/b>: "):
        _ = MatchTable([_pair(points, weights)]).p


def test_residuals__with_pairs_of_no_points(gateway: Gateway) -> None:
    """The whole collection can be read and measured, and the recipe of the docs finds the worst point of each pair."""
    stack = make_stack(gateway, sections=1, matches="truth")
    matches = gateway.match_collection("truth", frame="raw")
    a, b = sorted(stack.section(1).tiles().ids)[:2]
    sides = {"pGroupId": "1.0", "qGroupId": "1.0"}
    for number, (first, second) in enumerate([(a, a), (b, b), ("s1_r1_c1", "s1_r1_c1")]):
        empty = MatchRecord.from_json(cut_list(EMPTY)[0]).to_dict()
        matches.put([MatchRecord.from_dict({**empty, **sides, "pId": first, "qId": second})])
        assert matches.table().counts.tolist().count(0) == number + 1
    page = (DOCS / "matches.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(table = matches\.table\(\)\nresiduals.*?)```", page, re.S)
    names: dict[str, Any] = {"np": np, "matches": matches, "stack": stack}

    exec(recipe, names)

    ends = matches.table().offsets
    parts = (names["residuals"][start:end] for start, end in itertools.pairwise(ends))
    assert names["worst"].tolist() == [max(part, default=0.0) for part in parts]


# Both orders of a pair


def _stream(table: MatchTable) -> Iterable[MatchRecord]:
    return iter(table.records())


@pytest.mark.parametrize("form", [lambda table: table, MatchTable.records, _stream])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 1], "duplicate match pair: got 1/a – 1/b and 1/b – 1/a, and the service would keep only one; merged"),
        ([1, 0], "got 1/b – 1/a and 1/a – 1/b"),
        ([0, 0], "got 1/a – 1/b and 1/a – 1/b"),
    ],
)
def test_put__duplicate_pairs(
    form: Callable[[MatchTable], Any], rows: list[int], message: str, gateway: Gateway
) -> None:
    """A pair that is put twice is refused, naming both; nothing is stored unless pairs come as a stream."""
    matches = gateway.match_collection("pairs")
    other = MatchRecord(p_group="0", p_id="x", q_group="0", q_id="y", p=[[1, 2]], q=[[3, 4]])
    table = MatchTable.joined([MatchTable.from_records([other]), BOTH[rows]])

    with gateway.counting() as requests, pytest.raises(RecordError, match=message):
        matches.put(form(table), batch=1)

    assert requests == (["match.save"] * 2 if form is _stream else [])
    assert [problem.expected for problem in table.validate()] == ["a unique id; $[1] has the same"]


def test_merged(gateway: Gateway) -> None:
    """Merged duplicates have the points of both, from the side of the first."""
    matches = gateway.match_collection("pairs")

    merged = BOTH.merged()

    assert matches.put(merged) == 1
    (pair,) = matches.pairs()
    assert pair.p.tolist() == [[1, 1], [7, 7], [8, 8]]
    assert pair.q.tolist() == [[2, 2], [5, 5], [6, 6]]
    assert BOTH[[1, 0, 0]].merged()[0].p.tolist() == [[5, 5], [6, 6], [2, 2], [2, 2]]
    assert BOTH[[1]].merged()[0].to_json() == BOTH[1].to_json()
    marked = BOTH[0].evolve(consensus_set={"index": 0})
    with pytest.raises(RecordError, match="duplicate pair <MatchRecord 1/b – 1/a> differs in its consensus set"):
        MatchTable.from_records([marked, BOTH[1]]).merged()


@pytest.mark.parametrize("name", ["p_group", "p_id", "q_group", "q_id", "p_x", "weight"])
def test_from_pandas__missing(name: str) -> None:
    """A missing id or number of a point is refused, not left out with its pair."""
    pytest.importorskip("pandas")
    frame = BOTH.to_pandas()
    frame.loc[1, name] = None

    with pytest.raises(RecordError, match=f"row 1: {name} is missing|finite numbers"):
        MatchTable.from_pandas(frame)
