"""Summaries of images from their headers: equal to those of the decoded images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import ImageError
from rendergateway.rendering.images.decoding import decoded
from rendergateway.rendering.images.summary import ImageSummary, summary_of, summary_of_pixels
from rendergateway.rendering.output.encoding import file_bytes
from tests.conftest import ROOT

IMAGES = [
    path
    for folder in ("images", "random/images")
    for path in sorted((ROOT / "cassettes" / folder).glob("*"))
    if path.suffix in (".png", ".tif")
]


def outcome(read: Any) -> Any:
    try:
        return read()
    except ImageError:
        return ImageError


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_summary__as_decoded(path: Path) -> None:
    """Size and pixel type of each recorded image are those of its decoded pixels; bad files are refused by both."""
    whole = outcome(lambda: summary_of_pixels(decoded(path)))

    # The data of a file may be damaged behind a correct header.
    assert outcome(lambda: summary_of(path)) == whole or whole is ImageError


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64, np.bool_])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"bigtiff": True}], ids=str)
def test_tiff__types(dtype: Any, options: dict[str, Any]) -> None:
    """Every type of TIFF samples has the summary of its decoded pixels; a truncated file is refused."""
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(file, np.ones((20, 30), dtype), photometric="minisblack", **options)

    assert summary_of(file.getvalue()) == summary_of_pixels(decoded(file.getvalue()))
    rows = np.random.default_rng(1).integers(0, 2, (200, 300)).astype(dtype)
    file = io.BytesIO()
    tifffile.imwrite(file, rows, photometric="minisblack", **options)
    short = file.getvalue()[: len(file.getvalue()) // 2]
    assert outcome(lambda: summary_of(short)) is ImageError


def test_tiff__stacks_and_colours() -> None:
    """An image of a stack, with or without its own tags, and RGB."""
    import tifffile

    slices, colours = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(slices, np.zeros((3, 20, 30), np.uint16), imagej=True)
    tifffile.imwrite(colours, np.zeros((20, 30, 3), np.uint8), photometric="rgb")

    assert summary_of(slices.getvalue(), 3) == ImageSummary(30, 20, "uint16")
    assert summary_of(colours.getvalue()) == ImageSummary(30, 20, "RGB")
    with pytest.raises(ImageError, match="TIFF has no image 4: 4 out of 1-3 range"):
        summary_of(slices.getvalue(), 4)
    with pytest.raises(ImageError, match="TIFF is truncated: it has"):
        summary_of(slices.getvalue()[:-1200], 3)


def test_others__not_known_from_the_header(tmp_path: Path) -> None:
    """A JPEG must be decoded: its header does not distinguish grey from colour; missing and empty files are refused."""
    assert summary_of(file_bytes(np.zeros((20, 30), np.uint8), None, "jpeg")) is None
    (tmp_path / "empty.png").touch()
    for name, sentence in (("empty.png", "file is empty"), ("none.png", "file cannot be read: No such file")):
        with pytest.raises(ImageError, match=sentence):
            summary_of(tmp_path / name)
    with pytest.raises(ImageError, match="PNG is truncated"):
        summary_of(file_bytes(np.zeros((20, 30), np.uint8), None, "png")[:-12])
