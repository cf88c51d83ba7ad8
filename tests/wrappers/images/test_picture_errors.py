"""Drawing errors and the remedies they name."""

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
from tests.wrappers.images.pictured import plain_tile, put, save


@pytest.mark.parametrize(
    ("look", "error", "sentence"),
    [
        ({"scale": 0}, ImageError, "scale must be picture pixels per world pixel, finite and > 0; got 0"),
        ({"scale": -1}, ImageError, "> 0; got -1"),
        ({"scale": float("nan")}, ImageError, "finite and > 0; got nan"),
        ({"scale": 1e-9}, ImageError, "are 0 × 0 pixels; use a larger box or scale"),
        ({"scale": 1e9}, ImageError, "use smaller boxes or a smaller scale"),
        ({"box": Bounds(5, 5, 5, 9)}, ImageError, r"box \(5.0, 5.0, 5.0, 9.0\) is empty or not finite; pass min_x <"),
        ({"box": Bounds(9, 5, 5, 9)}, ValueError, r"box \(9.0, 5.0, 5.0, 9.0\) is empty; pass min_x <= max_x and"),
        ({"box": Bounds(0, 0, float("inf"), 9)}, ImageError, r"the box \(0.0, 0.0, inf, 9.0\) is empty or not finite"),
        ({"box": Bounds(0, 0, 40_000, 25_000)}, ImageError, "more than the maximum of 100000000"),
        ({"box": Bounds(0, 0, 1e12, 1), "scale": 1e-6}, ImageError, "are 1000000 × 0 pixels"),
        ({"box": (0, 0, 5)}, TypeError, r"box must be Bounds or \(min_x, min_y, max_x, max_y\), got \(0, 0, 5\)"),
        ({"channel": "DAPI"}, MissingChannelError, "has no channel 'DAPI'; its tiles have one unnamed channel"),
        ({"channel": "DAPI", "compute": "local"}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channel": "DAPI", "dtype": "uint16"}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channels": {"DAPI": Window(0, 9)}}, MissingChannelError, "has no channel 'DAPI'"),
        ({"channels": {"DAPI": (0, 9)}}, TypeError, r"channels must map names to Window\(low, high, colour\)"),
        ({"channel": "a", "channels": {"DAPI": Window(0, 9)}}, TypeError, "channels= several; pass one of them"),
        ({"channels": {"DAPI": Window(0, 9)}, "intensity": (0, 9)}, TypeError, "its own window"),
        ({"intensity": (9, 0)}, ValueError, r"intensity must be \(low, high\) with low <= high"),
        ({"intensity": (0, 9), "dtype": "uint16"}, TypeError, "intensity= is for 8 bits"),
        ({"dtype": "float32"}, ValueError, "dtype must be uint8 or uint16, got float32"),
        ({"mask": "hard"}, ValueError, "mask must be 'blended' or 'binary' or None, got 'hard'"),
        ({"compute": "there"}, ValueError, "compute must be 'local' or 'service', got 'there'"),
        ({"background": "red"}, ValueError, "must be '#rrggbb' or 0xRRGGBB, got 'red'"),
        ({"background": 0x202020, "dtype": "uint16"}, ImageError, "compute='local' draws 16"),
        ({"max_tiles": -1}, ValueError, "max_tiles must be >= 0, got -1"),
        ({"max_tiles": 3}, ImageError, "shows 4 tiles, more than max_tiles=3; use smaller boxes or a larger"),
        ({"max_tiles": 3, "scale": 0.01}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "box": Bounds(250, 250, 700, 700)}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "dtype": "uint16"}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "compute": "local"}, ImageError, "shows 4 tiles"),
        ({"max_tiles": 3, "background": 0x202020}, ImageError, "shows 4 tiles"),
        ({"chanel": "DAPI"}, TypeError, "chanel"),
        ({"filter": "no_such_list"}, ServiceError, "Filter list with name 'no_such_list' not found"),
    ],
)  # fmt: skip
def test_bad_input__says_what_to_do(
    drawn: StackWrapper, look: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """Each wrong option raises an error of its own kind that names the remedy."""
    with pytest.raises(error, match=sentence):
        drawn.section(2).image(**look)


def test_bad_input__of_tiles(drawn: StackWrapper, gateway: Gateway, two_channels: StackWrapper) -> None:
    """Unknown frames, missing tiles and missing channels are named."""
    with pytest.raises(ValueError, match="frame must be 'world', 'raw', 'lens_corrected', got 'lens'"):
        drawn.section(2).tiles()[0].image("lens")
    with pytest.raises(NotFoundError):
        drawn.tile("nowhere").image()
    with pytest.raises(MissingChannelError, match="tile 't1' has no channel 'GFP'; it has DAPI, TdTomato"):
        two_channels.tile("t1").image(channel="GFP")
    with pytest.raises(ImageError, match=r"section 9\.0 of stack montage has no tiles"):
        drawn.section(9).image()


def test_failed_image__raises(gateway: Gateway, tmp_path: Path) -> None:
    """A missing file fails with the service's message, which names it; locally with tile and URL."""
    stack = put(gateway, plain_tile(f"{tmp_path}/gone.png"))

    with pytest.raises(ServiceError, match=r"cannot find imageUrl file '.*gone.png'"):
        stack.tile("t1").image()
    with pytest.raises(ImageError, match=r"tile 't1', image '.*gone.png'"):
        stack.section(1).image(compute="local")


def test_answer__that_is_no_picture() -> None:
    """An answer that is not an image raises an error that names the section."""
    with MisbehavingServer(sends(b"no picture", content_type="image/png")) as server:
        stack = Gateway(server.url, owner="o", project="p").stack("s")
        with pytest.raises(
            ImageError,
            match=r"section 1.0 of stack s: the answer of the service is not a picture: unknown image format",
        ):
            stack.section(1).image(Bounds(0, 0, 9, 9))


def test_black_picture__is_one(gateway: Gateway, tmp_path: Path) -> None:
    """An unmasked tile that is drawn black is a picture, not an empty answer."""
    url = save(tmp_path / "a.png", np.zeros((80, 100), np.uint8))
    channel = ChannelRecord(name="DAPI", mipmaps=ImagePyramid().with_level(0, image_url=url))
    stack = put(gateway, plain_tile("", channels=[channel], image_url=None))

    assert not stack.section(1).image(channel="DAPI").pixels.any()
    assert not stack.section(1).image(channel="DAPI", dtype="uint16").pixels.any()
    assert not stack.section(1).image(Bounds(500, 500, 600, 600)).pixels.any()


def test_outlines__of_a_service_with_a_limit(drawn: StackWrapper) -> None:
    """Outlines that a service draws beyond its own limit are an error, though no max_tiles= was passed."""
    values = {**drawn._key._asdict(), "z": 2.0, "x": 0, "y": 0, "width": 900, "height": 900, "scale": 1.0}
    outlines = drawn._conn.call_raw("box.png", **values, max_tile_specs_to_render=3)
    recipe = drawn._conn.call_raw("box.render_parameters", **values)

    with MisbehavingServer(sends(outlines, content_type="image/png"), sends(recipe)) as server:
        section = Gateway(server.url, owner="o", project="p").stack("s").section(2)
        with pytest.raises(ImageError, match="shows 4 tiles, more than the limit of the service; use smaller boxes or"):
            section.image(Bounds(0, 0, 900, 900))
