"""ImportMatchClient, CopyMatchClient and UpdateMatchCountsClient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway
from tests.clients.stacks.conftest import Run, gateway, run

__all__ = ["gateway", "run"]


def pair(p_id: str, q_id: str, group: str = "1.0", x: float = 0.0) -> dict[str, Any]:
    points = {"p": [[x], [1]], "q": [[2], [3]], "w": [1]}
    return {"pGroupId": group, "pId": p_id, "qGroupId": group, "qId": q_id, "matches": points}


def write(path: Path, *pairs: dict[str, Any]) -> Path:
    path.write_text(json.dumps(pairs))
    return path


def ids(gateway: Gateway, name: str) -> list[str]:
    return [f"{one.p_id}{one.q_id}" for one in gateway.match_collection(name).pairs()]


def test_import__stops_at_a_bad_file(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    """Files before an invalid one stay saved, and that is printed; the invalid one and those after it are not saved."""
    good, more = write(tmp_path / "a.json", pair("a", "b"), pair("a", "c")), write(tmp_path / "z.json", pair("y", "z"))
    (tmp_path / "bad.json").write_text('[{"pId": "a"}')

    ended = run("ImportMatchClient", good, tmp_path / "bad.json", more, collection="m")

    assert ended.code == 1
    assert f"saved 2 matches from {good}" in ended.out
    assert f"{tmp_path / 'bad.json'} is cut short or is not JSON" in ended.err
    assert ids(gateway, "m") == ["ab", "ac"]


def test_import__pair_twice(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    """The last one of a pair that occurs twice is stored, as by the service."""
    file = write(tmp_path / "a.json", pair("a", "b", x=1), pair("b", "a", x=2))

    assert run("ImportMatchClient", "--batchSize", 1, file, collection="m").code == 0

    assert gateway.match_collection("m").pairs()[0].q.tolist() == [[2.0, 1.0]]


@pytest.mark.parametrize(
    ("client", "words", "sentence"),
    [
        ("ImportMatchClient", ["--batchSize", "0", "a.json"], "--batchSize must be >= 1: got 0"),
        ("ImportMatchClient", [], 'Main parameters are required ("list of canvas match data files'),
        ("CopyMatchClient", ["--toCollection", "m"], "collection m cannot be copied onto itself"),
        ("CopyMatchClient", ["--toCollection", "n"], "does not"),
        (
            "UpdateMatchCountsClient",
            ["--totalNumberOfJobs", "0", "--jobIndex", "0"],
            "--totalNumberOfJobs must be >= 1",
        ),
        ("UpdateMatchCountsClient", ["--totalNumberOfJobs", "2", "--jobIndex", "-1"], "got 2 and -1"),
        ("UpdateMatchCountsClient", ["--totalNumberOfJobs", "2", "--jobIndex", "0"], "does not"),
    ],
)
def test_matches__bad_options(run: Run, gateway: Gateway, client: str, words: list[str], sentence: str) -> None:
    """Options that cannot be followed, and missing collections, end with a sentence."""
    gateway.create_stack("any")
    ended = run(client, *words, collection="m")

    assert (ended.code, sentence in ended.err) == (1, True), ended.err


def test_copy__groups(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    """Some groups are copied to another owner; on request its pairs in them are deleted first."""
    gateway.match_collection("m").put_files(write(tmp_path / "a.json", pair("a", "b"), pair("c", "d", "2.0")))
    other = gateway.using(owner="other").match_collection("n")
    other.put_files(write(tmp_path / "b.json", pair("x", "y"), pair("x", "z", "2.0")))
    words = ["--toOwner", "other", "--toCollection", "n", "--pGroupId", "1.0"]

    assert run("CopyMatchClient", *words, collection="m").code == 0
    other.reload()
    assert sorted(f"{one.p_id}{one.q_id}" for one in other.pairs()) == ["ab", "xy", "xz"]

    assert run("CopyMatchClient", *words, "3.0", "--removeExisting", collection="m").code == 0
    other.reload()
    assert sorted(f"{one.p_id}{one.q_id}" for one in other.pairs()) == ["ab", "xz"]


@pytest.mark.parametrize(
    ("total", "jobs"),
    [
        (1, [["1", "2", "3", "4", "5"]]),
        (2, [["1", "2", "3"], ["4", "5"]]),
        (4, [["1", "2"], ["3", "4"], ["5"], []]),
        (9, [["1"], ["2"], ["3"], ["4"], ["5"], [], []]),
    ],
)
def test_counts__jobs(
    run: Run, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, jobs: list[list[str]]
) -> None:
    """The groups are divided among the jobs."""
    gateway.match_collection("m").put_files(write(tmp_path / "a.json", *(pair("a", "b", group) for group in "12345")))
    counted: list[str] = []
    call = Gateway.call

    def noted(self: Gateway, name: str, /, **values: Any) -> Any:
        if name == "match.update_counts":
            counted.append(values["p_group"])
        return call(self, name, **values)

    monkeypatch.setattr(Gateway, "call", noted)
    for index, groups in enumerate(jobs):
        counted.clear()
        ended = run("UpdateMatchCountsClient", "--totalNumberOfJobs", total, "--jobIndex", index, collection="m")
        assert (ended.code, counted) == (0, groups)
