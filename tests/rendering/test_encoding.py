"""Pictures to files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rendergateway import ImageError
from rendergateway.rendering.encoding import png_bytes, write_png


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_png__every_value_comes_back(tmp_path: Path, kind: str) -> None:
    """A grey picture of 8 or 16 bits is read back as it was; nothing else is left in the folder."""
    pixels = np.random.default_rng(1).integers(0, np.iinfo(kind).max, (30, 50)).astype(kind)

    write_png(tmp_path / "a.png", pixels)

    read = np.asarray(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED))
    assert read.dtype == pixels.dtype
    assert (read == pixels).all()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((2, 2, 3), dtype=np.uint8)])
def test_png__no_grey_picture(pixels: np.ndarray) -> None:
    """What is no grey picture is refused."""
    with pytest.raises(ImageError, match="a grey picture is"):
        png_bytes(pixels)
