"""What cannot be drawn is an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    Bounds,
    Gateway,
    ImageError,
    MissingChannelError,
    NotFoundError,
    ServiceError,
    StackWrapper,
    Window,
)
from rendergateway.model import ChannelRecord, ImagePyramid
from rendergateway.testing.misbehaving import MisbehavingServer, sends
from tests.wrappers.pictured import plain_tile, put, save


@pytest.mark.parametrize(
    ("look", "error", "sentence"),
    [
        ({"scale": 0}, ImageError, "a scale is pixels of the picture for one world pixel, above 0; this one is 0"),
        ({"scale": -1}, ImageError, "this one is -1"),
        ({"scale": float("nan")}, ImageError, "this one is nan"),
        ({"scale": 1e-9}, ImageError, "are 0 × 0 pixels; ask for a larger box or scale"),
        ({"scale": 1e9}, ImageError, "ask for smaller boxes, or a smaller scale"),
        ({"box": Bounds(5, 5, 5, 9)}, ImageError, "there is nothing in the box"),
        ({"box": Bounds(9, 5, 5, 9)}, ValueError, "it goes from min_x, min_y to max_x, max_y"),
        ({"box": Bounds(0, 0, float("inf"), 9)}, ImageError, "there is nothing in the box"),
        ({"box": Bounds(0, 0, 40_000, 25_000)}, ImageError, "more than the 100000000 of one picture"),
        ({"box": Bounds(0, 0, 1e12, 1), "scale": 1e-6}, ImageError, "are 1000000 × 0 pixels"),
        ({"box": (0, 0, 5, 5)}, TypeError, r"box= is Bounds\(min_x, min_y, max_x, max_y\)"),
        ({"channel": "DAPI"}, MissingChannelError, "has no channel 'DAPI'; its tiles have one image without a name"),
        ({"channel": "DAPI", "render": "local"}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channel": "DAPI", "dtype": "uint16"}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channels": {"DAPI": Window(0, 9)}}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channels": {"DAPI": (0, 9)}}, TypeError, r"maps names to Window\(low, high, colour\)"),
        ({"channel": "a", "channels": {"DAPI": Window(0, 9)}}, TypeError, "not both"),
        ({"channels": {"DAPI": Window(0, 9)}, "intensity": (0, 9)}, TypeError, "its own window"),
        ({"intensity": (9, 0)}, ValueError, "the lower one first"),
        ({"intensity": (0, 9), "dtype": "uint16"}, TypeError, "intensity= is for pictures of 8 bits"),
        ({"dtype": "float32"}, ValueError, "drawn as uint8 or uint16, not float32"),
        ({"mask": "hard"}, ValueError, "mask= is 'blended' or 'binary' or None, not 'hard'"),
        ({"render": "there"}, ValueError, "render= is 'service' or 'local'"),
        ({"background": "red"}, ValueError, "'#rrggbb' or 0xRRGGBB, not 'red'"),
        ({"background": 0x202020, "dtype": "uint16"}, ImageError, "render='local' draws 16"),
        ({"max_tiles": -1}, ValueError, "counts tiles"),
        ({"max_tiles": 3}, ImageError, "shows 4 tiles, more than max_tiles=3; ask for smaller boxes, or give a larger"),
        ({"max_tiles": 3, "scale": 0.01}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "box": Bounds(250, 250, 700, 700)}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "dtype": "uint16"}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "render": "local"}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "background": 0x202020}, ImageError, "shows 4 tiles"),
        ({"chanel": "DAPI"}, TypeError, "chanel"),
        ({"filter": "no_such_list"}, ServiceError, "Filter list with name 'no_such_list' not found"),
    ],
)  # fmt: skip
def test_bad_input__says_what_to_do(
    drawn: StackWrapper, look: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """What cannot be drawn is an error of a kind of its own, which says what to do."""
    with pytest.raises(error, match=sentence):
        drawn.section(2).image(**look)


def test_bad_input__of_tiles(drawn: StackWrapper, gateway: Gateway, two_channels: StackWrapper) -> None:
    """Frames that are none, tiles that are not there, and channels that a tile lacks are named."""
    with pytest.raises(ValueError, match="drawn in frame='world', 'raw', 'lens_corrected', not 'lens'"):
        drawn.section(2).tiles()[0].image("lens")
    with pytest.raises(NotFoundError):
        drawn.tile("nowhere").image()
    with pytest.raises(MissingChannelError, match="tile 't1' has no channel 'GFP'; it has DAPI, TdTomato"):
        two_channels.tile("t1").image(channel="GFP")
    with pytest.raises(ImageError, match=r"section 9\.0 of stack montage has no tiles"):
        drawn.image(9)


def test_failed_image__raises(gateway: Gateway, tmp_path: Path) -> None:
    """A file that is missing fails with the service's sentence, which names it; here with tile and address."""
    stack = put(gateway, plain_tile(f"{tmp_path}/gone.png"))

    with pytest.raises(ServiceError, match=r"cannot find imageUrl file '.*gone.png'"):
        stack.tile("t1").image()
    with pytest.raises(ImageError, match=r"tile 't1', image '.*gone.png'"):
        stack.image(1, render="local")


def test_answer__that_is_no_picture() -> None:
    """A server that answers something else does not give a picture."""
    with MisbehavingServer(sends(b"no picture", content_type="image/png")) as server:
        stack = Gateway(server.url, owner="o", project="p").stack("s")
        with pytest.raises(
            ImageError, match=r"section 1.0 of stack s: what the service answered is no picture: unknown image format"
        ):
            stack.image(1, Bounds(0, 0, 9, 9))


def test_black_picture__is_one(gateway: Gateway, tmp_path: Path) -> None:
    """An unmasked tile that is drawn black is a picture, not an empty answer."""
    url = save(tmp_path / "a.png", np.zeros((80, 100), np.uint8))
    channel = ChannelRecord(name="DAPI", mipmaps=ImagePyramid().with_level(0, image_url=url))
    stack = put(gateway, plain_tile("", channels=[channel], image_url=None))

    assert not stack.image(1, channel="DAPI").pixels.any()
    assert not stack.image(1, channel="DAPI", dtype="uint16").pixels.any()
    assert not stack.image(1, Bounds(500, 500, 600, 600)).pixels.any()
