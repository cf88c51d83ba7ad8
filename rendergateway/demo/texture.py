"""
Synthetic tissue that resembles neuropil in an electron microscope.

Cells are those of a Voronoi diagram whose seeds move slowly with z, in a smooth warp; membranes are dark lines between
cells. The random seed determines the tissue.

References
----------
.. [1] S. Worley, "A Cellular Texture Basis Function", SIGGRAPH 1996: nearest and second nearest feature points.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import Bounds, FloatArray

__all__ = ["Section", "draw_section"]

Raster = npt.NDArray[np.float32]

CELL_PX = 54.0
MEMBRANE_PX = 3.4
WANDER_PER_SECTION_RAD = 0.35
# Powers of two: positions are wrapped with a bit mask.
_NOISE_SIZE, _SEED_ROWS = 256, 64


@attrs.frozen(eq=False)
class Section:
    """
    The tissue of one section as a raster.

    Attributes
    ----------
    values : ndarray, shape (H, W)
        Grey values, 0 … 255.
    grain : ndarray, shape (N, N)
        Fine noise of the tissue; periodic.
    bounds : Bounds
        The extent of the raster, in world pixels.
    step : float
        World pixels per raster step.
    """

    values: Raster
    grain: Raster
    bounds: Bounds
    step: float

    def at(self, points: FloatArray) -> npt.NDArray[np.uint8]:
        """
        Return the grey values at *points*, as a camera would record them.

        Parameters
        ----------
        points : ndarray, shape (H, W, 2)
            x, y in world pixels, within the bounds.

        Returns
        -------
        ndarray, shape (H, W)
            Grey values.
        """
        x, y = points[..., 0], points[..., 1]
        columns, rows = (x - self.bounds.min_x) / self.step, (y - self.bounds.min_y) / self.step
        seen = _sampled(self.values, columns.astype(np.float32), rows.astype(np.float32))
        size = len(self.grain)
        seen += self.grain[np.floor(y).astype(np.int32) % size, np.floor(x).astype(np.int32) % size]
        # Even values only: images compress better, without a visible difference.
        return np.clip(seen, 0, 254).astype(np.uint8) & np.uint8(0xFE)


def draw_section(z: float, bounds: Bounds, *, seed: int = 7, step: float = 2.0) -> Section:
    """
    Draw the tissue of one section.

    Parameters
    ----------
    z : float
        The section; shapes drift with it.
    bounds : Bounds
        The part of the world, in pixels.
    seed : int
        Random seed of the tissue.
    step : float
        World pixels per raster step.
    """
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(
        np.arange(bounds.min_x, bounds.max_x + step, step, dtype=np.float32),
        np.arange(bounds.min_y, bounds.max_y + step, step, dtype=np.float32),
    )
    noise = [_noise(rng) for _ in range(3)]
    drift = np.float32(6.0 * z)
    # A wide and a narrow warp: cells of many sizes, curved membranes.
    x, y = (
        x + 34 * _tiled(noise[0], x + drift, y, 130.0) + 7 * _tiled(noise[1], x, y, 31.0),
        y + 34 * _tiled(noise[1], x, y + drift, 130.0) + 7 * _tiled(noise[0], x, y, 31.0),
    )
    nearest, second, shade = _cells(x, y, z, rng)
    membrane = np.exp(-((second - nearest) ** 2) / (2 * MEMBRANE_PX**2))
    inside = 190 + 18 * shade + 10 * _tiled(noise[2], x, y, 9.0)
    organelle = np.clip(1.6 - nearest / (6 + 4 * shade), 0, 1) * (shade > 0.4)
    values = inside * (1 - 0.66 * membrane) - 62 * organelle
    grain = np.random.default_rng([seed, round(8 * z)]).normal(0, 1.6, (_NOISE_SIZE, _NOISE_SIZE))
    return Section(values.astype(np.float32), grain.astype(np.float32), bounds, step)


def _cells(x: Raster, y: Raster, z: float, rng: np.random.Generator) -> tuple[Raster, Raster, Raster]:
    """Return the distances to the nearest and second nearest seed, and the shade (-1 … 1) of the nearest cell."""
    columns, rows = x / np.float32(CELL_PX), y / np.float32(CELL_PX)
    left, top = np.floor(columns).astype(np.int32), np.floor(rows).astype(np.int32)
    right, down = columns - left.astype(np.float32), rows - top.astype(np.float32)
    seed_x, seed_y, seed_shade = _seeds(z, rng)
    nearest = np.full(x.shape, np.inf, dtype=np.float32)
    second, shade = nearest.copy(), np.zeros_like(nearest)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            # One seed per square of a periodic grid.
            seed = ((top + row) & (_SEED_ROWS - 1)) * _SEED_ROWS + ((left + column) & (_SEED_ROWS - 1))
            distance = (seed_x.take(seed) + column - right) ** 2 + (seed_y.take(seed) + row - down) ** 2
            is_nearer = distance < nearest
            np.minimum(second, np.maximum(distance, nearest), out=second)
            np.minimum(nearest, distance, out=nearest)
            np.copyto(shade, seed_shade.take(seed), where=is_nearer)
    return np.sqrt(nearest) * np.float32(CELL_PX), np.sqrt(second) * np.float32(CELL_PX), shade


def _seeds(z: float, rng: np.random.Generator) -> tuple[Raster, Raster, Raster]:
    """Return the position of each seed in its square (x and y in 0 … 1), which circles with z, and its shade."""
    home_x, home_y, shade = rng.uniform(-1, 1, (3, _SEED_ROWS, _SEED_ROWS)).astype(np.float32)
    angle = (rng.uniform(0, 2 * np.pi, (_SEED_ROWS, _SEED_ROWS)) + WANDER_PER_SECTION_RAD * z).astype(np.float32)
    place_x = 0.5 + 0.27 * home_x + 0.2 * np.cos(angle)
    place_y = 0.5 + 0.27 * home_y + 0.2 * np.sin(angle)
    return place_x, place_y, shade


def _noise(rng: np.random.Generator) -> Raster:
    return rng.uniform(-1, 1, (_NOISE_SIZE, _NOISE_SIZE)).astype(np.float32)


def _tiled(noise: Raster, x: Raster, y: Raster, size_px: float) -> Raster:
    """Return periodic noise, smoothly enlarged to knots *size_px* apart."""
    wrapped = np.pad(noise, (0, 1), mode="wrap")
    places = []
    for axis in (x, y):
        place = axis / np.float32(size_px)
        knot = np.floor(place)
        part = place - knot
        # Smoothstep interpolation between the knots avoids creases.
        places.append((knot.astype(np.int32) & (_NOISE_SIZE - 1)) + part * part * (3 - 2 * part))
    return _sampled(wrapped, places[0].astype(np.float32), places[1].astype(np.float32))


def _sampled(values: Raster, x: Raster, y: Raster) -> Raster:
    """Interpolate *values* linearly at *x* and *y*, in array indices."""
    height, width = values.shape
    column = np.clip(x, 0, width - 2).astype(np.int32)
    row = np.clip(y, 0, height - 2).astype(np.int32)
    right, down = x - column.astype(np.float32), y - row.astype(np.float32)
    first = row * width + column
    flat = values.ravel()
    upper: Raster = flat.take(first)
    lower: Raster = flat.take(first + width)
    upper += (flat.take(first + 1) - upper) * right
    lower += (flat.take(first + width + 1) - lower) * right
    upper += (lower - upper) * down
    return upper
