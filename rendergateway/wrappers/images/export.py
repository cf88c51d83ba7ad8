"""Sections to files: each written whole, none drawn twice, taken up where it was broken off."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.model import Record, StackRecord
from rendergateway.number_text import double_text
from rendergateway.progress import Progress
from rendergateway.wrappers.images.options import PictureOptions
from rendergateway.wrappers.images.picture import checked_kind
from rendergateway.wrappers.images.render import image_of_section
from rendergateway.wrappers.images.view import checked_scale

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["Exported", "export", "file_name"]

_JOURNAL = ".rendergateway-export"
_COLUMNS = 3
_UNFINISHED = "-"
_DIGITS = 5


@attrs.frozen
class Exported:
    """
    What an export left in its folder.

    Attributes
    ----------
    folder : Path
        Where the files are.
    files : list of str
        Their names, by z.
    drawn : int
        How many were written by this export; the others were there.
    """

    folder: Path
    files: list[str]
    drawn: int


def file_name(z: float, kind: str) -> str:
    """
    Return the name of a section's file: names sort as sections do.

    Examples
    --------
    >>> file_name(3, "png"), file_name(12.5, "tif"), file_name(-2, "png")
    ('00003.0.png', '00012.5.tif', '-00002.0.png')
    """
    whole, _, part = double_text(abs(z)).partition(".")
    return f"{'-' if z < 0 else ''}{whole.zfill(_DIGITS)}.{part}.{kind}"


def export(
    stack: StackWrapper,
    to: str | os.PathLike[str],
    *,
    kind: str,
    scale: float,
    z: Any,
    box: Bounds | None,
    overwrite: bool,
    workers: int,
    progress: Progress,
    options: PictureOptions,
) -> Exported:
    """Draw sections into files; see `StackPictures.export`."""
    checked_kind(f"a.{kind}")
    checked_scale(scale)
    if kind.startswith("jp") and options.dtype == "uint16":
        raise ImageError("a JPEG holds 8 bits: export format='png' or 'tif', or without dtype='uint16'")
    # Asked for anew: others may have changed the stack since it was read here.
    state = StackRecord.from_json(stack._text("stack.read"))
    sections = stack.sections(z)
    if not len(sections):
        raise ImageError(f"stack {stack} has no sections to export" + ("" if z is None else f" at z {z}"))
    whose, mark = "/".join(stack._key), _mark(stack, state, {"scale": scale, "box": box, "options": options})
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    journal = _Journal(folder / _JOURNAL)
    known = journal.read()
    # Tiles of a stack that is open change without a trace.
    is_settled = state.state in ("COMPLETE", "READ_ONLY") and not overwrite

    def put(section: SectionWrapper) -> bool:
        name = file_name(section.z, kind)
        if (folder / name).exists() and not overwrite:
            entry = known.get(name)
            if entry is None or entry.whose != whose:
                raise _not_ours(folder / name, entry, stack)
            if is_settled and entry.mark == mark:
                return False
        picture = image_of_section(section, box, scale, options)
        # Said before it is there, so that it is known as ours should this be broken off.
        journal.add(name, _Entry(whose, _UNFINISHED))
        picture.save(folder / name)
        journal.add(name, _Entry(whose, mark))
        return True

    drawn = sections.map(put, workers=workers, progress=progress)
    return Exported(folder, [file_name(section.z, kind) for section in sections], sum(drawn))


def _not_ours(path: Path, entry: _Entry | None, stack: StackWrapper) -> ImageError:
    holder = "was not made by an export" if entry is None else f"shows stack {entry.whose}"
    return ImageError(
        f"{path} is there and {holder}; export {stack} to another folder, or let it take the place (overwrite)"
    )


def _mark(stack: StackWrapper, state: StackRecord, look: Mapping[str, Any]) -> str:
    """Return what differs as soon as the pictures would: the state of the stack, and how they are to look."""
    words = [stack._conn.server, *stack._key, str(state.modified), str(state.version_number)]
    words += [f"{name}={_words(value)}" for name, value in look.items()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _words(value: Any) -> str:
    if isinstance(value, PictureOptions):
        # Who draws, and how many tiles at most, makes no other picture.
        same = attrs.evolve(value, render="service", max_tiles=None)
        return repr({name: _words(part) for name, part in attrs.asdict(same, recurse=False).items()})
    if isinstance(value, tuple):
        return repr([_words(part) for part in value])
    return value.to_json().decode() if isinstance(value, Record) else repr(value)


class _Entry(NamedTuple):
    """Which stack a file shows, and the mark of how."""

    whose: str
    mark: str


class _Journal:
    """
    What files of a folder show, as lines: name, stack, mark; the last one of a name counts.

    Parameters
    ----------
    path : Path
        The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> dict[str, _Entry]:
        """Return what is known of each file."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        cut = [line.split("\t") for line in lines]
        # A line that broke off has no mark that fits, or none at all.
        return {parts[0]: _Entry(*parts[1:]) for parts in cut if len(parts) == _COLUMNS}

    def add(self, name: str, entry: _Entry) -> None:
        """Take note of what a file shows."""
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write("\t".join((name, *entry)) + "\n")
