"""Image files in a temporary folder, and tiles and recipes made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway.rendering import Channel, ImageAddress, Level, Recipe, Sources, Tile
from rendergateway.transforms import AffineModel2D, Transform, TransformList


def texture(height: int, width: int, seed: int = 1) -> npt.NDArray[Any]:
    """Return a smooth random 8-bit image without black pixels."""
    rough = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.5)
    return np.asarray(cv2.normalize(smooth, smooth, 1, 255, cv2.NORM_MINMAX))


def shift(x: float, y: float) -> AffineModel2D:
    return AffineModel2D([[1, 0, x], [0, 1, y]])


class Images:
    """Image files, and tiles made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources = Sources()

    def save(self, name: str, pixels: npt.NDArray[Any]) -> str:
        """Write an image losslessly; return its path."""
        path = str(self.folder / name)
        assert cv2.imwrite(path, pixels[..., ::-1] if pixels.ndim == 3 else pixels)
        return path

    def tile(
        self,
        image: str | npt.NDArray[Any],
        transform: Transform | None = None,
        *,
        mask: npt.NDArray[Any] | None = None,
        **channel: Any,
    ) -> Tile:
        """Return a tile of an image, with the name of its file as id."""
        if not isinstance(image, str):
            image = self.save(f"{len(list(self.folder.iterdir()))}.png", image)
        mask_address = (
            None if mask is None else ImageAddress(self.save(f"mask{len(list(self.folder.iterdir()))}.png", mask))
        )
        levels = channel.pop("levels", {0: Level(ImageAddress(image), mask_address)})
        return Tile(Path(image).stem, transform or TransformList(), (Channel(levels=levels, **channel),))

    def drawn(self, *tiles: Tile, **recipe: Any) -> npt.NDArray[Any]:
        """Return the pixels of tiles drawn with a recipe."""
        from rendergateway.rendering import draw

        return draw(Recipe(tiles=tiles, **recipe), self.sources).pixels


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path)
