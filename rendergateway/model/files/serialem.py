"""Metadata files of SerialEM: ``.mdoc`` and ``.idoc``, blocks of keys and values."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from rendergateway.errors import RecordError

__all__ = ["Block", "SerialEMFile", "read_serialem"]

_HEAD = re.compile(r"\[\s*(\w+)\s*=\s*(.*?)\s*\]")
_LINE = re.compile(r"(\w+)\s*=\s*(.*)")


@attrs.frozen
class Block:
    """
    A section of a file, usually one image.

    Attributes
    ----------
    kind : str
        ``Image`` of an .idoc, ``ZValue`` of an .mdoc, ``MontSection``, ``FrameSet``, ``T``.
    name : str
        File of the image, or its number in the stack.
    values : mapping of str to str
    where : str
        File and line, for messages.
    """

    kind: str
    name: str
    values: Mapping[str, str]
    where: str

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        """
        Return the numbers of a key; None if it is missing.

        Raises
        ------
        RecordError
            If there are fewer, or one is not finite.
        """
        text = self.values.get(key)
        if text is None:
            return None
        try:
            found = tuple(map(float, text.split()[:count]))
        except ValueError:
            found = ()
        if len(found) < count or not all(map(math.isfinite, found)):
            raise RecordError(f"{self.where}: {key} must be {count} finite numbers: got {text!r}")
        return found


@attrs.frozen
class SerialEMFile:
    """Values of the whole file, and its blocks in order."""

    name: str
    values: Mapping[str, str]
    blocks: list[Block] = attrs.field(repr=False)


def read_serialem(path: str | os.PathLike[str]) -> SerialEMFile:
    """
    Read a metadata file.

    Raises
    ------
    RecordError
        If a line is neither a heading nor a key with its value; the message names the line.
    OSError
        If the file cannot be read.

    References
    ----------
    .. [1] SerialEM help, "File Formats": image metadata files in the autodoc format of IMOD.
    """
    name = os.fspath(path)
    whole: dict[str, str] = {}
    blocks: list[Block] = []
    values = whole
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(map(str.strip, file), 1):
            where = f"{name}, line {number}"
            if not line or line.startswith("#"):
                continue
            head = _HEAD.fullmatch(line)
            found = None if head else _LINE.fullmatch(line)
            if head:
                values = {}
                blocks.append(Block(head[1], head[2], values, where))
            elif found:
                values[found[1]] = found[2].strip()
            else:
                raise RecordError(f"{where}: expected [Kind = name] or Key = value: got {line[:60]!r}")
    if not blocks:
        raise RecordError(f"{name} has no blocks; expected an .mdoc or .idoc file of SerialEM")
    return SerialEMFile(name, whole, blocks)
