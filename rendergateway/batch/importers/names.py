"""Image files of folders, and the values in their names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from rendergateway.errors import ImageError, RecordError
from rendergateway.wrappers.core.labels import natural_order

__all__ = ["IMAGE_SUFFIXES", "NamePattern", "image_files", "tile_ids"]

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_NUMBER, _COUNT = r"-?\d+(?:\.\d+)?", r"\d+"
# Field of a pattern → regular expression.
_FIELDS = {
    "section": r"[^/]+?",
    "z": _NUMBER,
    "row": _COUNT,
    "col": _COUNT,
    "x": _NUMBER,
    "y": _NUMBER,
    "tile": r"[^/]+?",
    "camera": r"[^/]+?",
}
_SAME = {"column": "col", "slice": "section", "layer": "section", "tile_id": "tile"}
_TOKEN = re.compile(r"\{(\w*)\}|(\*)")


def image_files(images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Path, list[Path]]:
    """
    Return the image files of a folder with its subfolders, of a glob, or of a list, in natural order of their names.

    Returns
    -------
    folder : Path
        The folder that all are in.
    files : list of Path
        Absolute paths. Files of a list need not exist.

    Raises
    ------
    ImageError
        If a folder is missing, or has no images, or a glob matches none.
    """
    if not isinstance(images, str | os.PathLike):
        files = [Path(os.path.abspath(os.fspath(one))) for one in images]
        return _common(files), files
    text = os.path.expanduser(os.fspath(images))
    if os.path.isdir(text):
        folder = Path(os.path.abspath(text))
        files = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
        if not files:
            raise ImageError(f"folder without images: got {text!r}; image files end in {', '.join(IMAGE_SUFFIXES)}")
        return folder, sorted(files, key=_by_name)
    found = [Path(os.path.abspath(name)) for name in glob.glob(text, recursive=True) if os.path.isfile(name)]
    if not found:
        raise ImageError(f"no images found: got {text!r}; pass an existing folder, or a pattern such as 'images/*.tif'")
    return _common(found), sorted(found, key=_by_name)


def _by_name(path: Path) -> tuple[str | int, ...]:
    return natural_order(os.fspath(path))


def _common(files: Sequence[Path]) -> Path:
    parents = {os.fspath(path.parent) for path in files}
    return Path(os.path.commonpath(parents)) if parents else Path(os.path.abspath("."))


def tile_ids(folder: Path, files: Sequence[Path]) -> dict[Path, str]:
    """
    Return a tile id per file: its name without suffix; if files are in several folders, the path with ``_`` for ``/``.

    Examples
    --------
    >>> list(tile_ids(Path("/d"), [Path("/d/1/a.tif"), Path("/d/2/a.tif")]).values())
    ['1_a', '2_a']
    """
    if len({path.parent for path in files}) <= 1:
        return {path: path.stem for path in files}
    return {path: "_".join(path.relative_to(folder).with_suffix("").parts) for path in files}


@attrs.frozen
class NamePattern:
    """
    A pattern of file names with named fields, such as ``{section}_{row}_{col}.tif``.

    Parameters
    ----------
    text : str
        Fields in braces: section, z, row, col, x, y, tile or camera; ``{}`` and ``*`` match anything. With a slash it
        is compared with the end of the path, else with the name of the file. Case is ignored.

    Raises
    ------
    RecordError
        If it has no field, an unknown one, or one twice.

    Examples
    --------
    >>> NamePattern("{section}_{row}_{col}.tif").values(Path("/data/s_01_003_012.tif"))
    {'section': 's_01', 'row': '003', 'col': '012'}
    """

    text: str
    _expression: re.Pattern[str] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        parts, at, seen = [], 0, set[str]()
        for token in _TOKEN.finditer(self.text):
            parts.append(re.escape(self.text[at : token.start()]))
            at = token.end()
            name = _SAME.get(token[1] or "", token[1] or "")
            if name and name not in _FIELDS:
                raise RecordError(f"unknown field in pattern {self.text!r}: got {{{name}}}; use {', '.join(_FIELDS)}")
            if name in seen:
                raise RecordError(
                    f"field twice in pattern {self.text!r}: got {{{name}}}; use {{}} for a part to ignore"
                )
            if name:
                seen.add(name)
            parts.append(f"(?P<{name}>{_FIELDS[name]})" if name else "[^/]*?")
        if not seen:
            raise RecordError(
                f"pattern without fields: got {self.text!r}; write names such as '{{section}}_{{row}}_{{col}}.tif'"
            )
        parts.append(re.escape(self.text[at:]))
        object.__setattr__(self, "_expression", re.compile("".join(parts), re.IGNORECASE))

    def values(self, path: Path) -> Mapping[str, str] | None:
        """Return the texts of the fields in a path; None if it does not match."""
        depth = self.text.count("/") + 1
        found = self._expression.fullmatch("/".join(path.parts[-depth:]))
        return None if found is None else found.groupdict()
