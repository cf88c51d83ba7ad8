"""Files of tiles as streams."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from rendergateway import RecordError, ResolvedTiles, TileRecord
from rendergateway.model import TileTable, read_tiles, write_tiles
from rendergateway.model.files import objects as object_files
from rendergateway.model.files.specs import read_specs
from tests.cases.read import case

TEXT = '{"tileId": "tX", "note": "},{ \\\\\\" [", "layout": {"a": {}}, "list": [{}, {}]}'
TILES = [TileRecord.from_json(TEXT.replace("X", str(number))) for number in range(50)]


@pytest.mark.parametrize("name", ["tiles.json", "tiles.json.gz", "tiles.ndjson", "tiles.jsonl.gz"])
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_tiles__round_trip(tmp_path: Path, name: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written tiles are read back byte for byte, for any piece size."""
    monkeypatch.setattr(object_files, "_PIECE", piece)

    assert write_tiles(tmp_path / name, iter(TILES)) == 50

    assert [tile.to_json() for tile in read_tiles(tmp_path / name)] == [tile.to_json() for tile in TILES]
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize("transforms_first", [True, False])
def test_tiles__resolved(tmp_path: Path, piece: int, transforms_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiles of resolved tiles are read, before or after the transforms."""
    monkeypatch.setattr(object_files, "_PIECE", piece)
    lens = b'"transformIdToSpecMap":{"lens":{"id":"lens","note":"\\"tileIdToSpecMap\\":{"}}'
    tiles = b'"tileIdToSpecMap":{' + b",".join(b'"t":' + tile.to_json() for tile in TILES[:1]) + b"}"
    both = [lens, tiles] if transforms_first else [tiles, lens]
    (tmp_path / "resolved.json").write_bytes(b"{%b}" % b", ".join(both))

    assert list(read_tiles(tmp_path / "resolved.json")) == TILES[:1]


def test_tiles__written_resolved(tmp_path: Path) -> None:
    """Resolved tiles are written as such, but not as lines; tables as arrays."""
    resolved = ResolvedTiles.of(TILES, {"lens": b"{}"})

    assert write_tiles(tmp_path / "resolved.json", resolved) == 50
    assert ResolvedTiles.from_json((tmp_path / "resolved.json").read_bytes()).to_json() == resolved.to_json()
    assert write_tiles(tmp_path / "table.json", TileTable.from_records(TILES)) == 50
    assert write_tiles(tmp_path / "none.json", []) == 0
    assert list(read_tiles(tmp_path / "none.json")) == []
    with pytest.raises(RecordError, match="resolved tiles cannot be written as lines"):
        write_tiles(tmp_path / "resolved.ndjson", resolved)


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize(
    "form", [bytes, gzip.compress, lambda text: text.replace(b"\n", b"\r\n"), lambda text: text + b"\n"]
)
def test_tiles__one_object_on_several_lines(
    tmp_path: Path, form: Callable[[bytes], bytes], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of one tile, on several lines, is read, by streams and by loads alike."""
    monkeypatch.setattr(object_files, "_PIECE", piece)
    path = tmp_path / "single.json"
    path.write_bytes(form(case("single_tile_pretty.json")))

    (tile,) = read_tiles(path)
    (found,) = read_specs(path).tiles

    assert tile.to_json() == bytes(found.text)
    assert tile.to_dict() == json.loads(case("single_tile_pretty.json"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n"tileId": "a",\n', "is cut short or is not JSON"),
        (b'{\n"tileId": "a"\n}\n{\n"tileId": "b"\n}\n', "is cut short or is not JSON"),
        (b'{"tile\n{"tileId":"a"}\n', "is cut short or is not JSON"),
        (b"{}\n", "element 1 is an object of nothing; expected a tile spec"),
        (b"", "begins with ''"),
        (b"tiles", "begins with 'tiles'"),
        (b'[{"tileId":"a"},{"tileId":', "cut short or is not JSON"),
        (b'[{"tileId":"a"},{"z":1}]', "element 2 is an object of z; expected a tile spec"),
        (b'[{"tileId":"a"},7]', "element 2: expected a JSON object"),
        (b'{"tileId":"a"}\n{"tile\n', "element 2: expected a JSON object"),
        (b'{"transformIdToSpecMap":{}}', "no tileIdToSpecMap"),
        (gzip.compress(b'[{"tileId":"a"}]', mtime=0)[:-9], "cut short"),
        (b"\x1f\x8b" + b"nonsense" * 4, "has broken gzip data"),
        (b'{"transformIdToSpecMap":{"note":"\\"tileIdToSpecMap\\":{"', "no tileIdToSpecMap, or is cut short"),
    ],
)
def test_tiles__bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    """The error of an invalid file names the file and the element."""
    (tmp_path / "bad.json").write_bytes(content)

    with pytest.raises(RecordError, match=f"bad.json.*{message}"):
        list(read_tiles(tmp_path / "bad.json"))


def test_tiles__element_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with an element without end is refused, not read into memory."""
    monkeypatch.setattr(object_files, "_PIECE", 100)
    monkeypatch.setattr(object_files, "_LARGEST", 1000)
    (tmp_path / "endless.json").write_bytes(b'[{"tileId":"' + b"a" * 10_000)

    with pytest.raises(RecordError, match=r"endless.json: no element ends within \d+ bytes"):
        list(read_tiles(tmp_path / "endless.json"))


def test_tiles__flat_memory(tmp_path: Path) -> None:
    """A file of 40 MB is written and read with a few megabytes of memory."""
    record = TileRecord(tile_id="a", image_url="x" * 4000)
    tracemalloc.start()
    write_tiles(tmp_path / "big.json", (record for _ in range(10_000)))

    count = sum(1 for _ in read_tiles(tmp_path / "big.json"))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10_000
    assert (tmp_path / "big.json").stat().st_size > 40e6
    assert peak < 12e6


def test_tiles__failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A failed write leaves the old file and no partial one."""
    path = tmp_path / "tiles.json"
    write_tiles(path, TILES[:1])

    with pytest.raises(ZeroDivisionError):
        write_tiles(path, (TILES[1 // (1 - n)] for n in range(3)))

    assert list(read_tiles(path)) == TILES[:1]
    assert len(list(tmp_path.iterdir())) == 1
