"""SWC files: neurons as nodes with coordinates, one per line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import double_text, parse_double

__all__ = ["SwcFile", "read_swc"]

# id, type, x, y, z, radius, parent
_NODE = re.compile(r"(\s*\d+\s+-?\d+\s+)(\S+)\s+(\S+)\s+(\S+)(\s+\S.*)", re.DOTALL)


@attrs.frozen(eq=False)
class SwcFile:
    """
    The text and the nodes of an SWC file.

    Attributes
    ----------
    path : Path
        The file.
    points : ndarray, shape (N, 3)
        x, y, z of the nodes, in the unit of the file.
    """

    path: Path
    points: FloatArray
    _lines: Sequence[str]
    _nodes: Sequence[int]

    def line(self, node: int) -> str:
        """Return the line of a node."""
        return self._lines[self._nodes[node]].rstrip("\r\n")

    def with_points(self, points: FloatArray, missing: tuple[int, int, int]) -> str:
        """
        Return the text with other coordinates; everything else is preserved.

        Parameters
        ----------
        points : ndarray, shape (N, 3)
            x, y, z of the nodes; NaN if unknown.
        missing : (int, int, int)
            Coordinates instead of unknown ones.
        """
        lines = list(self._lines)
        for place, point in zip(self._nodes, points.tolist(), strict=True):
            match = _NODE.fullmatch(lines[place])
            words = map(str, missing) if np.isnan(point).any() else map(double_text, point)
            if match is not None:
                lines[place] = f"{match[1]}{' '.join(words)}{match[5]}"
        return "".join(lines)


def read_swc(path: str | os.PathLike[str]) -> SwcFile:
    """
    Read an SWC file.

    Raises
    ------
    RecordError
        If a coordinate of a node is not a number; the message names file and line.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    # Line ends, and bytes that are not UTF-8, are preserved.
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = file.readlines()
    nodes, points = list[int](), list[list[float]]()
    for place, line in enumerate(lines):
        match = _NODE.fullmatch(line)
        if match is None:
            continue
        try:
            points.append([parse_double(match[number]) for number in (2, 3, 4)])
        except ValueError as error:
            raise RecordError(
                f"failed to parse {path}, line {place + 1}: expected id, type, x, y, z, radius and parent: got "
                f"{line.strip()!r}"
            ) from error
        nodes.append(place)
    return SwcFile(path, np.array(points, dtype=np.float64).reshape(-1, 3), lines, nodes)
