"""Locations of images: from URLs to local files or bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from rendergateway.errors import ImageError, MissingExtraError
from rendergateway.extras import needed_for
from rendergateway.local_files import MOST_FILE_BYTES, LocalFile, file_path

__all__ = ["Files", "ImageOpener", "Opener", "files_of", "state_of"]

# From the URL of an image to a local file, or to the contents of a file. Raises `ImageError` for URLs that may not or
# cannot be opened.
Opener = Callable[[str], "Path | bytes"]
# The same with files that are checked when they are opened.
Files = Callable[[str], "LocalFile | bytes"]


def files_of(opener: Opener | Files) -> Files:
    """Return an opener whose files are checked when they are opened."""

    def opened(url: str) -> LocalFile | bytes:
        source = opener(url)
        return source if isinstance(source, (bytes, LocalFile)) else LocalFile(os.fspath(source))

    return opened


def state_of(file: LocalFile) -> os.stat_result:
    """
    Return size and time of change of a file or folder.

    Raises
    ------
    ImageError
        If it is missing, may not be opened, or is of another kind.
    """
    try:
        return file.state()
    except FileNotFoundError as error:
        raise ImageError(f"file not found: got {file.path!r}") from error
    except OSError as error:
        raise ImageError(f"file cannot be read: {error.strerror}: got {file.path!r}") from error


def _mapping(paths: Mapping[str, str] | None) -> dict[str, str]:
    # The longest prefix counts.
    return dict(sorted((paths or {}).items(), key=lambda item: -len(item[0])))


@attrs.frozen
class ImageOpener:
    """
    Opens images for a client: local files and, on request, remote URLs.

    Parameters
    ----------
    paths : mapping of str to str, optional
        From path prefixes of the service to local prefixes: ``{"/groups/": "/mnt/groups/"}``.
    remote : bool
        Whether ``http:``, ``https:``, ``s3:`` and other URLs may be opened, through fsspec.

    Examples
    --------
    >>> str(ImageOpener({"/groups/": "/mnt/groups/"})("file:///groups/a.png"))
    '/mnt/groups/a.png'
    """

    paths: Mapping[str, str] = attrs.field(factory=dict, converter=_mapping, hash=False)
    remote: bool = False

    def __call__(self, url: str) -> Path | bytes:
        """Return the file at *url*, or its contents."""
        path = file_path(url)
        for prefix, local in self.paths.items():
            for text in filter(None, (path, url)):
                if text.startswith(prefix):
                    return self._opened(local + text[len(prefix) :])
        return self._opened(url)

    def _opened(self, url: str) -> Path | bytes:
        path = file_path(url)
        if path is not None:
            return Path(path)
        if not self.remote:
            scheme = url.partition(":")[0]
            raise ImageError(f"remote image not allowed: got a URL of scheme {scheme}; allow remote images to open it")
        return _fetched(url)


def _fetched(url: str) -> bytes:
    try:
        with needed_for("fetching it"):
            import fsspec
    except MissingExtraError as error:
        raise ImageError(str(error)) from error
    try:
        opened: Any = fsspec.open(url, "rb")
        with opened as file:
            data = file.read(MOST_FILE_BYTES + 1)
    except Exception as error:  # each back end raises its own errors
        raise ImageError(f"image cannot be downloaded: {error}") from error
    if len(data) > MOST_FILE_BYTES:
        raise ImageError(f"image too large: the limit of a download is {MOST_FILE_BYTES} bytes")
    return bytes(data)
