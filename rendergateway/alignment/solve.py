"""Least-squares solve of the transforms of many tiles from point matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_equations import displacements, equations_of, sparse_matrix
from rendergateway.alignment.solve_linear import DIRECT_BELOW, conjugate_gradients, factorized, preconditioner
from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import Centres, Model, model_of
from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Solution", "solve"]

# A rigid model takes steps until they are shorter than this part of the length of a tile.
_SHORTEST_STEP = 1e-12
_MOST_STEPS = 30
_MOST_REJECTIONS = 5
# Regularization that outliers cannot overcome.
_HELD = 1000.0
# The largest spread of a tile's points across a line, relative to that along it, of points that are called collinear.
_COLLINEAR = 1e-5


@attrs.frozen(eq=False)
class Solution:
    """
    Solved transforms.

    Attributes
    ----------
    coefficients : ndarray, shape (N, 2, T)
        Transforms of all tiles, as polynomials with T of 3, 6 or 10 terms.
    cluster : ndarray, shape (N,)
        Number of the cluster of each tile, tiles that matches connect; 0 is the largest, -1 a tile without matches.
    collinear : ndarray, shape (N,), bool
        Tiles whose points lie on one line: the template decides what they leave open.
    before, after : Residuals
        Of the points that were used, outliers excluded.
    outlier_count : int
        Points excluded as outliers.
    unknown_count, iterations : int
        Size of the system, and iterations of the iterative solver, 0 for the direct one.
    """

    coefficients: FloatArray
    cluster: IntArray
    collinear: npt.NDArray[np.bool_]
    before: Residuals
    after: Residuals
    outlier_count: int
    unknown_count: int
    iterations: int


def solve(
    templates: FloatArray,
    z: FloatArray,
    matches: TileMatches,
    options: SolveOptions,
    *,
    fixed: npt.NDArray[np.bool_] | None = None,
    start: FloatArray | None = None,
    tile_ids: Sequence[str] | npt.NDArray[Any] = (),
    report: Callable[[], object] = lambda: None,
) -> Solution:
    """
    Solve the transforms of tiles from their matches.

    Minimizes the weighted sum of squared residuals, plus the squared distance of the parameters from the template. The
    unknowns are steps from the template, in coordinates centred on each tile, so that neither large positions nor large
    images cost digits.

    Parameters
    ----------
    templates : ndarray, shape (N, 2, T)
        Coefficients of the template of each tile, for the terms 1, x, y, x², …; T is 3, 6 or 10.
    z : ndarray, shape (N,)
        Sections of the tiles.
    matches : TileMatches
        Points in the frame that the transforms are applied to.
    options : SolveOptions
        Model, regularization and weights.
    fixed : ndarray, shape (N,), bool, optional
        Tiles that keep their template.
    start : ndarray, shape (N, 2, T), optional
        Present transforms, for the statistics before the solve. Default: the templates.
    tile_ids : sequence of str, optional
        For messages.
    report : callable
        Called now and then.

    Returns
    -------
    Solution

    Raises
    ------
    SolveError
        If no matches are left after the selection of pairs, all tiles are fixed, the system is singular, or the
        solution diverged.

    Notes
    -----
    Memory: 48 bytes per point; per tile and pair 24 K² bytes for K unknowns of a tile (3 for ``affine``), twice that
    for the direct solver and its factors, which grow faster than the system.
    """
    name = _names(tile_ids)
    used, weights = _selected(matches, z, options, name)
    free = np.ones(len(z), dtype=np.bool_) if fixed is None else ~fixed
    if not free.any():
        raise SolveError(f"all {len(z)} tiles are fixed; leave out fixed= for some of them")
    work = _Work(templates, z, options, free, report, name)
    model = work.model(used)
    collinear = _collinear(used, len(z), model.centres)
    if options.default_lambda == 0 and collinear.any() and model.terms > 1:
        row = int(np.flatnonzero(collinear)[0])
        raise SolveError(
            f"the points of {int(collinear.sum())} tiles lie on one line, like those of tile {name(row)}: got "
            "default_lambda=0; a larger one takes what they leave open from the template"
        )
    model, kept = work.solved(used, weights)
    good, chosen = used.of_points(kept), model.coefficients()
    if not np.isfinite(chosen).all():
        row = int(np.flatnonzero(~np.isfinite(chosen).all(axis=(1, 2)))[0])
        raise SolveError(f"the solve diverged: tile {name(row)} has numbers that are not finite; nothing was written")
    if fixed is not None:
        chosen[fixed, :, : templates.shape[2]], chosen[fixed, :, templates.shape[2] :] = templates[fixed], 0.0
    before = attrs.evolve(options, model="affine", poly_factors=None)
    origin = templates if start is None else start
    return Solution(
        chosen,
        _clusters(good, len(z)),
        collinear,
        Residuals.of(displacements(model_of(before, origin, model.centres, work.section), good), len(good)),
        Residuals.of(displacements(model, good), len(good)),
        int((~kept).sum()),
        model.terms * model.columns * int(free.sum()),
        work.iterations,
    )


def _names(tile_ids: Sequence[str] | npt.NDArray[Any]) -> Callable[[int], str]:
    return lambda row: repr(tile_ids[row]) if row < len(tile_ids) else str(row)


def _selected(
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
    weights = used.weights * used.by_point(factor[chosen])
    positive = weights > 0
    if not positive.any():
        raise SolveError(_nothing_left(matches, has_weight, enough, factor > 0, options))
    if not positive.all():
        used = used.of_points(positive)
        weights = weights[positive]
    return used, weights


def _check_numbers(matches: TileMatches, name: Callable[[int], str]) -> None:
    for what, values in (("points", matches.p), ("points", matches.q), ("weights", matches.weights[:, np.newaxis])):
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


class _Work:
    """A solve of all tiles: its inputs, and what is counted."""

    def __init__(
        self,
        templates: FloatArray,
        z: FloatArray,
        options: SolveOptions,
        free: npt.NDArray[np.bool_],
        report: Callable[[], object],
        name: Callable[[int], str],
    ) -> None:
        self.templates, self.z, self.options, self.free = templates, z, options, free
        self.section = np.unique(z, return_inverse=True)[1].reshape(-1)
        self.report, self.name = report, name
        self.iterations = 0

    def model(self, matches: TileMatches, name: str | None = None) -> Model:
        """Return the model at the template."""
        options = self.options if name is None else attrs.evolve(self.options, model=name, poly_factors=None)
        return model_of(options, self.templates, _centres(matches, len(self.z)), self.section)

    def solved(self, matches: TileMatches, weights: FloatArray) -> tuple[Model, npt.NDArray[np.bool_]]:
        """Return the solved model, and the points that are not outliers."""
        limit = self.options.outliers_px
        if limit is None:
            return self.checked(self.fitted(matches, weights), matches, weights), np.ones(len(weights), np.bool_)
        model = self._without_outliers(matches, weights, limit)
        kept = np.hypot(*displacements(model, matches).T) <= limit
        for _ in range(_MOST_REJECTIONS):
            if not kept.any():
                raise SolveError(f"no matches agree within outliers_px={limit:g} px; use a larger value")
            good = matches.of_points(kept)
            model = self.fitted(good, weights[kept])
            last, kept = kept, np.hypot(*displacements(model, matches).T) <= limit
            if (kept == last).all():
                break
        return self.checked(model, good, weights[last]), last

    def _without_outliers(self, matches: TileMatches, weights: FloatArray, limit: float) -> Model:
        """Return a model to which points contribute the less the farther they are off."""
        # Shifts first, and tiles held by the template: outliers would pull the scale of all tiles toward 0.
        held = {"default_lambda": max(self.options.default_lambda, _HELD), "passes": 1, "poly_factors": None}
        work = _Work(self.templates, self.z, attrs.evolve(self.options, **held), self.free, self.report, self.name)
        model, width = self.model(matches, "translation"), np.inf
        for _ in range(_MOST_REJECTIONS):
            distance = np.hypot(*displacements(model, matches).T)
            width = max(limit, min(width, _width(distance)))
            model = self.model(matches, "translation")
            self.step(model, matches, weights * _trust(distance, width))
        width *= 2
        while width > limit:
            distance = np.hypot(*displacements(model, matches).T)
            width = max(limit, min(width / 2, _width(distance)))
            model = work.fitted(matches, weights * _trust(distance, width))
        return model

    def fitted(self, matches: TileMatches, weights: FloatArray) -> Model:
        """Return the model of the least squares of these points."""
        model = self.model(matches)
        if self.options.model == "rigid":
            model.begin(self._passes(self.model(matches, "similarity"), matches, weights, 1))
            for _ in range(_MOST_STEPS):
                step = self.step(model, matches, weights)
                if np.abs(step).max() <= _SHORTEST_STEP * model.centres.length:
                    break
        return self._passes(model, matches, weights, self.options.passes)

    def checked(self, model: Model, matches: TileMatches, weights: FloatArray) -> Model:
        """
        Return a solved model.

        Raises
        ------
        SolveError
            If its residuals are larger than before, or tiles collapsed.
        """
        before, after = (
            _squares(displacements(one, matches), weights) / weights.sum() for one in (self.model(matches), model)
        )
        if not after <= before * (1 + 1e-6) + 1e-6:
            raise SolveError(
                f"the solve diverged: the mean square residual was {before:.3g} px², and is {after:.3g} px²; nothing "
                "was written"
            )
        self._check_scales(model, matches)
        return model

    def _passes(self, model: Model, matches: TileMatches, weights: FloatArray, count: int) -> Model:
        for turn in range(count):
            if turn:
                model.accept()
            self.step(model, matches, weights)
        return model

    def _check_scales(self, model: Model, matches: TileMatches) -> None:
        if self.options.scale_limits is None:
            return
        low, high = self.options.scale_limits
        now, was = model.scales(), self.model(matches).scales()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = now / was
        wrong = self.free & ~((ratio >= low**2) & (ratio <= high**2)) & (was != 0)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            change = float(np.sign(ratio[row]) * np.sqrt(abs(ratio[row])))
            raise SolveError(
                f"the solve diverged: {int(wrong.sum())} tiles changed their scale by more than {low:g} … {high:g}, tile "
                f"{self.name(row)} by {change:.3g}; use a larger default_lambda or outliers_px=, check the matches, or "
                "pass scale_limits=None; nothing was written"
            )

    def step(self, model: Model, matches: TileMatches, weights: FloatArray) -> FloatArray:
        """Solve for one step, and take it."""
        equations = equations_of(model, matches, weights, displacements(model, matches))
        self.report()
        matrix = sparse_matrix(equations, self.free)
        right = equations.right[self.free].reshape(-1, model.columns)
        del equations
        if model.ties is not None:
            step = _tied(matrix, right, model.ties[self.free], model.terms)
        elif self._is_direct(matrix):
            step = factorized(matrix)(right)
        else:
            motions = model.smooth_motions()[self.free]
            precondition = preconditioner(matrix, motions, self._positions(model)[self.free])
            step, count = conjugate_gradients(matrix, right, precondition, self.report)
            self.iterations += count
        whole = np.zeros((len(self.free), model.terms, model.columns))
        whole[self.free] = step.reshape(-1, model.terms, model.columns)
        model.advance(whole)
        return whole

    def _is_direct(self, matrix: Any) -> bool:
        chosen = self.options.solver
        return chosen == "direct" or (chosen == "auto" and matrix.shape[0] <= DIRECT_BELOW)

    def _positions(self, model: Model) -> FloatArray:
        """Return places of the tiles; sections are as far apart as tiles of a section."""
        count = len(self.z)
        place = model.world(np.arange(count), np.zeros((count, 2)))
        sections = int(self.section.max()) + 1
        area = float(np.prod(np.ptp(place, axis=0)))
        spacing = np.sqrt(area * sections / count) if area > 0 else float(np.ptp(place)) / count
        return np.column_stack([place, self.section * spacing])


def _width(distance: FloatArray) -> float:
    """Return three standard deviations, as most of the distances suggest them."""
    return 3 * 1.4826 * float(np.median(distance))


def _trust(distance: FloatArray, width: float) -> FloatArray:
    """Return the factors of weights of Geman and McClure: 1 for a distance of 0, almost 0 far beyond the width."""
    trust: FloatArray = (1 + (distance / width) ** 2) ** -2.0
    return trust


def _squares(away: FloatArray, weights: FloatArray) -> float:
    return float(np.einsum("md,md,m->", away, away, weights))


def _centres(matches: TileMatches, count: int) -> Centres:
    """Return the mean of the points of each tile, and the typical distance from it."""
    total, number, squares = np.zeros((count, 2)), np.zeros(count), 0.0
    sides = [(matches.tiles[:, 0], matches.p), (matches.tiles[:, 1], matches.q)]
    starts = matches.offsets[:-1]
    for tile, points in sides:
        number += np.bincount(tile, matches.counts, minlength=count)
        for axis in (0, 1):
            sums = np.add.reduceat(points[:, axis], starts)
            total[:, axis] += np.bincount(tile, sums, minlength=count)
            squares += float(points[:, axis] @ points[:, axis])
    some = np.maximum(number, 1)[:, np.newaxis]
    mean = total / some
    spread = squares - float((total * mean).sum())
    length = np.sqrt(max(spread, 0.0) / max(number.sum(), 1))
    # All points at the origins: any unit will do.
    return Centres(mean, length if length > 1e-9 else 1.0)


def _collinear(matches: TileMatches, count: int, centres: Centres) -> npt.NDArray[np.bool_]:
    """Return the tiles with points that all lie on one line, or are one."""
    moments = np.zeros((count, 2, 2))
    for part in matches.parts():
        counts = np.diff(part.starts, append=part.points.stop - part.points.start)
        for side, points in ((0, matches.p), (1, matches.q)):
            tile = matches.tiles[part.pairs, side]
            local = (points[part.points] - centres.origin[np.repeat(tile, counts)]) / centres.length
            for i, j in ((0, 0), (0, 1), (1, 1)):
                sums = np.add.reduceat(local[:, i] * local[:, j], part.starts)
                moments[:, i, j] += np.bincount(tile, sums, minlength=count)
    moments[:, 1, 0] = moments[:, 0, 1]
    lowest, highest = np.linalg.eigvalsh(moments).T
    has_points = np.zeros(count, dtype=np.bool_)
    has_points[matches.tiles] = True
    collinear: npt.NDArray[np.bool_] = has_points & (lowest <= _COLLINEAR**2 * np.maximum(highest, 1e-300))
    return collinear


def _clusters(matches: TileMatches, count: int) -> IntArray:
    """Return the cluster of each tile, by size; -1 without matches."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    p, q = matches.tiles.T
    graph = sparse.coo_array((np.ones(len(p), dtype=np.bool_), (p, q)), shape=(count, count))
    found = connected_components(graph, directed=False)[1]
    sizes = np.bincount(found)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    has_points = np.zeros(count, dtype=np.bool_)
    has_points[matches.tiles] = True
    cluster: IntArray = np.where(has_points, rank[found], -1)
    return cluster


def _tied(matrix: Any, right: FloatArray, group: IntArray, terms: int) -> FloatArray:
    """Solve with the first unknown of each tile the same within a group."""
    from scipy import sparse

    count = len(group)
    numbers = np.unique(group, return_inverse=True)[1].reshape(-1)
    own = numbers.max() + 1 + np.arange(count * (terms - 1)).reshape(count, terms - 1)
    columns = np.concatenate([numbers[:, np.newaxis], own], axis=1).ravel()
    size = int(columns.max()) + 1
    ties = sparse.csr_array((np.ones(len(columns)), columns, np.arange(len(columns) + 1)), shape=(len(columns), size))
    whole = ties.T @ (matrix.tocsr() @ ties)
    return ties @ factorized(whole)(ties.T @ right)
