"""Intensity windows and colours of channels that are composed into one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Window", "composed", "rgb_of"]

_WHITE = "#ffffff"


def rgb_of(colour: str | int) -> tuple[int, int, int]:
    """
    Return red, green and blue, 0 … 255, of ``"#rrggbb"`` or 0xRRGGBB.

    Raises
    ------
    ValueError
        If it is not a colour.

    Examples
    --------
    >>> rgb_of("#00ff80"), rgb_of(0x202020)
    ((0, 255, 128), (32, 32, 32))
    """
    try:
        text = colour.removeprefix("#") if isinstance(colour, str) else ""
        value = int(text, 16) if len(text) == 6 else int(colour) if isinstance(colour, int) else -1
    except ValueError:
        value = -1
    if not 0 <= value <= 0xFFFFFF:
        raise ValueError(f"a colour must be '#rrggbb' or 0xRRGGBB, got {colour!r}")
    return value >> 16, value >> 8 & 0xFF, value & 0xFF


def _checked_colour(colour: str | int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb_of(colour))


@attrs.frozen
class Window:
    """
    The values of a channel that are mapped from black to its colour.

    Parameters
    ----------
    low, high : float
        Image values mapped to black and to full colour; *low* < *high*.
    colour : str or int
        ``"#rrggbb"`` or 0xRRGGBB. Default: white.

    Raises
    ------
    ValueError
        If *low* is not below *high*, or the colour is invalid.

    Examples
    --------
    >>> Window(20, 300, "#00ff00")
    Window(low=20.0, high=300.0, colour='#00ff00')
    """

    low: float = attrs.field(converter=float)
    high: float = attrs.field(converter=float)
    colour: str = attrs.field(default=_WHITE, converter=_checked_colour)

    def __attrs_post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a window needs low < high, got {self.low} and {self.high}")

    def shares(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the brightness of each value, 0 … 1."""
        shown = values.astype(np.float32)
        np.subtract(shown, np.float32(self.low), out=shown)
        np.divide(shown, np.float32(self.high - self.low), out=shown)
        np.clip(shown, 0, 1, out=shown)
        return shown


def composed(channels: Mapping[str, npt.NDArray[Any]], windows: Mapping[str, Window]) -> npt.NDArray[np.uint8]:
    """
    Return the sum of the colours of all channels.

    Parameters
    ----------
    channels : mapping of str to ndarray, shape (H, W)
        Image values by channel name.
    windows : mapping of str to Window
        One per channel.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Red, green, blue, clipped at white.

    Examples
    --------
    >>> values = np.array([[0, 150, 300]])
    >>> composed({"DAPI": values}, {"DAPI": Window(0, 300, "#00ff00")})[0, :, 1].tolist()
    [0, 128, 255]
    """
    shape = next(iter(channels.values())).shape
    total = np.zeros((*shape, 3), dtype=np.float32)
    for name, values in channels.items():
        total += windows[name].shares(values)[..., np.newaxis] * np.array(rgb_of(windows[name].colour), np.float32)
    picture: npt.NDArray[np.uint8] = np.minimum(np.floor(total + 0.5), 255).astype(np.uint8)
    return picture
