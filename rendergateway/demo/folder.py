"""The folder of the demo: images with a table of their positions, database, pictures, and a marker file."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from rendergateway.demo.texture import Section, draw_section
from rendergateway.demo.volume import RESOLUTION_NM, SECTIONS, STEP_PX, DemoTile, pixel_places, tiles, world_bounds
from rendergateway.errors import CommandError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.output.encoding import write_png, write_whole

__all__ = ["DemoFolder"]

# Increment for other images: those of older folders are drawn again.
_RECIPE = 1
_NOTE = "rendergateway-demo.json"


def _resolved(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().resolve()


@attrs.frozen
class DemoFolder:
    """
    A folder for the volume of the demo.

    Parameters
    ----------
    path : str or Path
        The folder; it need not exist.
    """

    path: Path = attrs.field(converter=_resolved)

    @property
    def images(self) -> Path:
        """Folder of the tile images."""
        return self.path / "images"

    @property
    def positions(self) -> Path:
        """Table of the stage positions of the images."""
        return self.path / "positions.csv"

    @property
    def seam_before(self) -> Path:
        """Picture of a seam before the solve."""
        return self.path / "seam-before.png"

    @property
    def seam_after(self) -> Path:
        """Picture of the same seam after it."""
        return self.path / "seam-after.png"

    @property
    def picture(self) -> Path:
        """Picture of the first section."""
        return self.path / "section.png"

    @property
    def database(self) -> Path:
        """Database of the embedded service."""
        return self.path / "render.db"

    @property
    def address(self) -> str:
        """Address of the embedded service, for `Gateway`."""
        return f"embedded:{self.database}"

    def prepare(self) -> None:
        """
        Create the folder if it is missing, and mark it as that of the demo.

        Raises
        ------
        CommandError
            If it has other contents.
        """
        if self.path.exists() and not self.path.is_dir():
            raise CommandError(f"{self.path} is not a folder; choose another one")
        note = self.path / _NOTE
        if self.path.is_dir() and any(self.path.iterdir()) and not note.exists():
            raise CommandError(f"{self.path} has other contents than the demo; choose an empty or a new folder")
        self.path.mkdir(parents=True, exist_ok=True)
        if _recipe_of(note) != _RECIPE:
            # Images of another volume are deleted first: existing images count as drawn.
            for tile in self.images.glob("*.png"):
                tile.unlink()
            note.write_text(json.dumps({"recipe": _RECIPE}), encoding="utf-8")
        self.images.mkdir(exist_ok=True)
        write_whole(self.positions, _positions().encode())

    def missing_images(self) -> list[DemoTile]:
        """Return the tiles without an image."""
        return [tile for tile in tiles() if not (self.images / tile.file_name).exists()]

    def draw(self, missing: list[DemoTile], progress: Callable[[int], object] | None = None) -> None:
        """
        Draw the images of tiles.

        Parameters
        ----------
        missing : list of DemoTile
            The tiles.
        progress : callable, optional
            Called with the number of images drawn so far.
        """
        sections = {z: [tile for tile in missing if tile.z == z] for z in SECTIONS}
        sections = {z: of_section for z, of_section in sections.items() if of_section}
        corrected = pixel_places()
        count = 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # All tissues are submitted at once, so that one is drawn while tiles of another are cut.
            tissues = pool.map(functools.partial(draw_section, bounds=world_bounds()), sections)
            for tissue, of_section in zip(tissues, sections.values(), strict=True):
                for _ in pool.map(functools.partial(self._cut, corrected, tissue), of_section):
                    count += 1
                    if progress is not None:
                        progress(count)

    def _cut(self, corrected: FloatArray, tissue: Section, tile: DemoTile) -> None:
        """Write the image of a tile: the tissue at the world position of each pixel."""
        write_png(self.images / tile.file_name, tissue.at(tile.affine.apply(corrected)))


def _positions() -> str:
    """Return the table that a microscope writes: nominal positions, without the jitter of its stage."""
    step_um = STEP_PX * RESOLUTION_NM[0] / 1000
    lines = [f"{tile.file_name},{tile.column * step_um},{tile.row * step_um},{tile.z:g}" for tile in tiles()]
    return "\n".join(["file,stage_x_um,stage_y_um,section", *lines, ""])


def _recipe_of(note: Path) -> object:
    """Return the number of the volume that a folder was made for; None if unknown."""
    try:
        return json.loads(note.read_text(encoding="utf-8"))["recipe"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
