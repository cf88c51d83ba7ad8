"""What came back: a status, headers, and a body that is held once."""

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
# A look at both ends tells a page of HTML and an answer that broke off from JSON, whatever its size.
_WHOLE_JSON = {b"{": b"}", b"[": b"]"}
_JSON_KINDS = frozenset({"list", "object"})
_TAG = re.compile(r"<[^>]*>")


class TooLargeError(Exception):
    """The body is longer than asked for."""


@attrs.frozen
class Answer:
    """
    A complete answer.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : mapping of str to str
        Names in any case.
    content : bytes
        The body, decompressed.
    method, url : str
        What was asked for.
    attempts : int
        How often it was sent.
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
        """The body as text; what is no UTF-8 shows as �."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """
        Return the body as Python values; None where there is none.

        Raises
        ------
        AnswerError
            If it is not JSON.
        """
        if not self.content:
            return None
        try:
            return decode(self.content)
        except RecordError as error:
            raise self._unusable(f"the answer is not JSON: {error}") from error

    def check_kind(self, kind: str) -> None:
        """
        Check that a success can be what the endpoint answers, before anybody takes it for that.

        Parameters
        ----------
        kind : str
            `Endpoint.answer`.

        Raises
        ------
        AnswerError
            If it is a page of HTML, empty, or JSON that broke off.
        """
        start, end = self.content[:1], self.content[-1:]
        if kind == "empty" or self.status == 204 or (kind in _JSON_KINDS and _WHOLE_JSON.get(start) == end):
            return
        if self.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise self._unusable("a page of HTML came in the place of an answer: a proxy, or a page to log in?")
        if kind not in _JSON_KINDS:
            return
        if not start:
            raise self._unusable("the answer is empty, where JSON was expected")
        if start in _WHOLE_JSON and end != _WHOLE_JSON[start] and self.content.rstrip()[-1:] != _WHOLE_JSON[start]:
            raise self._unusable(f"the answer is not JSON: it breaks off after {len(self.content)} bytes")

    def _unusable(self, message: str) -> AnswerError:
        return AnswerError(message, method=self.method, url=self.url, attempts=self.attempts, elapsed_s=self.elapsed_s)

    @property
    def location(self) -> str:
        """Where a redirection points, without user name, password and query; empty where there is none."""
        split = urlsplit(self.headers.get("Location", ""))
        return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", ""))

    @property
    def sentence(self) -> str:
        """
        What the service itself said about a refusal; empty where a proxy or the framework spoke.

        Only plain text is the service's own. JSON that it could not read it answers (400) with one line of HTML.
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
    Read the body of a streamed *response* into one buffer; large ones are never held twice.

    Raises
    ------
    TooLargeError
        If it is longer than *limit* bytes, decompressed.
    """
    raw = response.raw
    announced = response.headers.get("Content-Length", "")
    length = int(announced) if announced.isdecimal() else 0
    if length > limit:
        raise TooLargeError
    if 0 < length <= _PIECE and "Content-Encoding" not in response.headers:
        small: bytes = raw.read(decode_content=True)
        return small
    # Its value is handed over, not copied; and views into bytes cost half of what views into a bytearray do.
    body = io.BytesIO()
    for piece in raw.stream(_PIECE, decode_content=True):
        body.write(piece)
        if body.tell() > limit:
            raise TooLargeError
    return body.getvalue()
