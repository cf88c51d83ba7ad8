"""Options of pictures that several clients share."""

from __future__ import annotations

from typing import Any

import attrs

from rendergateway.clients.base.options import Options, option
from rendergateway.clients.base.years import keeps_edges
from rendergateway.errors import CommandError

__all__ = ["LookOptions", "intensity"]


@attrs.frozen
class LookOptions(Options):
    """Filters and channels."""

    filter_list_name: str | None = option(help="List of filters of the service, instead of the default filters.")
    channels: str | None = option(help="Channel, or names and weights: DAPI__0.7__TdTomato__0.3.")

    def picture_options(self, *, do_filter: bool, fill_with_noise: bool) -> dict[str, Any]:
        """Return the options of a picture drawn by this process."""
        return {
            "filter": self.filter_list_name or do_filter,
            "channel": channel_of(self.channels),
            "background": "noise" if fill_with_noise else None,
            "compute": "local",
            "edges": keeps_edges(),
        }


def channel_of(text: str | None) -> str | dict[str, float] | None:
    """
    Return the channel, or weights by name, of ``name__weight__name__weight``.

    Raises
    ------
    CommandError
        If a weight is not a number.

    Examples
    --------
    >>> channel_of("DAPI"), channel_of("DAPI__0.7__TdTomato__0.3")
    ('DAPI', {'DAPI': 0.7, 'TdTomato': 0.3})
    """
    words = (text or "").split("__")
    if text is None or len(words) == 1:
        return text
    try:
        return {name: float(weight) for name, weight in zip(words[::2], words[1::2], strict=True)}
    except ValueError as error:
        raise CommandError(f"invalid channels: got {text!r}; write name__weight__name__weight") from error


def intensity(low: float | None, high: float | None) -> tuple[float | None, float | None] | None:
    """Return the intensity window of the options for its sides; None without them."""
    return None if low is None and high is None else (low, high)
