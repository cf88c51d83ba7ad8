"""What came back: a status, headers, and a body that is held once."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import AnswerError, RecordError
from rendergateway.model.slices import decode

if TYPE_CHECKING:
    import requests

__all__ = ["Answer", "read_body"]

_PIECE = 1 << 20
_TAG = re.compile(r"<[^>]*>")


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
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    method: str = ""
    url: str = ""

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
            raise AnswerError(f"the answer is not JSON: {error}", method=self.method, url=self.url) from error

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
            return html.unescape(_TAG.sub(" ", self.text)).strip().partition("\n")[0]
        return ""


def read_body(response: requests.Response, check_time: Callable[[], None]) -> bytes:
    """
    Read the body of a streamed *response* into one buffer; large ones are never held twice.

    *check_time* is called between pieces and raises when time is up.
    """
    raw = response.raw
    length = int(response.headers.get("Content-Length") or 0)
    if 0 < length <= _PIECE:
        small: bytes = raw.read(decode_content=True)
        return small
    # Its value is handed over, not copied; and views into bytes cost half of what views into a bytearray do.
    body = io.BytesIO()
    for piece in raw.stream(_PIECE, decode_content=True):
        body.write(piece)
        check_time()
    return body.getvalue()
