"""Matches of files, groups copied, matches counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import BadRequestError, Gateway, MatchCollectionWrapper, NotFoundError, RecordError


def pair(p_id: str, q_id: str, *, p_group: str = "1.0", q_group: str = "1.0", x: float = 0.0) -> dict[str, Any]:
    points = {"p": [[x], [1]], "q": [[2], [3]], "w": [1]}
    return {"pGroupId": p_group, "pId": p_id, "qGroupId": q_group, "qId": q_id, "matches": points}


def write(path: Path, *pairs: dict[str, Any]) -> Path:
    content = json.dumps(pairs).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def matches(gateway: Gateway) -> MatchCollectionWrapper:
    """A collection that does not exist yet."""
    return gateway.match_collection("files")


def ids(matches: MatchCollectionWrapper) -> list[str]:
    return [f"{one.p_id}{one.q_id}" for one in matches.pairs()]


def test_put_files__formats(matches: MatchCollectionWrapper, tmp_path: Path) -> None:
    """Arrays, lines and gzipped files are read; batches end with their files."""
    lines = tmp_path / "lines.json"
    lines.write_text("\n".join(map(json.dumps, [pair("a", "b"), pair("a", "c")])))
    files = [write(tmp_path / "a.json", pair("b", "c"), pair("d", "c")), write(tmp_path / "b.json.gz", pair("e", "f"))]

    with matches._conn.counting() as requests:
        saved = matches.put_files([lines, *files], batch=2, workers=1)

    assert (saved, requests) == (5, ["match.save"] * 3)
    assert ids(matches) == ["ab", "ac", "bc", "cd", "ef"]


def test_put_files__invalid(matches: MatchCollectionWrapper, tmp_path: Path) -> None:
    """All files are checked first: the error names file and element or pair, and nothing is saved."""
    good = write(tmp_path / "good.json", pair("a", "b"))
    uneven = pair("a", "c")
    uneven["matches"]["q"] = [[1, 2], [3, 4]]
    for name, content, sentence in (
        ("cut.json", b'[{"pId"', "cut.json is cut short"),
        ("other.json", b'[{"tileId": "a"}]', r"other\.json, element 1: .*pGroupId"),
        ("uneven.json", json.dumps([uneven]).encode(), "uneven.json: .*"),
        ("twice.json", json.dumps([pair("b", "a")]).encode(), r"twice\.json: duplicate match pair"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecordError, match=sentence):
            matches.put_files([good, tmp_path / name])
    with pytest.raises(FileNotFoundError):
        matches.put_files([good, tmp_path / "lost.json"])
    with pytest.raises(ValueError, match="'refuse' or 'replace'"):
        matches.put_files(good, duplicates="keep")

    assert not matches.exists


def test_put_files__last_wins(matches: MatchCollectionWrapper, tmp_path: Path) -> None:
    """On request the last one of equal pairs is stored, in the order of the files."""
    file = write(tmp_path / "a.json", *(pair("a", "b", x=x) for x in range(9)), pair("b", "a", x=9))

    assert matches.put_files(file, duplicates="replace", batch=1) == 10

    (found,) = matches.pairs()
    assert found.q.tolist() == [[9.0, 1.0]]


def test_put_files__interrupted(
    matches: MatchCollectionWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C the error has the number of pairs that were saved."""
    file = write(tmp_path / "a.json", pair("a", "b"), pair("a", "c"), pair("a", "d"))
    call, calls = type(matches._conn).call, []

    def interrupted(self: Gateway, name: str, /, **values: Any) -> Any:
        calls.append(name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return call(self, name, **values)

    monkeypatch.setattr(type(matches._conn), "call", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        matches.put_files(file, batch=1, workers=1)

    assert caught.value.__notes__ == ["saved before this error: 1 pair; saving them again is safe"]


def test_copy__groups(matches: MatchCollectionWrapper, gateway: Gateway, tmp_path: Path) -> None:
    """Only pairs with p in a group are copied; on request the other collection's pairs of it are deleted first."""
    across = pair("a", "z", q_group="2.0")
    matches.put_files(write(tmp_path / "a.json", pair("a", "b"), across, pair("y", "z", p_group="2.0", q_group="2.0")))
    other = gateway.match_collection("other")
    other.put_files(write(tmp_path / "b.json", pair("old", "p"), pair("old", "q", p_group="3.0", q_group="3.0")))

    with pytest.raises(BadRequestError, match="exists"):
        matches.copy_to("other", groups=["1.0"])
    matches.copy_to("other", groups=["1.0"], exist_ok=True)
    assert ids(other) == ["ab", "az", "oldp", "oldq"]

    matches.copy_to("other", groups=["1.0", "7.0"], replace_groups=True)
    assert ids(other) == ["ab", "az", "oldq"]


def test_copy__empty_group_replaces_nothing(matches: MatchCollectionWrapper, gateway: Gateway, tmp_path: Path) -> None:
    """A group without pairs deletes none of the other collection."""
    matches.put_files(write(tmp_path / "a.json", pair("a", "b"), pair("c", "d", p_group="9.0", q_group="9.0")))
    few = matches.copy_to("few", groups=["1.0"])

    few.copy_to("files", groups=["1.0", "9.0"], replace_groups=True)

    assert ids(matches) == ["ab", "cd"]


def test_update_counts__groups(matches: MatchCollectionWrapper, tmp_path: Path) -> None:
    """Some groups, or all, are counted with one request each."""
    pairs = [pair("a", "b", p_group=group, q_group=group) for group in ("1.0", "2.0", "3.0")]
    matches.put_files(write(tmp_path / "a.json", *pairs))

    with matches._conn.counting() as requests:
        matches.update_counts(["1.0", "3.0"])
        matches.update_counts()

    assert requests == [*["match.update_counts"] * 2, "match.p_group_ids", *["match.update_counts"] * 3]
    with pytest.raises(NotFoundError):
        matches._conn.match_collection("lost").update_counts()
