"""Layout files, files of z values, and SWC files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import read_layout, read_tile_z_values
from rendergateway.errors import RecordError
from rendergateway.model.files.swc import read_swc
from rendergateway.transforms import PolynomialTransform2D


def file_of(folder: Path, text: str) -> Path:
    """A text file in a folder."""
    path = folder / "file.txt"
    path.write_text(text)
    return path


def test_layout__versions(tmp_path: Path) -> None:
    """Version 1 has rows of a matrix, the others the order of transforms; more parameters are a polynomial."""
    first = read_layout(file_of(tmp_path, "1 a x 1.0 2 3 4 5 6 rest\n\n1 b\n"))
    second = read_layout(file_of(tmp_path, "1\ta\t6\t1.0 4 2 5 3 6\n1 b 12 0 1 0 0 0 0 0 0 1 0 0 0\n"), "v2")

    assert first.keys() == {"a"}
    assert first["a"].to_spec() == second["a"].to_spec()
    assert first["a"].to_spec()["dataString"] == "1.0 4 2 5 3 6"
    assert first["a"].apply([1, 1]).tolist() == [6, 15]
    assert isinstance(second["b"], PolynomialTransform2D)


@pytest.mark.parametrize(
    ("version", "text", "sentence"),
    [
        ("v1", "1 a x 1 2 3 4 5\n", "No tile information found in MET file"),
        ("v1", "1 a x 1 2 3 4 5 y\n", "Failed to parse transform data from line 1 of MET file"),
        ("v1", "1 a x 1 2 3 4 5 6\n1 a x 1 2 3 4 5 6\n", "Tile ID a is listed more than once in MET file .* at line 2"),
        ("v2", "1 a six 1 2 3 4 5 6\n", "Failed to parse parameter count from line 1"),
        ("v2", "1 a 5 1 2 3 4 5\n", "parameter count 5 must be greater than 5"),
        ("v3", "1 a 6 1 2 3\n", "expected 6 parameters starting at word 4 but line only contains 6 words"),
    ],
)
def test_layout__bad_lines(tmp_path: Path, version: str, text: str, sentence: str) -> None:
    """A line that cannot be read is named."""
    with pytest.raises(RecordError, match=sentence):
        read_layout(file_of(tmp_path, text), version)


def test_layout__unknown_version(tmp_path: Path) -> None:
    """Only three versions are known."""
    with pytest.raises(ValueError, match="version of a layout file must be v1, v2, v3; got 'v4'"):
        read_layout(file_of(tmp_path, ""), "v4")


def test_z_values__by_z(tmp_path: Path) -> None:
    """Tile ids are grouped by z, which may be written like in Java."""
    found = read_tile_z_values(file_of(tmp_path, "7 a\n1.0E1 b extra\n7.0 c\nshort\n"))

    assert found == {7.0: ["a", "c"], 10.0: ["b"]}
    with pytest.raises(RecordError, match="Failed to parse z value from line 1"):
        read_tile_z_values(file_of(tmp_path, "x a\n"))


def test_swc__everything_but_coordinates_is_preserved(tmp_path: Path) -> None:
    """Comments, blanks, line ends and bytes that are not UTF-8 stay; nodes without a result are marked."""
    path = tmp_path / "a.swc"
    text = b"# neuron \xff\r\n 1  2 1.5 2 3E1  0.5 -1\r\n2 2 4 5 6 1 1"
    path.write_bytes(text)

    file = read_swc(path)

    assert file.points.tolist() == [[1.5, 2, 30], [4, 5, 6]]
    assert file.line(0) == " 1  2 1.5 2 3E1  0.5 -1"
    written = file.with_points(np.array([[np.nan] * 3, [7, 8, 9.5]]), (-999, -999, -999))
    assert written.encode("utf-8", "surrogateescape") == (
        b"# neuron \xff\r\n 1  2 -999 -999 -999  0.5 -1\r\n2 2 7.0 8.0 9.5 1 1"
    )


def test_swc__bad_number(tmp_path: Path) -> None:
    """A coordinate that is not a number is an error that names file and line."""
    path = tmp_path / "a.swc"
    path.write_text("# x\n1 2 a 2 3 1 -1\n")

    with pytest.raises(RecordError, match=r"a\.swc, line 2: expected id, type, x, y, z, radius and parent"):
        read_swc(path)
