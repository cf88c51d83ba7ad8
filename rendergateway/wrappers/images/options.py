"""Options of images, the same for tiles, sections, stacks and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import attrs
import numpy as np

from rendergateway.display import call_text
from rendergateway.model.records.channels import FilterRecord, channel_selection
from rendergateway.wrappers.core.arguments import COMPUTE, as_count, is_local
from rendergateway.wrappers.images.windows import Window, rgb_of

__all__ = ["AUTO", "IntensityRange", "PictureKeywords", "PictureOptions"]

# The intensity window that fits the values shown.
AUTO: Literal["auto"] = "auto"

_MASKS = ("blended", "binary", None)
_DEPTHS = ("uint8", "uint16")
_NOISE = "noise"


class PictureKeywords(TypedDict, total=False):
    """Keyword arguments of methods that draw; they are the fields of `PictureOptions`."""

    channel: str | Mapping[str, float] | None
    channels: Mapping[str, Window] | None
    intensity: Sequence[float | None] | str | None
    filter: bool | str | Sequence[FilterRecord]
    mask: str | None
    background: int | str | None
    max_tiles: int | None
    dtype: Any
    compute: str
    seamless: bool
    interpolate: bool
    edges: bool


def _name(channel: str | Mapping[str, float] | None) -> str | dict[str, float] | None:
    if channel is None or isinstance(channel, str):
        return channel
    if not isinstance(channel, Mapping) or not channel:
        raise TypeError(
            f"channel must be the name of a channel, or weights by name, got {channel!r}; channels= names several in "
            "colour"
        )
    return {name: float(weight) for name, weight in channel.items()}


def _windows(channels: Mapping[str, Window] | None) -> dict[str, Window] | None:
    if channels is None:
        return None
    windows = dict(channels) if isinstance(channels, Mapping) else {}
    wrong = next((value for value in windows.values() if not isinstance(value, Window)), None if windows else channels)
    if wrong is not None or not windows:
        raise TypeError(
            f"channels must map names to Window(low, high, colour), got {wrong!r}; channel= names a single one"
        )
    return windows


def _depth(dtype: Any) -> str | None:
    name = None if dtype is None else np.dtype(dtype).name
    if name is not None and name not in _DEPTHS:
        raise ValueError(f"dtype must be {' or '.join(_DEPTHS)}, got {name}; np.asarray(picture, {name}) converts")
    return name


def _limit(max_tiles: int | None) -> int | None:
    return None if max_tiles is None else as_count(max_tiles, "max_tiles", 0)


IntensityRange = tuple[float | None, float | None]


def _range(intensity: Sequence[float | None] | str | None) -> IntensityRange | Literal["auto"] | None:
    if intensity is None:
        return None
    if intensity == AUTO:
        return AUTO
    try:
        low, high = (None if one is None else float(one) for one in intensity)
    except (TypeError, ValueError) as error:
        raise TypeError(f"intensity must be (low, high) or 'auto', got {intensity!r}") from error
    if low is None or high is None:
        return None if low is high else (low, high)
    if not low <= high:
        raise ValueError(f"intensity must be (low, high) with low <= high, got {low, high}")
    return low, high


def _one_of(words: Sequence[Any], what: str) -> Any:
    def check(options: PictureOptions, field: attrs.Attribute[Any], value: Any) -> None:
        if value not in words:
            raise ValueError(f"{what} must be {' or '.join(map(repr, words))}, got {value!r}")

    return check


def _filter_steps(value: bool | str | Sequence[FilterRecord]) -> bool | str | tuple[FilterRecord, ...]:
    return value if isinstance(value, bool | str) else tuple(value)


@attrs.frozen(kw_only=True, repr=False)
class PictureOptions:
    """
    Options of an image.

    Parameters
    ----------
    channel : str or mapping of str to float, optional
        The channel to draw, or several with their weights, which are averaged. Default: the stack's default channel, or
        the first channel of the first tile.
    channels : mapping of str to Window, optional
        Several channels in colour, composed by this process from one image per channel; instead of *channel*.
    intensity : (float, float) or 'auto', optional
        Values mapped to black and white in 8 bits, instead of the intensity windows of the tiles; None for one of them
        keeps that of the tiles. *auto* fits them to the values shown, from the percentile 0.5 to 99.5; the picture is
        grey, opaque, and has them as `intensity`.
    filter : bool, str or sequence of FilterRecord
        True for the default filters of the service, the name of a list of filters that it has configured
        (``gateway.call("service.filters")``), or custom filters.
    mask : {'blended', 'binary', None}
        How masks are applied: seams are blended, or not; None ignores the masks.
    background : str or int, optional
        ``"#rrggbb"`` or 0xRRGGBB for transparent pixels of a masked image; ``"noise"`` for noise. Images without masks
        are opaque, and black outside of tiles.
    max_tiles : int, optional
        Maximum number of tiles; of more a service draws only outlines, which raises `ImageError`.
    dtype : {'uint8', 'uint16'}, optional
        *uint8* for display, *uint16* for the values of the image files. Default: 16 bits for a tile with values above
        255 if no *intensity* is given, else 8.
    compute : {'service', 'local'}
        Whether the service draws, or this process from the tile specs. The pixels are the same except for noise;
        locally, image files are opened at the paths that ``Gateway(image_paths=…)`` maps to.
    seamless : bool
        Whether boxes side by side fit together at scales of 1/2, 1/4, …, where the service, from rounding errors, draws
        a rotated tile from one mipmap level in one box and from another level in the next; drawn locally only.
    interpolate : bool
        Whether values between pixels are interpolated bilinearly; otherwise the nearest pixel is drawn.
    edges : bool
        Whether the last column and row of each image are drawn, which a service, since 2020, draws black if it
        interpolates; drawn locally only.

    Raises
    ------
    TypeError, ValueError
        If an option is unknown, or its value is invalid.
    """

    channel: str | dict[str, float] | None = attrs.field(default=None, converter=_name)
    channels: dict[str, Window] | None = attrs.field(default=None, converter=_windows)
    intensity: IntensityRange | Literal["auto"] | None = attrs.field(default=None, converter=_range)
    filter: bool | str | tuple[FilterRecord, ...] = attrs.field(default=False, converter=_filter_steps)
    mask: str | None = attrs.field(default="blended", validator=_one_of(_MASKS, "mask"))
    background: int | str | None = None
    max_tiles: int | None = attrs.field(default=None, converter=_limit)
    dtype: str | None = attrs.field(default=None, converter=_depth)
    compute: str = attrs.field(default="service", validator=_one_of(COMPUTE, "compute"))
    seamless: bool = False
    interpolate: bool = True
    edges: bool = False

    def __attrs_post_init__(self) -> None:
        if self.channel is not None and self.channels is not None:
            raise TypeError("channel= names one channel and channels= several; pass one of them")
        if self.channels is not None and (self.intensity is not None or self.dtype == "uint16"):
            raise TypeError(
                "channels= are composed in 8 bits, each with its own window; they exclude intensity= and dtype="
            )
        if self.intensity is not None and self.dtype == "uint16":
            raise TypeError("16-bit images have the values of the files; intensity= is for 8 bits")
        for name in ("seamless", "edges"):
            if getattr(self, name) and not self.is_local:
                raise TypeError(f"{name}= is for pictures drawn by this process; pass compute='local'")
        if self.background not in (None, _NOISE):
            rgb_of(self.background)

    def __repr__(self) -> str:
        return call_text("PictureOptions", attrs.asdict(self, recurse=False))

    @property
    def is_local(self) -> bool:
        """Whether the image is drawn by this process."""
        return is_local(self.compute)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels of *channel*; empty for the default."""
        return () if self.channel is None else (self.channel,) if isinstance(self.channel, str) else (*self.channel,)

    def of_channel(self, name: str) -> PictureOptions:
        """Return the options for the values of one of several channels."""
        return attrs.evolve(self, channel=name, channels=None, dtype="uint16")

    def of_values(self) -> PictureOptions:
        """Return the options of the picture to request: of the values, for ``intensity="auto"``."""
        return attrs.evolve(self, intensity=None, dtype="uint16") if self.intensity == AUTO else self

    def query(self, *, limited: bool = False) -> dict[str, Any]:
        """Return the query values of an endpoint; *limited* for endpoints with a tile limit."""
        values: dict[str, Any] = {}
        if self.channel is not None:
            weights = {self.channel: 1} if isinstance(self.channel, str) else self.channel
            values["channels"] = channel_selection(weights)
        if self.intensity == AUTO:
            raise TypeError("intensity='auto' is fitted to a picture; a URL or a recipe needs (low, high)")
        if self.intensity is not None:
            sides = dict(zip(("min_intensity", "max_intensity"), self.intensity, strict=True))
            values |= {name: value for name, value in sides.items() if value is not None}
        if isinstance(self.filter, str):
            values["filter_list_name"] = self.filter
        elif self.filter is True:
            values["filter"] = True
        if self.mask != "blended":
            values["binary_mask" if self.mask else "exclude_mask"] = True
        if self.background == _NOISE:
            values["fill_with_noise"] = True
        if limited and self.max_tiles is not None:
            values["max_tile_specs_to_render"] = self.max_tiles
        return values

    def of_recipe(self) -> dict[str, Any]:
        """Return the fields of a recipe for options without a query value; empty if there are none."""
        fields: dict[str, Any] = {}
        if self.background not in (None, _NOISE):
            red, green, blue = rgb_of(self.background)
            fields["background_rgb"] = red << 16 | green << 8 | blue
        if isinstance(self.filter, tuple):
            fields["filters"] = self.filter
        if not self.interpolate:
            fields["skip_interpolation"] = True
        return fields
