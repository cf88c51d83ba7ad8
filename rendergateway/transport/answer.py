"""Answers: status, headers and body."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import attrs

from rendergateway.errors import AnswerError, RecordError
from rendergateway.model.records.json_slices import decode

if TYPE_CHECKING:
    import requests

__all__ = ["Answer", "TooLargeError", "read_body"]

_PIECE = 1 << 20
# First and last byte distinguish JSON from HTML pages and truncated answers, at constant cost.
_WHOLE_JSON = {b"{": b"}", b"[": b"]"}
_JSON_KINDS = frozenset({"list", "object"})
_TAG = re.compile(r"<[^>]*>")


class TooLargeError(Exception):
    """The body exceeds the size limit."""


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
        The body, decompressed.
    method, url : str
        HTTP method and URL of the request.
    attempts : int
        Number of attempts.
    elapsed_s : float
        Seconds from the first attempt to the end of the body.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    method: str = ""
    url: str = ""
    attempts: int = 1
    elapsed_s: float = 0.0

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
            If the body is an HTML page, empty, or truncated JSON.
        """
        start, end = self.content[:1], self.content[-1:]
        if kind == "empty" or self.status == 204 or (kind in _JSON_KINDS and _WHOLE_JSON.get(start) == end):
            return
        if self.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise self._unusable("the answer is an HTML page; is there a proxy or a login page?")
        if kind not in _JSON_KINDS:
            return
        if not start:
            raise self._unusable("the answer is empty; expected JSON")
        if start in _WHOLE_JSON and end != _WHOLE_JSON[start] and self.content.rstrip()[-1:] != _WHOLE_JSON[start]:
            raise self._unusable(f"the answer is not JSON: truncated after {len(self.content)} bytes")

    def _unusable(self, message: str) -> AnswerError:
        return AnswerError(message, method=self.method, url=self.url, attempts=self.attempts, elapsed_s=self.elapsed_s)

    @property
    def location(self) -> str:
        """Target of a redirection without user name, password and query; empty if missing."""
        split = urlsplit(self.headers.get("Location", ""))
        return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", ""))

    @property
    def sentence(self) -> str:
        """
        The service's own message about a refusal; empty if the answer is from a proxy or the web framework.

        The service's messages are plain text, except for invalid JSON (400), which it reports in one line of HTML.
        """
        kind = self.headers.get("Content-Type", "").lower()
        if kind.startswith("text/plain"):
            return self.text.strip()
        if self.status == 400 and kind.startswith("text/html"):
            import html

            return html.unescape(_TAG.sub(" ", self.text)).strip().partition("\n")[0]
        return ""


def read_body(response: requests.Response, limit: int) -> bytes:
    """
    Read the body of a streamed *response* into one buffer; large bodies are never in memory twice.

    Raises
    ------
    TooLargeError
        If the body is longer than *limit* bytes, decompressed.
    """
    raw = response.raw
    announced = response.headers.get("Content-Length", "")
    length = int(announced) if announced.isdecimal() else 0
    if length > limit:
        raise TooLargeError
    if 0 < length <= _PIECE and "Content-Encoding" not in response.headers:
        small: bytes = raw.read(decode_content=True)
        return small
    # BytesIO.getvalue() does not copy, and memory views of bytes cost half of those of a bytearray.
    body = io.BytesIO()
    for piece in raw.stream(_PIECE, decode_content=True):
        body.write(piece)
        if body.tell() > limit:
            raise TooLargeError
    return body.getvalue()
