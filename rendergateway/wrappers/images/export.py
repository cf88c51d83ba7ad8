"""Export of sections to files: written atomically, drawn once, resumable."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from rendergateway.errors import ImageError
from rendergateway.model.records.record import Record
from rendergateway.model.records.stacks import StackRecord
from rendergateway.number_text import double_text
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.images.options import PictureOptions
from rendergateway.wrappers.images.picture import Picture, checked_kind
from rendergateway.wrappers.images.view import checked_scale

__all__ = ["Exported", "export", "file_name"]

_JOURNAL = ".rendergateway-export"
_COLUMNS = 3
_UNFINISHED = "-"
_DIGITS = 5


@attrs.frozen
class Exported:
    """
    The result of an export.

    Attributes
    ----------
    folder : Path
        The folder of the files.
    files : list of str
        File names, ordered by z.
    drawn : int
        Number of files written by this export; the others were up to date.
    """

    folder: Path
    files: list[str]
    drawn: int


def file_name(z: float, kind: str) -> str:
    """
    Return the file name of a section; names sort like z.

    Examples
    --------
    >>> file_name(3, "png"), file_name(12.5, "tif"), file_name(-2, "png")
    ('00003.0.png', '00012.5.tif', '-00002.0.png')
    """
    whole, _, part = double_text(abs(z)).partition(".")
    return f"{'-' if z < 0 else ''}{whole.zfill(_DIGITS)}.{part}.{kind}"


def export(
    stack: Bound[StackKey],
    to: str | os.PathLike[str],
    z_values: Callable[[], Sequence[float]],
    draw: Callable[[float], Picture],
    *,
    kind: str,
    mode: str | None,
    look: Mapping[str, Any],
    overwrite: bool,
    bulk: Bulk,
) -> Exported:
    """
    Draw sections into files; see `StackWrapper.export`.

    Parameters
    ----------
    stack : Bound
        The stack.
    to : path
        The folder.
    z_values : callable
        Returns z of the sections.
    draw : callable
        From z to the picture of a section.
    kind : str
        Format of the files.
    mode : str, optional
        As of `Picture.save`.
    look : mapping
        What the pictures depend on besides the stack: scale, box and options.
    overwrite : bool
        Whether to draw existing files again.
    bulk : Bulk
        Workers and progress.
    """
    checked_kind(f"a.{kind}")
    checked_scale(look["scale"])
    if kind.startswith("jp") and look["options"].dtype == "uint16":
        raise ImageError("JPEG files have 8 bits; use format='png' or 'tif', or leave out dtype='uint16'")
    # Read again: others may have changed the stack since it was loaded.
    state = StackRecord.from_json(stack.fetch("stack.read"))
    sections = z_values()
    if not sections:
        raise ImageError(f"stack {stack.key.stack} has no sections to export in this range")
    owner, mark = str(stack), _mark(stack, state, look)
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    journal = _Journal(folder / _JOURNAL)
    known = journal.read()
    # Tiles of a stack that is LOADING change without a trace.
    is_settled = state.state in ("COMPLETE", "READ_ONLY") and not overwrite

    files = {file_name(z, kind): z for z in sections}

    def write(name: str) -> bool:
        if (folder / name).exists() and not overwrite:
            entry = known.get(name)
            if entry is None or entry.owner != owner:
                raise _foreign_file(folder / name, entry, stack)
            if is_settled and entry.mark == mark:
                return False
        picture = draw(files[name])
        # Recorded before the file exists, so that an interrupted export recognises it as its own.
        journal.add(name, _Entry(owner, _UNFINISHED))
        picture.save(folder / name, mode=mode)
        journal.add(name, _Entry(owner, mark))
        return True

    written = mapped(write, list(files), bulk, what=f"Exporting {stack.key.stack}")
    return Exported(folder, list(files), sum(written))


def _foreign_file(path: Path, entry: _Entry | None, stack: Bound[StackKey]) -> ImageError:
    source = "was not made by an export" if entry is None else f"shows stack {entry.owner}"
    return ImageError(f"{path} exists and {source}; export {stack.key.stack} to another folder, or use overwrite=True")


def _mark(stack: Bound[StackKey], state: StackRecord, look: Mapping[str, Any]) -> str:
    """Return a hash of everything that the pictures depend on: the state of the stack, and the options."""
    words = [stack.client.server, *stack.key, str(state.modified), str(state.version_number)]
    words += [f"{name}={_words(value)}" for name, value in look.items()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _words(value: Any) -> str:
    if isinstance(value, PictureOptions):
        # Where a picture is drawn, and the tile limit, do not change its pixels.
        same = attrs.evolve(value, compute="service", max_tiles=None)
        return repr({name: _words(part) for name, part in attrs.asdict(same, recurse=False).items()})
    if isinstance(value, tuple):
        return repr([_words(part) for part in value])
    return value.to_json().decode() if isinstance(value, Record) else repr(value)


class _Entry(NamedTuple):
    """The stack that a file shows, and the hash of how it was drawn."""

    owner: str
    mark: str


class _Journal:
    """
    The exported files of a folder, as lines of name, stack and hash; the last line of a name is valid.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> dict[str, _Entry]:
        """Return the entry of each file."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        cut = [line.split("\t") for line in lines]
        # A truncated line has no valid hash, or none at all.
        return {parts[0]: _Entry(*parts[1:]) for parts in cut if len(parts) == _COLUMNS}

    def add(self, name: str, entry: _Entry) -> None:
        """Record a file."""
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write("\t".join((name, *entry)) + "\n")
