"""Which images may be opened, and where they are found on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs

from rendergateway.errors import ImageError

__all__ = ["ImageOpener", "Opener", "file_path"]

# From the address of an image to a file on this machine, or to what stands in it. Raises an `ImageError` for what
# may not be opened, or cannot be.
Opener = Callable[[str], "Path | bytes"]


def file_path(url: str) -> str | None:
    """
    Return the path that *url* names: it is one, or a ``file:`` address; None for other addresses.

    Examples
    --------
    >>> file_path("file:///data/tile%201.png"), file_path("/data/a.png"), file_path("s3://bucket/a.png")
    ('/data/tile 1.png', '/data/a.png', None)
    """
    if url.startswith("file:"):
        return "/" + unquote(url.removeprefix("file:")).lstrip("/")
    return None if ":" in url.partition("/")[0] else url


def _mapping(paths: Mapping[str, str] | None) -> dict[str, str]:
    # The longest beginning counts.
    return dict(sorted((paths or {}).items(), key=lambda item: -len(item[0])))


@attrs.frozen
class ImageOpener:
    """
    Opens images as a client may: files, and addresses elsewhere where that is allowed.

    Parameters
    ----------
    paths : mapping of str to str, optional
        From the beginning of the service's paths to that of mine: ``{"/groups/": "/mnt/groups/"}``.
    remote : bool
        Whether ``http:``, ``https:``, ``s3:`` and the like may be opened, through fsspec.

    Examples
    --------
    >>> str(ImageOpener({"/groups/": "/mnt/groups/"})("file:///groups/a.png"))
    '/mnt/groups/a.png'
    """

    paths: Mapping[str, str] = attrs.field(factory=dict, converter=_mapping, hash=False)
    remote: bool = False

    def __call__(self, url: str) -> Path | bytes:
        """Return the file that *url* names, or what stands in it."""
        path = file_path(url)
        for theirs, mine in self.paths.items():
            for text in filter(None, (path, url)):
                if text.startswith(theirs):
                    return self._opened(mine + text[len(theirs) :])
        return self._opened(url)

    def _opened(self, url: str) -> Path | bytes:
        path = file_path(url)
        if path is not None:
            return Path(path)
        if not self.remote:
            scheme = url.partition(":")[0]
            raise ImageError(f"addresses with {scheme}: are not opened unless remote images are allowed")
        return _fetched(url)


def _fetched(url: str) -> bytes:
    try:
        import fsspec
    except ImportError as error:
        raise ImageError("images elsewhere need the library fsspec: pip install 'rendergateway[remote]'") from error
    try:
        with fsspec.open(url, "rb") as file:
            data: Any = file.read()
    except Exception as error:  # each of its back ends raises errors of its own
        raise ImageError(f"it cannot be fetched: {error}") from error
    return bytes(data)
