"""How objects are written on a page: short names, labels, classes for style sheets and a natural order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from rendergateway.number_text import double_text

__all__ = ["LabelledLayer", "LabelledObject", "LabelledSection", "LabelledStack", "natural_order"]

_MOST_LETTERS = 24


def natural_order(text: str) -> tuple[str | int, ...]:
    """
    Return what sorts texts as people do: numbers in them by value.

    Examples
    --------
    >>> sorted(["10.0", "9.0", "9.1"], key=natural_order)
    ['9.0', '9.1', '10.0']
    """
    # Text and numbers take turns, so that two keys never compare one with the other.
    return tuple(int(piece) if place % 2 else piece for place, piece in enumerate(re.split(r"([0-9]+)", text)))


class _Named(Protocol):
    KIND: str

    @property
    def name(self) -> str: ...


class LabelledObject:
    """What every object has; no requests."""

    __slots__ = ()

    @property
    def short_name(self: _Named) -> str:
        """The name in at most 24 letters: of a longer one the middle is left out."""
        name = self.name
        half = _MOST_LETTERS // 2
        return name if len(name) <= _MOST_LETTERS else f"{name[: half - 1]}…{name[-half:]}"

    @property
    def sort_key(self: _Named) -> tuple[str | int, ...]:
        """What sorts objects by name as people do: ``t9`` before ``t10``."""
        return natural_order(self.name)

    @property
    def css_class(self: _Named) -> str:
        """Classes for a style sheet: the kind of the object, as ``match-pair``."""
        return self.KIND.replace("_", "-")


class _Layer(Protocol):
    @property
    def z(self) -> float: ...


class LabelledLayer:
    """What has a z."""

    __slots__ = ()

    @property
    def z_label(self: _Layer) -> str:
        """Z as people write it: ``5`` for 5.0, ``5.5`` for 5.5."""
        return double_text(self.z).removesuffix(".0")


class _Section(_Named, Protocol):
    @property
    def section_ids(self) -> Sequence[str]: ...


class LabelledSection(LabelledLayer):
    """What a section has."""

    __slots__ = ()

    @property
    def sort_key(self: _Section) -> tuple[str | int, ...]:
        """What sorts sections by their section ids as people do, by z where tiles carry none; requests as `section_ids`."""
        ids = sorted(map(natural_order, self.section_ids))
        return ids[0] if ids else natural_order(self.name)


class _Stack(Protocol):
    KIND: str

    @property
    def state(self) -> str: ...
    @property
    def resolution_nm(self) -> tuple[float | None, float | None, float | None]: ...


class LabelledStack:
    """What a stack has; requests as ``state`` and ``resolution_nm``."""

    __slots__ = ()

    @property
    def state_label(self: _Stack) -> str:
        """The state as a word on a page: ``Complete``, ``Read only``."""
        return self.state.replace("_", " ").capitalize()

    @property
    def css_class(self: _Stack) -> str:
        """Classes for a style sheet: the kind of the object and its state, as ``stack read-only``."""
        return f"{self.KIND} {self.state.lower().replace('_', '-')}"

    @property
    def resolution_text(self: _Stack) -> str | None:
        """The resolution as a line of text, ``4 × 4 × 40 nm``; None where nobody said it."""
        sides = self.resolution_nm
        if all(side is None for side in sides):
            return None
        return " × ".join("?" if side is None else f"{side:g}" for side in sides) + " nm"
