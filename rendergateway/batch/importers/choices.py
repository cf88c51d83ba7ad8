"""Values of the options of importers: light, because the command line reads them whenever it starts."""

from __future__ import annotations

import os

__all__ = ["CHECKS", "FORMATS", "ORDER", "STORED", "format_of"]

ORDER, STORED = "order", "stored"
CHECKS = ("pixels", "headers")
FORMATS = ("trakem2", "serialem", "karsh")
_SUFFIXES = {".xml": "trakem2", ".xml.gz": "trakem2", ".mdoc": "serialem", ".idoc": "serialem"}


def format_of(path: str | os.PathLike[str]) -> str | None:
    """
    Return the format of a project by its suffix; None if it is unknown.

    Examples
    --------
    >>> format_of("a.xml.gz"), format_of("grid.idoc"), format_of("images")
    ('trakem2', 'serialem', None)
    """
    name = os.fspath(path).lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), None)
