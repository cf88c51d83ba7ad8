"""Made-up tiles with known transforms, and their matches."""

from __future__ import annotations

import attrs
import numpy as np

from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import as_polynomials
from rendergateway.geometry import FloatArray

__all__ = ["SIZE", "Volume", "corner_error", "corners", "made_volume", "with_outliers"]

SIZE, STEP = 1000.0, 850.0
_CORNERS = np.array([[0.0, 0.0], [SIZE, 0.0], [0.0, SIZE], [SIZE, SIZE]])


@attrs.frozen(eq=False)
class Volume:
    """True transforms (N, 2, 3), templates (N, 2, T) on the nominal grid, z, and the exact matches of neighbours."""

    true: FloatArray
    templates: FloatArray
    z: FloatArray
    matches: TileMatches


def made_volume(
    sections: int = 1,
    rows: int = 4,
    columns: int = 4,
    *,
    points: int = 20,
    linear: float = 0.003,
    kind: str = "affine",
    seed: int = 16,
) -> Volume:
    """Return a grid of tiles, each with a jitter of its own."""
    random = np.random.default_rng(seed)
    count = sections * rows * columns
    section, row, column = np.unravel_index(np.arange(count), (sections, rows, columns))
    place = np.stack([column * STEP, row * STEP], axis=1)
    true = np.zeros((count, 2, 3))
    true[:, :, :2] = np.eye(2) + _jitter(random, count, linear, kind)
    true[:, :, 2] = place + random.normal(0, 5, (count, 2))
    nominal = np.concatenate([np.tile(np.eye(2), (count, 1, 1)), place[:, :, np.newaxis]], axis=2)
    grid = np.arange(count).reshape(sections, rows, columns)
    sides = [(grid[:, :, :-1], grid[:, :, 1:]), (grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])]
    tiles = np.concatenate([np.stack([p.ravel(), q.ravel()], axis=1) for p, q in sides])
    low = np.maximum(*place[tiles].transpose(1, 0, 2))
    high = np.minimum(*place[tiles].transpose(1, 0, 2)) + SIZE
    world = low[:, np.newaxis] + random.random((len(tiles), points, 2)) * (high - low)[:, np.newaxis]
    inverse = np.linalg.inv(true[:, :, :2])
    p, q = (
        np.einsum("pij,pnj->pni", inverse[side], world - true[side][:, np.newaxis, :, 2]).reshape(-1, 2)
        for side in tiles.T
    )
    matches = TileMatches(tiles, np.arange(len(tiles) + 1) * points, p, q, np.ones(len(p)))
    return Volume(true, as_polynomials(nominal), section.astype(np.float64), matches)


def _jitter(random: np.random.Generator, count: int, size: float, kind: str) -> FloatArray:
    turn, scale = random.normal(0, size, (2, count))
    if kind == "affine":
        return random.normal(0, size, (count, 2, 2))
    if kind == "translation":
        return np.zeros((count, 2, 2))
    length = 1 + scale if kind == "similarity" else np.ones(count)
    linear = np.stack([length * np.cos(turn), -length * np.sin(turn), length * np.sin(turn), length * np.cos(turn)])
    return linear.T.reshape(count, 2, 2) - np.eye(2)


def with_outliers(volume: Volume, part: float = 0.2, reach_px: float = 200.0) -> Volume:
    """Return a volume with that part of the points moved at random."""
    random = np.random.default_rng(17)
    chosen = random.random(len(volume.matches.p)) < part
    q = volume.matches.q.copy()
    q[chosen] += random.uniform(-reach_px, reach_px, (int(chosen.sum()), 2))
    return attrs.evolve(volume, matches=attrs.evolve(volume.matches, q=q))


def corners(coefficients: FloatArray) -> FloatArray:
    """Return the corners of tiles (N, 2, T) in the world: (N, 4, 2)."""
    x, y = _CORNERS.T
    terms = np.stack([np.ones(4), x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])
    found: FloatArray = np.einsum("ndk,kc->ncd", coefficients, terms[: coefficients.shape[2]])
    return found


def corner_error(volume: Volume, coefficients: FloatArray) -> float:
    """Return the median distance of corners from the truth, after the best global affine transform, in pixels."""
    true = corners(as_polynomials(volume.true)).reshape(-1, 2)
    found = corners(coefficients).reshape(-1, 2)
    terms = np.column_stack([found - found.mean(axis=0), np.ones(len(found))])
    fitted = terms @ np.linalg.lstsq(terms, true, rcond=None)[0]
    return float(np.median(np.hypot(*(fitted - true).T)))
