"""The matches that count in a solve, and the clusters of tiles that they connect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import Centres
from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.alignment.solve_sparse import sparse
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["centres_of", "clusters_of", "collinear_tiles", "selected"]

# The largest spread of a tile's points across a line, relative to that along it, of points that are called collinear.
_COLLINEAR = 1e-5


def selected(
    matches: TileMatches, z: FloatArray, options: SolveOptions, name: Callable[[int], str]
) -> tuple[TileMatches, FloatArray]:
    """Return the points that count, and their weights."""
    _check_numbers(matches, name)
    factor = options.weights_at(np.abs(z[matches.tiles[:, 0]] - z[matches.tiles[:, 1]]))
    has_weight = np.zeros(len(matches), dtype=np.bool_)
    filled = np.flatnonzero(matches.counts > 0)
    if len(filled):
        has_weight[filled] = np.maximum.reduceat(matches.weights, matches.offsets[filled]) > 0
    apart = matches.tiles[:, 0] != matches.tiles[:, 1]
    enough = matches.counts >= options.npts_min
    chosen = has_weight & enough & apart & (factor > 0)
    used = matches.of_pairs(chosen, options.npts_max)
    weights, of_pairs = used.weights, factor[chosen]
    if (of_pairs != 1).any():
        weights = weights * used.by_point(of_pairs)
    positive = weights > 0
    if not positive.any():
        raise SolveError(_nothing_left(matches, has_weight, enough, factor > 0, options))
    if not positive.all():
        used = used.of_points(positive)
        weights = weights[positive]
    return used, weights


def _check_numbers(matches: TileMatches, name: Callable[[int], str]) -> None:
    for what, values in (("points", matches.p), ("points", matches.q), ("weights", matches.weights[:, np.newaxis])):
        # The sum of finite numbers may overflow; it costs far less than a look at each of them.
        if np.isfinite(values.sum()) and (what == "points" or values.min(initial=0.0) >= 0):
            continue
        wrong = ~np.isfinite(values).all(axis=1)
        if what == "weights":
            wrong |= values[:, 0] < 0
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            pair = int(np.searchsorted(matches.offsets, row, side="right")) - 1
            p, q = map(name, matches.tiles[pair].tolist())
            must = "finite numbers" if what == "points" else "finite and not negative"
            raise SolveError(f"{what} of the pair of tiles {p} and {q} must be {must}: got {values[row].tolist()}")


def _nothing_left(
    matches: TileMatches,
    has_weight: npt.NDArray[np.bool_],
    enough: npt.NDArray[np.bool_],
    near: npt.NDArray[np.bool_],
    options: SolveOptions,
) -> str:
    if not len(matches):
        return "there are no matches between the tiles; check the match collection, and its groups and tile ids"
    reasons = {
        f"{int((matches.counts == 0).sum())} without points": (matches.counts == 0).any(),
        f"{int((~enough).sum())} with fewer than npts_min={options.npts_min} points": (~enough).any(),
        f"{int((~has_weight & (matches.counts > 0)).sum())} with weights of 0": (
            ~has_weight & (matches.counts > 0)
        ).any(),
        f"{int((~near).sum())} at distances in z that have no weight": (~near).any(),
    }
    found = ", ".join(reason for reason, applies in reasons.items() if applies)
    return f"no matches are left to solve with: got {len(matches)} pairs, {found}"


def centres_of(matches: TileMatches, count: int) -> Centres:
    """Return the mean of the points of each tile, and the typical distance from it."""
    total, number, squares = np.zeros((count, 2)), np.zeros(count), 0.0
    sides = [(matches.tiles[:, 0], matches.p), (matches.tiles[:, 1], matches.q)]
    starts = matches.offsets[:-1]
    for tile, points in sides:
        number += np.bincount(tile, matches.counts, minlength=count)
        for axis in (0, 1):
            sums = np.add.reduceat(points[:, axis], starts)
            total[:, axis] += np.bincount(tile, sums, minlength=count)
            # Not by BLAS: its threads take longer to start than a sum takes.
            squares += float(np.einsum("n,n->", points[:, axis], points[:, axis]))
    some = np.maximum(number, 1)[:, np.newaxis]
    mean = total / some
    spread = squares - float((total * mean).sum())
    length = np.sqrt(max(spread, 0.0) / max(number.sum(), 1))
    # All points at the origins: any unit will do.
    return Centres(mean, length if length > 1e-9 else 1.0)


def collinear_tiles(matches: TileMatches, count: int, centres: Centres) -> npt.NDArray[np.bool_]:
    """Return the tiles with points that all lie on one line, or are one."""
    moments = np.zeros((count, 2, 2))
    for part in matches.parts():
        for side in (0, 1):
            tile, local = matches.tiles[part.pairs, side], matches.local(part, side, centres.origin, centres.length)
            for i, j in ((0, 0), (0, 1), (1, 1)):
                sums = np.add.reduceat(local[i] * local[j], part.starts)
                moments[:, i, j] += np.bincount(tile, sums, minlength=count)
    moments[:, 1, 0] = moments[:, 0, 1]
    lowest, highest = np.linalg.eigvalsh(moments).T
    has_points = np.zeros(count, dtype=np.bool_)
    has_points[matches.tiles] = True
    collinear: npt.NDArray[np.bool_] = has_points & (lowest <= _COLLINEAR**2 * np.maximum(highest, 1e-300))
    return collinear


def clusters_of(matches: TileMatches, count: int) -> IntArray:
    """Return the cluster of each tile, by size; -1 without matches."""
    p, q = matches.tiles.T
    graph = sparse().coo_array((np.ones(len(p), dtype=np.bool_), (p, q)), shape=(count, count))
    found = sparse().csgraph.connected_components(graph, directed=False)[1]
    sizes = np.bincount(found)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    has_points = np.zeros(count, dtype=np.bool_)
    has_points[matches.tiles] = True
    cluster: IntArray = np.where(has_points, rank[found], -1)
    return cluster
