"""Stacks with images, and helpers of picture tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import (
    Gateway,
    Picture,
    StackWrapper,
    TileRecord,
)
from rendergateway.model import ChannelRecord, ImagePyramid
from rendergateway.testing import make_stack
from rendergateway.transforms import AffineModel2D

__all__ = [
    "channel_images",
    "drawn",
    "image_in",
    "image_of",
    "opacity",
    "picture_database",
    "picture_folder",
    "plain_tile",
    "put",
    "ramp",
    "save",
    "shifted",
    "two_channels",
]


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of that volume's images."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="session")
def picture_database(picture_folder: Path) -> Path:
    """A made-up volume with images: three sections of two by two tiles."""
    path = picture_folder / "render.db"
    with Gateway(f"embedded:{path}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, images=picture_folder)
    return path


@pytest.fixture
def drawn(picture_database: Path) -> Iterator[StackWrapper]:
    """The stack of that volume, not read yet."""
    with Gateway(f"embedded:{picture_database}", owner="lab", project="cortex") as gateway:
        yield gateway.stack("montage")


def save(path: Path, pixels: npt.NDArray[Any]) -> str:
    assert cv2.imwrite(str(path), pixels)
    return path.as_uri()


def image_of(path: Path) -> npt.NDArray[Any]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def image_in(data: bytes) -> npt.NDArray[Any]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def opacity(picture: Picture) -> npt.NDArray[Any]:
    return np.full(picture.shape[:2], 255) if picture.alpha is None else picture.alpha


def ramp(height: int = 80, width: int = 100, most: int = 60_000) -> npt.NDArray[Any]:
    return np.linspace(1, most, height * width).reshape(height, width).astype(np.uint16)


def shifted(x: float, y: float) -> list[AffineModel2D]:
    return [AffineModel2D([[1, 0, x], [0, 1, y]])]


def put(gateway: Gateway, *tiles: TileRecord, name: str = "some") -> StackWrapper:
    stack = gateway.create_stack(name)
    with stack.editing() as edit:
        edit.put(tiles)
    return stack


def plain_tile(url: str, tile_id: str = "t1", x: float = 0, y: float = 0, **fields: Any) -> TileRecord:
    values = {"z": 1, "width": 100, "height": 80, "transforms": shifted(x, y), "image_url": url, **fields}
    return TileRecord(tile_id=tile_id, **values)


@pytest.fixture
def two_channels(gateway: Gateway, tmp_path: Path) -> StackWrapper:
    """One tile of two 16-bit channels, far from the world's origin."""
    level = {name: save(tmp_path / f"{name}.png", pixels) for name, pixels in channel_images().items()}
    channels = [
        ChannelRecord(
            name=name, min_intensity=0, max_intensity=65535, mipmaps=ImagePyramid().with_level(0, image_url=url)
        )
        for name, url in level.items()
    ]
    return put(gateway, plain_tile("", x=50_000, y=70_000, channels=channels, image_url=None), name="two_channels")


def channel_images() -> dict[str, npt.NDArray[Any]]:
    return {"DAPI": ramp(most=600), "TdTomato": ramp(most=600)[::-1].copy()}
