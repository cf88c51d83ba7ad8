"""Values as pages show them: numbers with units, dates, boxes, transforms in readable form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from rendergateway.errors import ConversionError
from rendergateway.number_text import double_text
from rendergateway.transforms import TransformReference
from rendergateway.visible_text import visible

__all__ = ["date", "host", "interval", "length", "number", "text", "transform_text"]

_MISSING = "–"
_STEPS = ((1e9, "m"), (1e6, "mm"), (1e3, "µm"), (1.0, "nm"))
_DIGITS = 6


def number(value: Any) -> str:
    """
    Return a number with commas between thousands, and as many decimals as it has, at most three.

    Examples
    --------
    >>> number(1234567), number(2.5), number(3.0), number(None), number(1e-7)
    ('1,234,567', '2.5', '3', '–', '1e-07')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _MISSING
    if not isinstance(value, (int, float)):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return double_text(value)
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e15):
        return f"{value:.3g}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def interval(low: Any, high: Any) -> str:
    """
    Return the smallest and the largest of some numbers; one if they are equal.

    Examples
    --------
    >>> interval(1, 2500.5), interval(520, 520)
    ('1 … 2,500.5', '520')
    """
    first, last = number(low), number(high)
    return first if first == last else f"{first} … {last}"


def length(pixels: float | None, nm_per_pixel: float | None) -> str:
    """
    Return a length in pixels and, if the resolution is known, in metres.

    Examples
    --------
    >>> length(1000, 4.0), length(1000, None)
    ('1,000 px (4 µm)', '1,000 px')
    """
    if pixels is None:
        return _MISSING
    if nm_per_pixel is None:
        return f"{number(pixels)} px"
    nm = pixels * nm_per_pixel
    size, unit = next((step for step in _STEPS if abs(nm) >= step[0]), _STEPS[-1])
    return f"{number(pixels)} px ({number(float(f'{nm / size:.3g}'))} {unit})"


def date(value: datetime | None) -> str:
    """Return a time in UTC, to the minute."""
    return _MISSING if value is None else value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def host(url: str) -> str:
    """
    Return the host of an address, so that readers know where a link leads.

    Examples
    --------
    >>> host("https://catmaid.example.org:8000/em/?pid=lab")
    'catmaid.example.org:8000'
    """
    return text(urlsplit(url).netloc)


def text(value: Any) -> str:
    """Return a value as visible text: control characters and marks of right-to-left text are escaped."""
    if value is None or value == "":
        return _MISSING
    if isinstance(value, (list, tuple)):
        return ", ".join(map(text, value)) or _MISSING
    return visible(str(value))


def transform_text(transform: Any) -> str:
    """
    Return a transform in readable form: scale, rotation and shift of an affine one, the parameters of others.

    Examples
    --------
    >>> from rendergateway.transforms import AffineModel2D
    >>> transform_text(AffineModel2D([[1, 0, 10], [0, 1, -2.5]]))
    'shift (10, -2.5) px'
    """
    if isinstance(transform, TransformReference):
        return f"the shared transform {visible(transform.ref_id)}"
    if getattr(transform, "is_affine", False) and not hasattr(transform, "split_at"):
        try:
            return _affine_text(transform.as_affine())
        except ConversionError:
            # A scale of zero has no factors.
            pass
    return visible(_shortened(repr(transform)))


def _shortened(words: str, most: int = 400) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _affine_text(affine: Any) -> str:
    parts = affine.parts()
    said = []
    if not _are_close(parts.scale, (1.0, 1.0)):
        said.append("scale {} × {}".format(*map(_short, parts.scale)))
    if abs(parts.rotation_rad) > 1e-9:
        said.append(f"rotation {_short(math.degrees(parts.rotation_rad))}°")
    if abs(parts.shear) > 1e-9:
        said.append(f"shear {_short(parts.shear)}")
    if any(parts.translation):
        said.append("shift ({}, {}) px".format(*map(_short, parts.translation)))
    return ", ".join(said) or "identity"


def _short(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _are_close(values: Sequence[float], wanted: Sequence[float]) -> bool:
    return all(abs(value - one) < 1e-9 for value, one in zip(values, wanted, strict=True))
