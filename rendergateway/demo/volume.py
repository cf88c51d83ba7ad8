"""
Placement of the tiles of the synthetic volume, and their true point matches.

Each tile has the lens of its camera, shared by all, and an affine of its own: grid position, drift of the section and
a little jitter. Row, column and section determine all numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import numpy as np

from rendergateway import Bounds, Layout, MatchRecord, TileRecord
from rendergateway.geometry import FloatArray
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, TransformList, TransformReference, tile_box

__all__ = [
    "LENS",
    "RESOLUTION_NM",
    "SECTIONS",
    "TILE_PX",
    "DemoTile",
    "match",
    "neighbours",
    "pixel_places",
    "tiles",
    "world_bounds",
]

SECTIONS = (1.0, 2.0, 3.0)
ROWS = COLUMNS = 4
TILE_PX = 512
STEP_PX = 448
RESOLUTION_NM = (4.0, 4.0, 40.0)
MARGIN_PX = 48

_SEED = 20
_JITTER_PX, _JITTER_RAD, _JITTER_SCALE = 6.0, 0.004, 0.002
_DRIFT_PX, _DRIFT_RAD = 5.0, 0.002
_LENS_STRENGTH = 2.0**-23


def _lens() -> PolynomialTransform2D:
    """
    Return a lens that moves the corners outwards by four pixels.

    x' = x + k (x − c) r², where r is the distance to the image centre (c, c), and the same for y.
    """
    c, k = TILE_PX / 2, _LENS_STRENGTH
    of_x = [-2 * c**3 * k, 1 + 4 * c**2 * k, 2 * c**2 * k, -3 * c * k, -2 * c * k, -c * k, k, 0, k, 0]
    of_y = [-2 * c**3 * k, 2 * c**2 * k, 1 + 4 * c**2 * k, -c * k, -2 * c * k, -3 * c * k, 0, k, 0, k]
    return PolynomialTransform2D([of_x, of_y], id="lens", labels=("lens",))


LENS = _lens()


@attrs.frozen
class DemoTile:
    """
    One tile: its grid position, and the complete transform from local to world pixels.

    Attributes
    ----------
    z : float
        Section.
    row, column : int
        Grid position.
    affine : AffineModel2D
        The transform after the lens.
    """

    z: float
    row: int
    column: int
    affine: AffineModel2D = attrs.field(repr=False)

    @property
    def tile_id(self) -> str:
        """Unique within the stack."""
        return f"s{self.z:.0f}_r{self.row}_c{self.column}"

    @property
    def section_id(self) -> str:
        """Section id, also the group of its matches."""
        return f"{self.z:.1f}"

    @property
    def file_name(self) -> str:
        """Name of the image file."""
        return f"{self.tile_id}.png"

    @property
    def whole(self) -> TransformList:
        """The lens, then the affine."""
        return TransformList([LENS, self.affine])

    @property
    def bounds(self) -> Bounds:
        """Bounding box in world pixels."""
        return tile_box(self.whole, TILE_PX, TILE_PX)

    def image_url(self, images: Path) -> str:
        """Return the URL of its image in the folder *images*."""
        return (images / self.file_name).as_uri()

    def record(self, images: Path) -> TileRecord:
        """Return the tile spec, with its image in the folder *images*."""
        return TileRecord(
            tile_id=self.tile_id,
            z=self.z,
            width=TILE_PX,
            height=TILE_PX,
            min_intensity=0,
            max_intensity=255,
            image_url=self.image_url(images),
            layout=self._layout(),
            transforms=[TransformReference("lens"), self.affine],
        )

    def _layout(self) -> Layout:
        pixel_size = RESOLUTION_NM[0]
        return Layout(
            section_id=self.section_id,
            scope_id="demo",
            camera_id="0",
            image_row=self.row,
            image_col=self.column,
            stage_x=self.column * STEP_PX * pixel_size,
            stage_y=self.row * STEP_PX * pixel_size,
            rotation=0.0,
            pixel_size=pixel_size,
        )


def tiles(sections: Iterable[float] = SECTIONS, rows: int = ROWS, columns: int = COLUMNS) -> list[DemoTile]:
    """Return all tiles, ordered by section, row and column."""
    return [
        DemoTile(z, row, column, _affine(z, row, column))
        for z in sections
        for row in range(rows)
        for column in range(columns)
    ]


def _affine(z: float, row: int, column: int) -> AffineModel2D:
    rng = np.random.default_rng([_SEED, int(z), row, column])
    x, y = rng.uniform(-_JITTER_PX, _JITTER_PX, 2)
    angle, scale = rng.uniform(-_JITTER_RAD, _JITTER_RAD), 1 + rng.uniform(-_JITTER_SCALE, _JITTER_SCALE)
    own = _similarity(scale, angle, column * STEP_PX + x, row * STEP_PX + y)
    return (_similarity(1.0, _DRIFT_RAD * z, _DRIFT_PX * z, -_DRIFT_PX * z) @ own).as_affine()


def _similarity(scale: float, angle_rad: float, x: float, y: float) -> AffineModel2D:
    cos, sin = scale * np.cos(angle_rad), scale * np.sin(angle_rad)
    return AffineModel2D([[cos, -sin, x], [sin, cos, y]])


def pixel_places() -> FloatArray:
    """Return the lens-corrected position of each pixel, shape (H, W, 2); the affine of a tile maps it to the world."""
    along = np.arange(TILE_PX, dtype=np.float64)
    return LENS.apply(np.stack(np.meshgrid(along, along), axis=-1))


def world_bounds() -> Bounds:
    """Return the part of the world that needs tissue: all tiles, and a margin."""
    size = (ROWS - 1) * STEP_PX + TILE_PX
    return Bounds(-MARGIN_PX, -MARGIN_PX, size + MARGIN_PX, size + MARGIN_PX)


def neighbours(all_tiles: list[DemoTile]) -> Iterator[tuple[DemoTile, DemoTile]]:
    """Yield the pairs of overlapping tiles: side by side, and at the same grid position in adjacent sections."""
    by_place = {(tile.z, tile.row, tile.column): tile for tile in all_tiles}
    for z, row, column in by_place:
        for place in ((z, row, column + 1), (z, row + 1, column), (z + 1, row, column)):
            if place in by_place:
                yield by_place[z, row, column], by_place[place]


def match(tile: DemoTile, other: DemoTile) -> MatchRecord:
    """Return the true point matches of two tiles, computed from their placement."""
    world = _common_points(tile.bounds, other.bounds, 24.0 if tile.z == other.z else 64.0)
    here, there = tile.whole.inverse().apply(world), other.whole.inverse().apply(world)
    is_in_both = ((here >= 0) & (here < TILE_PX) & (there >= 0) & (there < TILE_PX)).all(axis=1)
    return MatchRecord(
        p_group=tile.section_id,
        p_id=tile.tile_id,
        q_group=other.section_id,
        q_id=other.tile_id,
        p=here[is_in_both],
        q=there[is_in_both],
    )


def _common_points(box: Bounds, other: Bounds, distance_px: float, inset_px: float = 8.0) -> FloatArray:
    """Return a grid over the intersection of two boxes, inset from its border."""
    x, y = (
        np.linspace(low + inset_px, high - inset_px, max(3, round((high - low) / distance_px)))
        for low, high in (
            (max(box.min_x, other.min_x), min(box.max_x, other.max_x)),
            (max(box.min_y, other.min_y), min(box.max_y, other.max_y)),
        )
    )
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
