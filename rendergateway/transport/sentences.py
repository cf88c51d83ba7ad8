"""The service's message in a refusal: plain text, or one of the error pages of its web framework."""

from __future__ import annotations

import http.client
import re

from rendergateway.visible_text import one_line

__all__ = ["sentence_of"]

_LONGEST = 2000
# Of a longer body the end is read too, because it names the member of refused JSON.
_READ = 1 << 16
# Exceptions whose message is the service's own; of others the class is part of the message.
_CLASSES = re.compile(r"^(?:org\.jboss\.resteasy\.spi\.UnhandledException: |java\.lang\.Illegal\w+Exception: )+")


def sentence_of(status: int, content_type: str, content: bytes) -> str:
    """
    Return the service's own message about a refusal in one line; empty if the answer contains none.

    Parameters
    ----------
    status : int
        HTTP status.
    content_type : str
        Content type in lower case.
    content : bytes
        The body; of a proxy's page nothing is returned, except for its title with status 400.
    """
    if len(content) > 2 * _READ:
        content = content[:_READ] + content[-_READ:]
    text = content.decode("latin-1" if "iso-8859-1" in content_type else "utf-8", "replace")
    if content_type.startswith("text/html"):
        import html

        text = _CLASSES.sub("", html.unescape(_in_page(status, text)))
    elif not content_type.startswith("text/plain"):
        return ""
    return one_line(text, _LONGEST)


def _in_page(status: int, page: str) -> str:
    """Return the message in an HTML page, with its entities; pages of Jetty have a title, or a reason, of this form."""
    title, reason = _between(page, "<title>", "</title>"), _between(page, "<pre>reason: ", "</pre>")
    if title is not None and title.startswith(f"Error {status} ") and "<h2>HTTP ERROR" in page:
        message = title.partition(f"{status} ")[2]
        # Without a message Jetty repeats the name of the status.
        return "" if message == http.client.responses.get(status) else message
    if reason is not None and page.startswith("<h1>Bad Message"):
        return reason
    if status != http.client.BAD_REQUEST:
        return ""
    # RESTEasy declares its message about JSON as a page, and escapes it, but adds no tags.
    return title or ("" if "<" in page else page)


def _between(page: str, start: str, end: str) -> str | None:
    text, is_ended, _ = page.partition(start)[2].partition(end)
    return text if is_ended else None
