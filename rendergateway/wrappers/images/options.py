"""How a picture is to look: one list of options for tiles, sections, stacks and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from rendergateway.model import FilterRecord
from rendergateway.model.records.channels import channel_selection
from rendergateway.wrappers.coordinates.tile_maps import FRAMES
from rendergateway.wrappers.images.windows import Window, rgb_of

__all__ = ["PICTURE_FRAMES", "PictureOptions", "checked_picture_frame"]

PICTURE_FRAMES = ("world", *FRAMES)
_MASKS = ("blended", "binary", None)
_RENDERERS = ("service", "local")
_DEPTHS = ("uint8", "uint16")
_NOISE = "noise"


def checked_picture_frame(frame: str) -> str:
    """Return *frame* if a tile is drawn in it; raise ValueError for all else."""
    if frame not in PICTURE_FRAMES:
        raise ValueError(f"a tile is drawn in frame={', '.join(map(repr, PICTURE_FRAMES))}, not {frame!r}")
    return frame


def _windows(channels: Mapping[str, Window] | None) -> dict[str, Window] | None:
    if channels is None:
        return None
    windows = dict(channels)
    wrong = next((value for value in windows.values() if not isinstance(value, Window)), None)
    if wrong is not None or not windows:
        raise TypeError(f"channels= maps names to Window(low, high, colour), not to {wrong!r}; channel= names one")
    return windows


def _depth(dtype: Any) -> str | None:
    name = None if dtype is None else np.dtype(dtype).name
    if name is not None and name not in _DEPTHS:
        raise ValueError(
            f"pictures are drawn as {' or '.join(_DEPTHS)}, not {name}; np.asarray(picture, {name}) converts"
        )
    return name


def _range(intensity: Sequence[float] | None) -> tuple[float, float] | None:
    if intensity is None:
        return None
    low, high = map(float, intensity)
    if not low <= high:
        raise ValueError(f"intensity= is the values shown black and white, the lower one first, not {low, high}")
    return low, high


def _one_of(words: Sequence[Any], what: str) -> Any:
    def check(options: PictureOptions, field: attrs.Attribute[Any], value: Any) -> None:
        if value not in words:
            raise ValueError(f"{what} is {' or '.join(map(repr, words))}, not {value!r}")

    return check


def _filter_steps(value: bool | str | Sequence[FilterRecord]) -> bool | str | tuple[FilterRecord, ...]:
    return value if isinstance(value, bool | str) else tuple(value)


@attrs.frozen(kw_only=True)
class PictureOptions:
    """
    How a picture is to look.

    Parameters
    ----------
    channel : str, optional
        The one channel that is drawn; else the stack's default one, or the first of the first tile.
    channels : mapping of str to Window, optional
        Several channels in colours, composed here from one picture of each; in place of *channel*.
    intensity : (float, float), optional
        Values shown black and white in 8 bits, in place of those of the tiles.
    filter : bool, str or sequence of FilterRecord
        True for the filters that the service has by default, a name for a list of filters that it has configured
        (``gateway.call("service.filters")``), or filters of one's own.
    mask : {'blended', 'binary', None}
        What becomes of the tiles' masks: seams are blended, or not; None draws as if there were none.
    background : str or int, optional
        ``"#rrggbb"`` or 0xRRGGBB where a masked picture would be transparent; ``"noise"`` for noise in that place.
        Pictures without masks are opaque, black where there is no tile.
    max_tiles : int, optional
        Of more tiles a service draws only outlines; that is an `ImageError`.
    dtype : {'uint8', 'uint16'}, optional
        *uint8* holds what is seen, *uint16* the values of the images as they are. Unless given, a tile whose values
        reach beyond 255 is drawn in 16 bits where no *intensity* is asked for, all else in 8.
    render : {'service', 'local'}
        Who draws: the service, or this process from the stack's specifications. The pixels are the same, but for
        noise; here the images are opened where ``Gateway(image_paths=…)`` says.

    Raises
    ------
    TypeError, ValueError
        If an option is not known, or its value is none.
    """

    channel: str | None = None
    channels: dict[str, Window] | None = attrs.field(default=None, converter=_windows)
    intensity: tuple[float, float] | None = attrs.field(default=None, converter=_range)
    filter: bool | str | tuple[FilterRecord, ...] = attrs.field(default=False, converter=_filter_steps)
    mask: str | None = attrs.field(default="blended", validator=_one_of(_MASKS, "mask="))
    background: int | str | None = None
    max_tiles: int | None = None
    dtype: str | None = attrs.field(default=None, converter=_depth)
    render: str = attrs.field(default="service", validator=_one_of(_RENDERERS, "render="))

    def __attrs_post_init__(self) -> None:
        if self.max_tiles is not None and self.max_tiles < 0:
            raise ValueError(f"max_tiles= counts tiles, from 0; not {self.max_tiles}")
        if self.channel is not None and self.channels is not None:
            raise TypeError("give channel=, one name, or channels=, a window for each: not both")
        if self.channels is not None and (self.intensity is not None or self.dtype == "uint16"):
            raise TypeError(
                "channels= are composed in 8 bits, each seen through its own window: no intensity=, no dtype="
            )
        if self.intensity is not None and self.dtype == "uint16":
            raise TypeError("16 bits hold the values of the images as they are: intensity= is for pictures of 8 bits")
        if self.background not in (None, _NOISE):
            rgb_of(self.background)

    @property
    def is_local(self) -> bool:
        """Whether the picture is drawn in this process."""
        return self.render == "local"

    def of_channel(self, name: str) -> PictureOptions:
        """Return what draws the values of one of several channels."""
        return attrs.evolve(self, channel=name, channels=None, dtype="uint16")

    def query(self, *, limited: bool = False) -> dict[str, Any]:
        """Return the values that an endpoint takes; *limited* for those that know a limit of tiles."""
        values: dict[str, Any] = {}
        if self.channel is not None:
            values["channels"] = channel_selection({self.channel: 1})
        if self.intensity is not None:
            values["min_intensity"], values["max_intensity"] = self.intensity
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
        """Return the fields of a recipe for what no query says; empty where a query says all."""
        fields: dict[str, Any] = {}
        if self.background not in (None, _NOISE):
            red, green, blue = rgb_of(self.background)
            fields["background_rgb"] = red << 16 | green << 8 | blue
        if isinstance(self.filter, tuple):
            fields["filters"] = self.filter
        return fields
