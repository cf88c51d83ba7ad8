"""Files of tile pairs: parts, compression, and other files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import RecordError
from rendergateway.model.files.pair_files import PairWriter, read_pairs
from rendergateway.model.tables.pair_table import PairTable, TilePair

TEMPLATE = "{baseDataUrl}/owner/o/project/p/stack/s/tile/{id}/render-parameters"


def pairs(count: int) -> PairTable:
    return PairTable.of(
        TilePair("1.0", f"a{number:03d}", "2.0", f'b"{number}', delta_z=1.0) if number % 2
        else TilePair("1.0", f"a{number:03d}", "1.0", f"c{number}", "LEFT", "RIGHT")
        for number in range(count)
    )  # fmt: skip


def written(path: Path, table: PairTable, most: int) -> PairWriter:
    writer = PairWriter(path, TEMPLATE, most)
    writer.write_rest(writer.write_full(table))
    return writer


@pytest.mark.parametrize("name", ["pairs.json", "pairs.json.gz"])
def test_pairs__round_trip(tmp_path: Path, name: str) -> None:
    """Pairs are read as they were written, plain and gzipped."""
    table = pairs(7)
    writer = written(tmp_path / name, table, 10)

    found = read_pairs(tmp_path / name)

    assert (writer.files, writer.count) == ([tmp_path / name], 7)
    assert found.template == TEMPLATE
    assert list(found.pairs) == list(table)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_pairs__members(tmp_path: Path) -> None:
    """Pairs of one layer have positions, others the distance of their layers."""
    written(tmp_path / "pairs.json", pairs(2), 10)

    one, other = json.loads((tmp_path / "pairs.json").read_bytes())["neighborPairs"]

    assert one == {
        "p": {"groupId": "1.0", "id": "a000", "relativePosition": "LEFT"},
        "q": {"groupId": "1.0", "id": "c0", "relativePosition": "RIGHT"},
    }
    assert other == {"p": {"groupId": "1.0", "id": "a001"}, "q": {"groupId": "2.0", "id": 'b"1'}, "absoluteDeltaZ": 1.0}


@pytest.mark.parametrize(
    ("count", "most", "parts"), [(6, 6, None), (6, 3, [3, 3]), (7, 3, [3, 3, 1]), (2, 0, [1, 1]), (0, 5, [])]
)
def test_writer__parts(tmp_path: Path, count: int, most: int, parts: list[int] | None) -> None:
    """More pairs than fit into a file make parts; as many as fit, one file; none, no file."""
    writer = written(tmp_path / "a.b.json.gz", pairs(count), most)

    expected = ["a.b.json.gz"] if parts is None else [f"a.b_p{n:03d}.json.gz" for n in range(len(parts))]
    assert [path.name for path in writer.files] == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(expected)
    if parts is not None:
        assert [len(read_pairs(path).pairs) for path in writer.files] == parts


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{}", b"", b'{"renderParametersUrlTemplate": "a", "neighborPairs": [{"p": {}}]}', b"\x1f\x8bbroken",
     gzip.compress(b"{", mtime=0)],
)  # fmt: skip
def test_pairs__bad_file(tmp_path: Path, content: bytes) -> None:
    """Any other file is refused by its name."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"bad\.json"):
        read_pairs(path)


def test_table__sorted() -> None:
    """Pairs are ordered by groups, ids and positions as text."""
    rows = [("9.0", "a", "9.0", "b"), ("10.0", "b", "9.0", "a"), ("10.0", "a", "9.0", "b"), ("10.0", "a", "10.0", "z")]

    found = PairTable.of(TilePair(*row) for row in rows).sorted()

    assert [(one.p_group, one.p_id, one.q_group, one.q_id) for one in found] == sorted(rows)


def test_table__rows_and_slices() -> None:
    """An index returns a pair, a slice a table, and both ends work."""
    table = pairs(4)

    assert (table[-1], len(table[1:3])) == (list(table)[3], 2)
    assert "PairTable of 4 pairs" in repr(table)
    assert len(PairTable.joined([])) == 0


def test_table__unequal_columns() -> None:
    """Columns of different lengths are refused."""
    columns: Any = {"p_group": ["1"], "p_id": ["a"], "q_group": ["1", "2"], "q_id": ["b"]}
    with pytest.raises(RecordError, match="differ in length"):
        PairTable(**columns)
