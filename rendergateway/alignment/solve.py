"""Least-squares solve of the transforms of many tiles from point matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_equations import residuals_of
from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import model_of
from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.alignment.solve_selection import clusters_of, collinear_tiles, selected
from rendergateway.alignment.solve_steps import Work
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Solution", "solve"]


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
        Tiles whose points lie on one line: the template determines the rest of their transforms.
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
    Memory: about 100 bytes per point, those of the matches included; about 60 K² bytes per pair for K unknowns of a
    tile, 3 for ``affine``; and the factors of the direct solver, which grow faster than the system.
    """
    name = _names(tile_ids)
    used, weights = selected(matches, z, options, name)
    free = np.ones(len(z), dtype=np.bool_) if fixed is None else ~fixed
    if not free.any():
        raise SolveError(f"all {len(z)} tiles are fixed; leave out fixed= for some of them")
    work = Work(templates, z, options, free, report, name)
    model = work.model(used)
    collinear = collinear_tiles(used, len(z), model.centres)
    if not options.order:
        # Shifts and turns are determined all the same.
        collinear[:] = False
    if not options.lambdas().all():
        _check_determined(clusters_of(used, len(z)), free, collinear, name)
    model, kept = work.solved(used, weights)
    good, chosen = used.of_points(kept), model.coefficients()
    if not np.isfinite(chosen).all():
        row = int(np.flatnonzero(~np.isfinite(chosen).all(axis=(1, 2)))[0])
        raise SolveError(f"the solve diverged: tile {name(row)} has numbers that are not finite; nothing was written")
    if fixed is not None:
        chosen[fixed, :, : templates.shape[2]], chosen[fixed, :, templates.shape[2] :] = templates[fixed], 0.0
    before = work.before
    if start is not None or options.order is None:
        plain = attrs.evolve(options, model="affine", poly_factors=None)
        present = model_of(plain, templates if start is None else start, model.centres, work.section)
        before, _ = residuals_of(present, good, weights[kept])
    return Solution(
        chosen,
        clusters_of(good, len(z)),
        collinear,
        before,
        work.after,
        int((~kept).sum()),
        model.terms * model.columns * int(free.sum()),
        work.iterations,
    )


def _check_determined(
    cluster: IntArray, free: npt.NDArray[np.bool_], collinear: npt.NDArray[np.bool_], name: Callable[[int], str]
) -> None:
    """Refuse tiles that matches and fixed tiles do not determine; without regularization nothing else does."""
    held = np.isin(cluster, cluster[~free & (cluster >= 0)])
    for reason, wrong in (("without matches to fixed tiles", ~held), ("with points on one line", collinear)):
        rows = np.flatnonzero(wrong & free)
        if len(rows):
            raise SolveError(
                f"{len(rows)} tiles {reason} are not determined, like tile {name(int(rows[0]))}: got a regularization "
                "of 0; a larger default_lambda takes the missing parameters from the template"
            )


def _names(tile_ids: Sequence[str] | npt.NDArray[Any]) -> Callable[[int], str]:
    return lambda row: repr(tile_ids[row]) if row < len(tile_ids) else str(row)
