"""Opening of local files: regular files only, below the allowed folders, without waiting for a writer."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import unquote

import attrs

__all__ = ["MOST_FILE_BYTES", "LocalFile", "OutsideError", "file_path"]

# Files that are read as a whole must not be larger.
MOST_FILE_BYTES = 2**30

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
_LINKS = "/proc/self/fd"


class OutsideError(FileNotFoundError):
    """A file outside of the roots, whether or not it exists."""


def file_path(url: str) -> str | None:
    """
    Return the path of a ``file:`` URL, or *url* itself if it is a path; None for other URLs.

    Examples
    --------
    >>> file_path("file:///data/tile%201.png"), file_path("/data/a.png"), file_path("s3://bucket/a.png")
    ('/data/tile 1.png', '/data/a.png', None)
    """
    if url.startswith("file:"):
        return "/" + unquote(url.removeprefix("file:")).lstrip("/")
    return None if ":" in url.partition("/")[0] else url


@attrs.frozen
class LocalFile(os.PathLike[str]):
    """
    A file or folder that an image URL, or another file, names.

    Every method checks the real file, behind all links. All errors are `OSError`; a file outside of the roots is
    reported as missing, so that its existence cannot be tested.

    Parameters
    ----------
    path : str
        Relative paths are below the working directory; with roots, they name no file.
    roots : tuple of str, optional
        Real paths of the folders that the file must be in. None: any folder.

    Examples
    --------
    >>> LocalFile("/dev/zero").read()
    Traceback (most recent call last):
        ...
    OSError: [Errno 22] not a regular file: '/dev/zero'
    """

    path: str
    roots: tuple[str, ...] | None = None

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def joined(self, *names: str) -> LocalFile:
        """Return a file or folder of this folder."""
        return LocalFile(os.path.join(self.path, *names), self.roots)

    def state(self) -> os.stat_result:
        """
        Return size and time of change.

        Raises
        ------
        OSError
            If it is missing, outside of the roots, or neither a regular file nor a folder.
        """
        return _checked(self._state_of(self._real()), self.path, folders=True)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file below the roots."""
        return self._is(stat.S_ISREG)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder below the roots."""
        return self._is(stat.S_ISDIR)

    def _is(self, kind: Callable[[int], bool]) -> bool:
        try:
            return kind(self.state().st_mode)
        except OSError:
            return False

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        Raises
        ------
        OSError
            If it is missing, outside of the roots, not a regular file, or unreadable.
        """
        real = self._real()
        # Opening a device may have an effect, so its kind is known before, too.
        _checked(self._state_of(real), self.path)
        descriptor = os.open(real, _FLAGS)
        try:
            _checked(os.fstat(descriptor), self.path)
            if self.roots is not None:
                # A folder of the path may have been replaced by a link since.
                self._check_below(_opened_path(descriptor, real))
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")

    def read(self, most: int = MOST_FILE_BYTES) -> bytes:
        """
        Return the contents of the file.

        Raises
        ------
        OSError
            As `open`, or if it has more than *most* bytes.
        """
        with self.open() as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most + 1) if size <= most else b""
        if size > most or len(data) > most:
            raise OSError(errno.EFBIG, f"file too large: the limit is {most} bytes", self.path)
        return data

    def _real(self) -> str:
        try:
            named = b"\0" not in os.fsencode(self.path)
        except UnicodeEncodeError:
            named = False
        if not named:
            raise _missing(self.path)
        if self.roots is None:
            return self.path
        if not os.path.isabs(self.path):
            raise _missing(self.path, OutsideError)
        real = os.path.realpath(self.path)
        self._check_below(real)
        return real

    def _check_below(self, real: str) -> None:
        if not any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in self.roots or ()):
            raise _missing(self.path, OutsideError)

    def _state_of(self, real: str) -> os.stat_result:
        try:
            return os.stat(real)
        except OSError as error:
            # The message names the file as it was given.
            raise OSError(error.errno, error.strerror, self.path) from error


def _missing(path: str, kind: type[FileNotFoundError] = FileNotFoundError) -> FileNotFoundError:
    return kind(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _checked(state: os.stat_result, path: str, *, folders: bool = False) -> os.stat_result:
    if stat.S_ISREG(state.st_mode) or (folders and stat.S_ISDIR(state.st_mode)):
        return state
    raise OSError(errno.EINVAL, "not a regular file", path)


def _opened_path(descriptor: int, real: str) -> str:
    """Return the real path of an open file."""
    try:
        return os.readlink(f"{_LINKS}/{descriptor}")
    except OSError:
        pass
    import fcntl

    if hasattr(fcntl, "F_GETPATH"):
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    # Neither Linux nor macOS: the path must still lead to the file that was opened.
    again = os.path.realpath(real)
    return again if os.path.samestat(os.stat(again), os.fstat(descriptor)) else ""
