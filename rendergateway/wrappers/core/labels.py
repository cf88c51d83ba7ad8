"""How objects are written on a page: short names, labels, classes for style sheets and a natural order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rendergateway.number_text import double_text

if TYPE_CHECKING:
    from rendergateway.wrappers.core.object import ObjectWrapper
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["LabelledObject", "LabelledSection", "LabelledStack", "natural_order"]

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


class LabelledObject:
    """What every object has; no requests."""

    __slots__ = ()

    @property
    def short_name(self: ObjectWrapper[Any]) -> str:  # type: ignore[misc]
        """The name in at most 24 letters: of a longer one the middle is left out."""
        name = self.name
        half = _MOST_LETTERS // 2
        return name if len(name) <= _MOST_LETTERS else f"{name[: half - 1]}…{name[-half:]}"

    @property
    def sort_key(self: ObjectWrapper[Any]) -> tuple[str | int, ...]:  # type: ignore[misc]
        """What sorts objects by name as people do: ``t9`` before ``t10``."""
        return natural_order(self.name)

    @property
    def css_class(self: ObjectWrapper[Any]) -> str:  # type: ignore[misc]
        """Classes for a style sheet: the kind of the object, as ``match-pair``."""
        return self.KIND.replace("_", "-")


class LabelledSection:
    """What a section has."""

    __slots__ = ()

    @property
    def z_label(self: SectionWrapper) -> str:  # type: ignore[misc]
        """Z as people write it: ``5`` for 5.0, ``5.5`` for 5.5."""
        return _plain_number(self.z)

    @property
    def sort_key(self: SectionWrapper) -> tuple[str | int, ...]:  # type: ignore[misc]
        """What sorts sections by their section ids, by z where tiles carry none; requests as `section_ids`."""
        ids = sorted(map(natural_order, self.section_ids))
        return ids[0] if ids else natural_order(self.name)


class LabelledStack:
    """What a stack has; requests as ``state`` and ``resolution_nm``."""

    __slots__ = ()

    @property
    def state_label(self: StackWrapper) -> str:  # type: ignore[misc]
        """The state as a word on a page: ``Complete``, ``Read only``."""
        return self.state.replace("_", " ").capitalize()

    @property
    def css_class(self: StackWrapper) -> str:  # type: ignore[misc]
        """Classes for a style sheet: the kind of the object and its state, as ``stack read-only``."""
        return f"{self.KIND} {self.state.lower().replace('_', '-')}"

    @property
    def resolution_text(self: StackWrapper) -> str | None:  # type: ignore[misc]
        """The resolution as a line of text, ``4 × 4 × 40 nm``; None where nobody said it."""
        sides = self.resolution_nm
        if all(side is None for side in sides):
            return None
        return " × ".join("?" if side is None else _plain_number(side) for side in sides) + " nm"


def _plain_number(value: float) -> str:
    return double_text(value).removesuffix(".0")
