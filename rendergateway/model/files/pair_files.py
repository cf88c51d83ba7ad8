"""Files of tile pairs: the pairs, and the URL template of the render parameters of their tiles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.files.gzipped import opened
from rendergateway.model.files.objects import write_file
from rendergateway.model.records.json_slices import decode, encode
from rendergateway.model.tables.pair_table import PairTable

__all__ = ["PairFile", "PairWriter", "read_pairs"]

# Pairs that are encoded at once.
_BLOCK = 20_000
_SUFFIXES = (".json.gz", ".json", ".gz")


@attrs.frozen(eq=False)
class PairFile:
    """
    The contents of a pair file.

    Attributes
    ----------
    template : str
        URL of the render parameters of a tile; ``{baseDataUrl}``, ``{groupId}`` and ``{id}`` are replaced by the
        base URL of the service, and group and id of the tile.
    pairs : PairTable
    """

    template: str
    pairs: PairTable


class _Side(msgspec.Struct, omit_defaults=True, gc=False):
    groupId: str  # noqa: N815
    id: str
    relativePosition: str | None = ""  # noqa: N815


class _Pair(msgspec.Struct, omit_defaults=True, gc=False):
    p: _Side
    q: _Side
    absoluteDeltaZ: float | None = None  # noqa: N815


class _File(msgspec.Struct):
    renderParametersUrlTemplate: str  # noqa: N815
    neighborPairs: list[_Pair]  # noqa: N815


_encoder = msgspec.json.Encoder()


def read_pairs(path: str | os.PathLike[str]) -> PairFile:
    """
    Read a pair file, plain or gzipped.

    Raises
    ------
    RecordError
        If it is not one; the message names it.
    OSError
        If it cannot be read.
    """
    with opened(path) as file:
        text = file.read()
    try:
        found: _File = decode(text, _File)
    except RecordError as error:
        raise RecordError(f"{os.fspath(path)} is not a file of tile pairs: {error}") from error
    rows = found.neighborPairs
    columns: dict[str, Any] = {}
    for name in ("p", "q"):
        sides = [getattr(row, name) for row in rows]
        columns[f"{name}_group"] = [side.groupId for side in sides]
        columns[f"{name}_id"] = [side.id for side in sides]
        columns[f"{name}_position"] = [side.relativePosition or "" for side in sides]
    return PairFile(
        found.renderParametersUrlTemplate, PairTable(**columns, delta_z=[row.absoluteDeltaZ or 0.0 for row in rows])
    )


class PairWriter:
    """
    Writes pairs to one file, or to parts of a limited number of pairs.

    Parameters
    ----------
    path : str or Path
        Name of the file, gzipped if it ends in ``.gz``; of parts ``NAME_p000.json``, ``NAME_p001.json``, …
    template : str
        The URL template, see `PairFile`.
    most : int
        Pairs per file; less than 1 counts as 1.

    Attributes
    ----------
    files : list of Path
        The files written so far; each is complete.
    count : int
        The pairs in them.

    Notes
    -----
    Pairs are kept until there are more than *most*; then full parts are written. No pairs make no file.
    """

    def __init__(self, path: str | os.PathLike[str], template: str, most: int) -> None:
        self.files: list[Path] = []
        self.count = 0
        self._path = Path(path)
        self._template = template
        self._most = max(1, most)

    def write_full(self, pairs: PairTable) -> PairTable:
        """Write full parts of sorted *pairs* if they are too many for one file; return the rest."""
        if len(pairs) <= self._most:
            return pairs
        whole = len(pairs) - len(pairs) % self._most
        for start in range(0, whole, self._most):
            self._write(self._part(), pairs[start : start + self._most])
        return pairs[whole:]

    def write_rest(self, pairs: PairTable) -> None:
        """Write the last pairs: to the file itself if there are no parts."""
        if len(pairs):
            self._write(self._part() if self.files else self._path, pairs)

    def _part(self) -> Path:
        name = self._path.name
        suffix = next((one for one in _SUFFIXES if name.endswith(one)), "")
        return self._path.with_name(f"{name.removesuffix(suffix)}_p{len(self.files):03d}{suffix}")

    def _write(self, path: Path, pairs: PairTable) -> None:
        with write_file(path) as file:
            file.write(b'{\n"renderParametersUrlTemplate":%b,\n"neighborPairs":[\n' % encode(self._template))
            for start in range(0, len(pairs), _BLOCK):
                file.write((b",\n" if start else b"") + _lines(pairs[start : start + _BLOCK]))
            file.write(b"\n]}\n")
        self.files.append(path)
        self.count += len(pairs)


def _lines(pairs: PairTable) -> bytes:
    """Return pairs as JSON, one per line."""
    names = ("group", "id", "position")
    sides = (map(_Side, *(getattr(pairs, f"{side}_{name}").tolist() for name in names)) for side in "pq")
    # Within a layer there are positions in place of the distance.
    deltas = (None if at else z for at, z in zip(pairs.p_position.tolist(), pairs.delta_z.tolist(), strict=True))
    lines = _encoder.encode_lines(map(_Pair, *sides, deltas))
    return lines[:-1].replace(b"\n", b",\n")
