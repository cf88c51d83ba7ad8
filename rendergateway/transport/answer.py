"""Answers: status, headers and body."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import attrs

from rendergateway.errors import AnswerError, RecordError
from rendergateway.model.records.json_slices import decode, shown
from rendergateway.transport.limits import MalformedError
from rendergateway.transport.sentences import sentence_of

if TYPE_CHECKING:
    import requests

__all__ = ["Answer", "Sink", "TooLargeError", "read_body"]

_PIECE = 1 << 20
# The cache of a processor.
_SINK_PIECE = 1 << 18
# Bytes read at once, by content encoding. Compressed ones expand up to a thousand times before the limit is checked.
_PIECES = {"identity": _PIECE, "": _PIECE, "gzip": 1 << 16, "x-gzip": 1 << 16, "deflate": 1 << 16}
# First and last byte distinguish JSON of an endpoint from other answers and truncated ones, at constant cost.
_BRACKETS = {"list": (b"[", b"]"), "object": (b"{", b"}")}
_NUMBER_STARTS = frozenset(b"%c" % digit for digit in b'-0123456789"')
_SHOWN = 60


class TooLargeError(Exception):
    """The body exceeds the size limit."""


class Sink(Protocol):
    """Takes a JSON list in pieces, as it arrives; a method ``finish``, if there is one, is called after the last."""

    def write(self, piece: bytes, /) -> Any:
        """Take the next piece."""


@attrs.frozen
class Answer:
    """
    A complete answer.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : mapping of str to str
        Headers; names are case-insensitive.
    content : bytes
        The body, decompressed; empty if a sink took it.
    method, url : str
        HTTP method and URL of the request.
    attempts : int
        Number of attempts.
    elapsed_s : float
        Seconds from the first attempt to the end of the body.
    sink : Sink, optional
        What took the body.
    size : int
        Length of the body.
    end : bytes
        Its last bytes, if a sink took it.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    method: str = ""
    url: str = ""
    attempts: int = 1
    elapsed_s: float = 0.0
    sink: Sink | None = attrs.field(default=None, repr=False)
    size: int = 0
    end: bytes = attrs.field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """The body as text; invalid UTF-8 is replaced by �."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """
        Parse the body as JSON; None if it is empty.

        Raises
        ------
        AnswerError
            If the body is not JSON.
        """
        if not self.content:
            return None
        try:
            return decode(self.content)
        except RecordError as error:
            raise self._unusable(f"the answer is not JSON: {error}") from error

    def check_kind(self, kind: str) -> None:
        """
        Check that the body of a successful answer is of the endpoint's kind.

        Parameters
        ----------
        kind : str
            `Endpoint.answer`.

        Raises
        ------
        AnswerError
            If the body is an HTML page, missing, truncated, or JSON of another kind.
        """
        if self.sink is not None:
            if self.end.rstrip()[-1:] != b"]":
                raise self._unusable(_truncated(self.size))
            return
        wanted = _BRACKETS.get(kind)
        if (self.content[:1], self.content[-1:]) == wanted:
            return
        if self.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise self._unusable("the answer is an HTML page; is there a proxy or a login page?")
        if kind in ("empty", "text") or (self.status == 204 and kind in ("object", "scalar")):
            return
        if not self.content:
            raise self._unusable(f"the answer is empty; expected {'an image' if kind == 'bytes' else 'JSON'}")
        start, end = self.content[:_SHOWN].lstrip()[:1], self.content[-_SHOWN:].rstrip()[-1:]
        if wanted is None:
            is_whole = kind == "bytes" or start in _NUMBER_STARTS
        elif start == wanted[0] and end != wanted[1]:
            raise self._unusable(_truncated(len(self.content)))
        else:
            is_whole = start == wanted[0]
        if not is_whole:
            raise self._unusable(f"the answer is not JSON of this endpoint, {kind}: got {shown(self.content)}")

    def finish_sink(self, sink: Sink) -> None:
        """
        Call the method ``finish``, if there is one, of a sink that took the body.

        Raises
        ------
        AnswerError
            If the sink finds that it is not JSON.
        """
        finish = getattr(sink, "finish", None)
        if finish is None:
            return
        try:
            finish()
        except RecordError as error:
            raise self._unusable(f"the answer is not JSON: {error}") from error

    def _unusable(self, message: str) -> AnswerError:
        return AnswerError(message, method=self.method, url=self.url, attempts=self.attempts, elapsed_s=self.elapsed_s)

    @property
    def location(self) -> str:
        """Target of a redirection without user name, password and query; empty if missing or invalid."""
        try:
            split = urlsplit(self.headers.get("Location", ""))
        except ValueError:
            return ""
        return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", ""))

    @property
    def sentence(self) -> str:
        """The service's own message about a refusal, in one line; empty if there is none; see `sentence_of`."""
        return sentence_of(self.status, self.headers.get("Content-Type", "").lower(), self.content)


def _truncated(size: int) -> str:
    return f"the answer is not JSON: truncated after {size} bytes"


def read_body(
    response: requests.Response, limit: int, sink: Sink | None = None
) -> tuple[bytes, Sink | None, int, bytes]:
    """
    Read the body of a streamed *response* into one buffer; large bodies are never in memory twice.

    Parameters
    ----------
    response : requests.Response
        Status and headers have been read.
    limit : int
        Largest length.
    sink : Sink, optional
        Takes the pieces of a successful answer that begins like a JSON list.

    Returns
    -------
    content : bytes
        The body; empty if the sink took it.
    sink : Sink, optional
        The sink, if it took the body.
    size : int
        Length of the body.
    end : bytes
        Its last bytes, if the sink took it.

    Raises
    ------
    MalformedError
        If it is compressed in a way that was not accepted.
    TooLargeError
        If the body is longer than *limit* bytes, decompressed.
    """
    raw, encoding = response.raw, response.headers.get("Content-Encoding", "identity").strip().lower()
    announced = response.headers.get("Content-Length")
    length = None if announced is None else int(announced)
    if encoding not in _PIECES:
        raise MalformedError(f"it is in {encoding!r}, which was not accepted")
    if length is not None and length > limit:
        raise TooLargeError
    if response.status_code == 204 and (length or "Transfer-Encoding" in response.headers):
        # Closing the response unread closes its connection, and with it the body that must not be there.
        return b"", None, 0, b""
    if length is not None and length <= _PIECE and encoding == "identity" and sink is None:
        small: bytes = raw.read(decode_content=True)
        return small, None, len(small), b""
    # BytesIO.getvalue() does not copy, and memory views of bytes cost half of those of a bytearray.
    body, size, end = io.BytesIO(), 0, b""
    taking = sink if response.status_code == 200 else None
    for piece in raw.stream(_PIECES[encoding] if sink is None else _SINK_PIECE, decode_content=True):
        if not size and piece[:1] != b"[":
            taking = None
        (body if taking is None else taking).write(piece)
        end = (end + piece[-_SHOWN:])[-_SHOWN:]
        size += len(piece)
        if size > limit:
            raise TooLargeError
    if taking is None or not size:
        return body.getvalue(), None, size, b""
    return b"", taking, size, end
