"""Files of tile specs: accepted formats, and errors of others."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rendergateway import RecordError
from rendergateway.model.files.specs import cut_specs, read_specs

TILE = b'{"tileId": "a",  "z": 1.50, "strange": [1, 2]}'
LENS = b'{"id": "lens", "className": "mpicbg.trakem2.transform.TranslationModel2D", "dataString": "1 2"}'


def refusal(text: bytes) -> str:
    with pytest.raises(RecordError) as caught:
        cut_specs(text, "tiles.json")
    return str(caught.value)


def test_read__text_is_preserved(tmp_path: Path) -> None:
    """Blanks, unknown members and number text are preserved."""
    file = tmp_path / "tiles.json"
    file.write_bytes(b"[\n" + TILE + b"]\n")

    (tile,) = read_specs(file).tiles

    assert tile.id == "a"
    assert bytes(tile.text) == TILE


@pytest.mark.parametrize("name", ["tiles.json.gz", "tiles.json"])
def test_read__gzip_with_any_name(tmp_path: Path, name: str) -> None:
    """Gzipped files are detected by content, not by name."""
    file = tmp_path / name
    file.write_bytes(gzip.compress(b"[" + TILE + b"]"))

    assert [tile.id for tile in read_specs(file).tiles] == ["a"]


def test_cut__resolved_tiles() -> None:
    """Resolved tiles are split into tiles and transforms."""
    text = b'{"transformIdToSpecMap": {"lens": %b}, "tileIdToSpecMap": {"a": %b}}' % (LENS, TILE)

    found = cut_specs(text, "resolved.json")

    assert ([tile.id for tile in found.tiles], [transform.id for transform in found.transforms]) == (["a"], ["lens"])


def test_cut__tiles_and_transforms_in_one_array() -> None:
    """An array may contain both, distinguished by their members."""
    found = cut_specs(b"[%b, %b]" % (LENS, TILE), "both.json")

    assert [str(tile) for tile in found.tiles] == ["both.json, element 2"]
    assert [str(transform) for transform in found.transforms] == ["both.json, element 1"]


def test_cut__lines() -> None:
    """Newline-delimited JSON is accepted; positions are line numbers, including blank lines."""
    found = cut_specs(LENS + b"\r\n\n" + TILE + b"\n", "tiles.ndjson")

    assert [str(spec) for spec in (*found.transforms, *found.tiles)] == ["tiles.ndjson, line 1", "tiles.ndjson, line 3"]
    assert bytes(found.tiles[0].text) == TILE
    assert refusal(TILE + b'\n{"tileId": "b"').startswith("tiles.json, line 2: expected a tile spec or a transform")


@pytest.mark.parametrize("text", [TILE, b"\xef\xbb\xbf [" + TILE + b"]"])
def test_cut__single_spec_or_byte_order_mark(text: bytes) -> None:
    """A single spec is accepted, and so is a byte order mark."""
    assert [tile.id for tile in cut_specs(text, "tile.json").tiles] == ["a"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "tiles.json is empty"),
        (b"# SWC\n1 0 5", "tiles.json is not JSON: it begins with # SWC 1 0 5"),
        (b'[{"tileId": "a"}, {"til', "tiles.json is cut short"),
        (b'[{"tileId": "a"},]', "tiles.json is not JSON: "),
        (b'{"tileSpecs": []}', "tiles.json contains an object of tileSpecs"),
        (b'[{"tileId": "a"}, {"z": 1, "layout": {}}]', "tiles.json, element 2 is a tile spec without tileId"),
        (b'[{"tileId": null}]', "tiles.json, element 1 is a tile spec without tileId"),
        (b'[{"tileId": [7]}]', "tiles.json, element 1 is a tile spec whose tileId is [7]; expected a string"),
        (b'[{"className": "X"}]', "tiles.json, element 1 is a transform without id"),
        (b"[7]", "tiles.json, element 1: expected a tile spec or a transform: got 7"),
        (b'[{"pGroupId": "1", "pId": "a"}]', "tiles.json, element 1 is an object of pGroupId, pId"),
        (b'[{"tileId": "a", "transform": {}}]', "tiles.json, element 1 is a change of a tile's transforms"),
        (b'{"tileIdToSpecMap": []}', "tiles.json, tileIdToSpecMap: expected an object of specs by id"),
        (b'{"tileIdToSpecMap": {"a": {"z": 1, "width": 5}}}', "tiles.json, tileIdToSpecMap, 'a' is a tile spec with"),
    ],
)
def test_cut__errors_name_file_and_position(text: bytes, sentence: str) -> None:
    """Other content is refused with the file name, the position and the value."""
    message = refusal(text)

    assert message.startswith(sentence)
    assert "expected" in message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(b"[" + TILE + b"]", mtime=0)[:-12], "is cut short: its gzip data ends early"),
        (b"\x1f\x8b" + b"nonsense" * 4, "has broken gzip data"),
        (b"PK\x03\x04 and so on", "is a zip archive"),
    ],
)
def test_read__corrupt_gzip(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Corrupt, truncated or otherwise compressed data is refused with the file name."""
    file = tmp_path / "tiles.json.gz"
    file.write_bytes(content)

    with pytest.raises(RecordError, match=f"tiles.json.gz {sentence}"):
        read_specs(file)
