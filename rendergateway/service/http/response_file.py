"""The body of a WSGI answer as a file object for requests."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["ResponseFile"]


class ResponseFile(io.RawIOBase):
    """The body of a WSGI answer as a file object; holds only the current piece in memory."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._source = pieces
        self._pieces = iter(pieces)
        self._piece = b""

    def readable(self) -> bool:
        """Whether the body can be read: always."""
        return True

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the pieces as they arrive, like urllib3."""
        try:
            if self._piece:
                yield self._piece
            yield from filter(None, self._pieces)
        finally:
            self.close()

    def read(self, size: int | None = -1, decode_content: bool | None = None) -> bytes:
        """Return at most *size* bytes; all of them if it is None or negative."""
        if self.closed:
            return b""
        if size is None or size < 0:
            return b"".join(self.stream())
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                self.close()
                return b""
            self._piece = piece
        text, self._piece = self._piece[:size], self._piece[size:]
        return text

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* from the next piece; return the number of bytes."""
        text = self.read(len(buffer))
        buffer[: len(text)] = text
        return len(text)

    def close(self) -> None:
        """Close the answer, and with it its transaction."""
        if not self.closed:
            close = getattr(self._source, "close", None)
            super().close()
            if close is not None:
                close()

    def release_conn(self) -> None:
        """Close the answer; requests calls this when it has read it."""
        self.close()
