"""The pages: each is a function of the site and the values in its address."""

from __future__ import annotations

__all__: list[str] = []
