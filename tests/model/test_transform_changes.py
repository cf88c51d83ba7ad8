"""Files of one transform per tile."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rendergateway import RecordError, read_transform_changes, write_transform_changes
from rendergateway.transforms import AffineModel2D, Transform, TransformList, UnknownTransform

CHANGES: dict[str, Transform] = {
    "a": AffineModel2D([[1.0, 0.0, 1 / 3], [0.0, 1.0, -2.0]]),
    "b/ü": TransformList([AffineModel2D(), UnknownTransform("some.Class", "1  2")]),
}
AFFINE = b'{"className":"mpicbg.trakem2.transform.AffineModel2D","dataString":"1.0 0 0 1 2.50 3"}'


@pytest.mark.parametrize("name", ["changes.json", "changes.json.gz", "changes.ndjson", "changes.jsonl.gz"])
def test_changes__round_trip(tmp_path: Path, name: str) -> None:
    """Written changes are read back, as an array or as lines, plain or gzipped."""
    assert write_transform_changes(tmp_path / name, CHANGES) == 2

    assert read_transform_changes(tmp_path / name) == CHANGES
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_changes__number_text_is_preserved(tmp_path: Path) -> None:
    """Numbers are written as they were read."""
    (tmp_path / "in.json").write_bytes(b'[ {"tileId" : "a", "transform": %b, "note": 1} ]' % AFFINE)

    write_transform_changes(tmp_path / "out.json", read_transform_changes(tmp_path / "in.json"))

    assert b'"1.0 0 0 1 2.50 3"' in (tmp_path / "out.json").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with ''; expected an array of objects with tileId and transform"),
        (b"[7]", "element 1: expected a JSON object, not 7"),
        (b'[{"tileId":"a"}]', "element 1, tile 'a': transform is missing: got tileId"),
        (b'[{"transform":{}}]', "element 1 is an object of transform whose tileId is null"),
        (b'[{"tileId":[],"transform":{}}]', r"element 1 is an object of tileId, transform whose tileId is \[\]"),
        (b'[{"tileId":"a","transform":[]}]', "element 1, tile 'a': expected a transform: "),
        (b'[{"tileId":"a","transform":{"className":"mpicbg.trakem2.transform.AffineModel2D"}}]',
         "tile 'a': expected a transform: .*no dataString defined"),
        (b'{"tileId":"a","transform":%b}\n{"tileId":"a","transform":%b}' % (AFFINE, AFFINE),
         "element 2: duplicate tile id 'a'"),
        (b'[{"tileId":"a","transform":%b},' % AFFINE, "cut short"),
        (b'[{"tileId":"a","transform":%b}]' % AFFINE.replace(b"2.50", b"two"), "tile 'a': expected a transform: .*two"),
        (gzip.compress(b'[{"tileId":"a","transform":%b}]' % AFFINE, mtime=0)[:-9], "cut short"),
    ],
)  # fmt: skip
def test_changes__bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    """The error of an invalid file names the file, the element and the tile."""
    (tmp_path / "bad.json").write_bytes(content)

    with pytest.raises(RecordError, match=f"bad.json.*{message}"):
        read_transform_changes(tmp_path / "bad.json")
