"""Names and messages as they are shown: control characters escaped, long text shortened."""

from __future__ import annotations

__all__ = ["one_line", "shortened", "visible"]


def visible(text: str) -> str:
    r"""
    Return *text* with its unprintable characters escaped, line breaks excepted.

    A terminal obeys control characters, and an editor the marks of right-to-left text.

    Examples
    --------
    >>> visible("tile\x1b[2J")
    'tile\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)


def shortened(text: str, most: int) -> str:
    """
    Return *text* with at most *most* characters: two thirds are its start, the rest its end.

    Examples
    --------
    >>> shortened("0123456789", 6)
    '0123…9'
    """
    if len(text) <= most:
        return text
    start = 2 * most // 3
    return f"{text[:start]}…{text[len(text) - (most - start - 1) :]}"


def one_line(text: str, most: int) -> str:
    r"""
    Return *text* in one visible line of about *most* characters.

    Examples
    --------
    >>> one_line("not a number\n at line 1", 80)
    'not a number at line 1'
    """
    return visible(" ".join(filter(None, map(str.strip, shortened(text, most).splitlines()))))
