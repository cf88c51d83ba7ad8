"""The year whose clients these clients behave like."""

from __future__ import annotations

import os

from rendergateway.errors import ConfigurationError

__all__ = ["LIKE_VARIABLE", "keeps_edges"]

LIKE_VARIABLE = "RENDERGATEWAY_LIKE"


def keeps_edges() -> bool:
    """
    Return whether the last column and row of images are drawn, as by the clients of 2019; ``RENDERGATEWAY_LIKE=2019``.

    Raises
    ------
    ConfigurationError
        If the variable has another value.
    """
    year = os.environ.get(LIKE_VARIABLE, "")
    if year not in ("", "2019"):
        raise ConfigurationError(f"{LIKE_VARIABLE} must be 2019 or unset: got {year!r}")
    return bool(year)
