"""Display values for pages: short names, labels, CSS classes and natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rendergateway.number_text import double_text

__all__ = ["css_class", "natural_order", "plain_number", "resolution_text", "short_name", "state_label"]

_MAX_LETTERS = 24


def natural_order(text: str) -> tuple[str | int, ...]:
    """
    Return a sort key that orders numbers in texts by value.

    Examples
    --------
    >>> sorted(["10.0", "9.0", "9.1"], key=natural_order)
    ['9.0', '9.1', '10.0']
    """
    # Text and numbers alternate, so that two keys never compare one with the other.
    return tuple(int(piece) if place % 2 else piece for place, piece in enumerate(re.split(r"([0-9]+)", text)))


def short_name(name: str) -> str:
    """Return a name of at most 24 letters; the middle of a longer one is left out."""
    half = _MAX_LETTERS // 2
    return name if len(name) <= _MAX_LETTERS else f"{name[: half - 1]}…{name[-half:]}"


def css_class(*words: str) -> str:
    """Return CSS classes: ``match-pair``, ``stack read-only``."""
    return " ".join(word.lower().replace("_", "-") for word in words)


def state_label(state: str) -> str:
    """Return the state of a stack for a page: ``Complete``, ``Read only``."""
    return state.replace("_", " ").capitalize()


def plain_number(value: float) -> str:
    """Return a number without trailing zero: ``5`` for 5.0, ``5.5`` for 5.5."""
    return double_text(value).removesuffix(".0")


def resolution_text(sides: Sequence[float | None]) -> str | None:
    """Return a resolution as ``4 × 4 × 40 nm``; None if no side is known."""
    if all(side is None for side in sides):
        return None
    return " × ".join("?" if side is None else plain_number(side) for side in sides) + " nm"
