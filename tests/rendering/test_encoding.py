"""Encoding of rendered images."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from rendergateway import ImageError
from rendergateway.rendering import Recipe, RenderedImage, encoded, png_bytes, write_png
from rendergateway.rendering.images.decoding import decoded
from rendergateway.rendering.output.png import png_of_rgba
from tests.rendering.conftest import texture


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_png__every_value_comes_back(tmp_path: Path, kind: str) -> None:
    """A grey image of 8 or 16 bits is read back unchanged; no temporary file is left."""
    pixels = np.random.default_rng(1).integers(0, np.iinfo(kind).max, (30, 50)).astype(kind)

    write_png(tmp_path / "a.png", pixels)

    read = np.asarray(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED))
    assert read.dtype == pixels.dtype
    assert (read == pixels).all()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((2, 2, 3), dtype=np.uint8)])
def test_png__no_grey_picture(pixels: npt.NDArray[Any]) -> None:
    """Pixels of another shape or dtype are refused."""
    with pytest.raises(ImageError, match="PNG needs uint8 or uint16 grey values"):
        png_bytes(pixels)


COLOURS = np.stack([texture(40, 50, seed) for seed in (1, 2, 3)], axis=2)
ALPHA = np.tile(np.linspace(0, 255, 50).astype(np.uint8), (40, 1))


def test_png__colours_and_opacity() -> None:
    """A PNG has colours and opacity; transparent pixels are black."""
    image = np.asarray(Image.open(io.BytesIO(encoded(RenderedImage(COLOURS, ALPHA), Recipe(), "png"))))

    assert (image[..., 3] == ALPHA).all()
    assert (image[:, -1, :3] == COLOURS[:, -1]).all()
    assert not image[:, 0].any()
    assert (np.abs(image[..., :3].astype(int) - COLOURS)[ALPHA > 200] <= 1).all()


@pytest.mark.parametrize("coder", [None, "isal"])
@pytest.mark.parametrize("shape", [(100, 1000), (70, 999, 3), (1, 5), (3, 40_000)])
def test_png__of_many_rows(shape: tuple[int, ...], coder: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pixel comes back, also from rows that are packed apart, with and without ISA-L."""
    if coder is None:
        monkeypatch.setitem(sys.modules, "isal", None)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    alpha = np.random.default_rng(1).integers(0, 256, shape[:2], dtype=np.uint8)

    for opacity in (None, alpha):
        read = np.asarray(Image.open(io.BytesIO(png_of_rgba(pixels, opacity))))

        assert (read[..., :3] == (pixels[..., np.newaxis] if pixels.ndim == 2 else pixels)).all()
        assert (read[..., 3] == (255 if opacity is None else opacity)).all()


def test_raw__opacity_comes_first() -> None:
    """Raw pixels are ARGB; 16-bit raw pixels are big-endian."""
    four = np.frombuffer(encoded(RenderedImage(COLOURS), Recipe(), "raw"), dtype=np.uint8).reshape(40, 50, 4)
    deep = np.arange(2000, dtype=np.uint16).reshape(40, 50)

    assert (four[..., 0] == 255).all()
    assert (four[..., 1:] == COLOURS).all()
    assert encoded(RenderedImage(deep), Recipe(), "raw16") == deep.astype(">u2").tobytes()


def test_tiff__big_end_first() -> None:
    """TIFFs of colours and of 16-bit values are big-endian, as in the service."""
    deep = np.arange(2000, dtype=np.uint16).reshape(40, 50)
    colours, values = (
        encoded(RenderedImage(COLOURS), Recipe(), "tiff"),
        encoded(RenderedImage(deep), Recipe(), "tiff16"),
    )

    assert colours[:2] == values[:2] == b"MM"
    assert (tifffile.imread(io.BytesIO(colours)) == COLOURS).all()
    assert (tifffile.imread(io.BytesIO(values)) == deep).all()


def test_jpeg__one_channel_or_three() -> None:
    """A JPEG is in colour unless grey is requested, over black."""
    coloured = Image.open(io.BytesIO(encoded(RenderedImage(COLOURS, ALPHA), Recipe(), "jpeg")))
    grey = Image.open(io.BytesIO(encoded(RenderedImage(COLOURS), Recipe(convert_to_gray=True), "jpeg")))

    assert (coloured.mode, grey.mode, coloured.size) == ("RGB", "L", (50, 40))
    assert np.asarray(coloured)[:, 0].max() < 40


def test_window__stretches_what_is_seen_only() -> None:
    """The value range is applied to 8-bit formats, not to 16-bit ones."""
    deep = np.array([[0, 1000, 1500, 3000]], dtype=np.uint16)
    picture = RenderedImage(deep, None, (1000.0, 2000.0))

    assert decoded(encoded(picture, Recipe(), "png"))[0, :, 0].tolist() == [0, 0, 128, 255]
    assert decoded(encoded(picture, Recipe(), "png16")).tolist() == deep.tolist()


def test_background__shows_through() -> None:
    """A background fills transparent pixels and makes the image opaque."""
    recipe = Recipe(tiles=(object(),), background=0x0000C8)  # type: ignore[arg-type]

    image = np.asarray(Image.open(io.BytesIO(encoded(RenderedImage(COLOURS, ALPHA), recipe, "png"))))

    assert (image[..., 3] == 255).all()
    assert (image[:, 0, :3] == [0, 0, 200]).all()
