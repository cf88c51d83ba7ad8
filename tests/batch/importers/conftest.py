"""Folders of images for the importers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, StackWrapper
from rendergateway.rendering.output.encoding import SUFFIXES, file_bytes

Images = Callable[..., Path]


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Write an image per name to the folder ``images``: a ramp, or the pixels given; return the folder."""
    folder = tmp_path / "images"

    def write(*names: str, pixels: Any = None) -> Path:
        ramp = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) // 20
        shown = ramp.astype(np.uint8) if pixels is None else np.asarray(pixels)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file_bytes(shown, None, SUFFIXES[path.suffix]))
        return folder

    return write


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write the lines of a table to ``positions.csv``; return its path."""

    def write(*lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "positions.csv"
        path.write_text("\n".join(lines), encoding=encoding)
        return path

    return write


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """A stack that does not exist yet."""
    return gateway.stack("raw")
