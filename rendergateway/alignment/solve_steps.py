"""The steps of a solve: least squares, repeated for models that are not linear and without outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_equations import displacements, equations_of, residuals_of, sparse_matrix
from rendergateway.alignment.solve_linear import DIRECT_BELOW, conjugate_gradients, factorized, preconditioner
from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import Model, model_of
from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.alignment.solve_selection import centres_of
from rendergateway.alignment.solve_sparse import sparse
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Work"]

# A rigid model takes steps until they are shorter than this part of the length of a tile.
_SHORTEST_STEP = 1e-12
_MOST_STEPS = 30
_MOST_REJECTIONS = 5
# Regularization that outliers cannot overcome.
_HELD = 1000.0


class Work:
    """
    A solve of all tiles.

    Attributes
    ----------
    iterations : int
        Of the iterative solver.
    before, after : Residuals
        Of the points that were used, at the template and after the solve.
    """

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
        self.before = self.after = Residuals.of(np.empty((0, 2)), 0)
        self._known: tuple[TileMatches | None, Any] = None, None

    def model(self, matches: TileMatches, name: str | None = None) -> Model:
        """Return the model at the template."""
        options = self.options if name is None else attrs.evolve(self.options, model=name, poly_factors=None)
        if self._known[0] is not matches:
            self._known = matches, centres_of(matches, len(self.z))
        model = model_of(options, self.templates, self._known[1], self.section)
        model.hold(~self.free, self.templates)
        return model

    def solved(self, matches: TileMatches, weights: FloatArray) -> tuple[Model, npt.NDArray[np.bool_]]:
        """Return the solved model, and the points that are not outliers."""
        limit = self.options.outliers_px
        if limit is None:
            return self.checked(self.fitted(matches, weights), matches, weights), np.ones(len(weights), np.bool_)
        model = self._without_outliers(matches, weights, limit)
        kept = np.zeros(len(weights), dtype=np.bool_)
        for _ in range(_MOST_REJECTIONS):
            last, kept = kept, np.hypot(*displacements(model, matches).T) <= limit
            if not kept.any():
                raise SolveError(f"no matches agree within outliers_px={limit:g} px; use a larger value")
            if (kept == last).all():
                break
            model = self.fitted(matches.of_points(kept), weights[kept])
        return self.checked(model, matches.of_points(kept), weights[kept]), kept

    def _without_outliers(self, matches: TileMatches, weights: FloatArray, limit: float) -> Model:
        """Return a model that distant points hardly influence."""
        # Shifts first, and tiles held by the template: outliers would pull the scale of all tiles toward 0.
        held = attrs.evolve(
            self.options, default_lambda=max(self.options.default_lambda, _HELD), passes=1, poly_factors=None
        )
        work = Work(self.templates, self.z, held, self.free, self.report, self.name)
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
            model.hold(~self.free, self.templates)
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
        self.before, before = residuals_of(self.model(matches), matches, weights)
        self.after, after = residuals_of(model, matches, weights)
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
                f"the solve diverged: {int(wrong.sum())} tiles changed their scale by more than {low:g} … {high:g}, "
                f"tile {self.name(row)} by {change:.3g}; use a larger default_lambda or outliers_px=, check the "
                "matches, or pass scale_limits=None; nothing was written"
            )

    def step(self, model: Model, matches: TileMatches, weights: FloatArray) -> FloatArray:
        """Solve for one step, and take it."""
        equations = equations_of(model, matches, weights)
        self.report()
        matrix = sparse_matrix(equations, self.free)
        right = equations.right[self.free].reshape(-1, model.columns)
        del equations
        if model.ties is not None:
            ties = _ties(model.ties[self.free], model.terms)
            step = ties @ self._solution(ties.T @ (matrix.tocsr() @ ties), ties.T @ right, None)
        else:
            if self._is_factorized(matrix):
                # Not both formats: the factorization takes more memory than anything else.
                matrix = matrix.tocsc()
            step = self._solution(matrix, right, model)
        whole = np.zeros((len(self.free), model.terms, model.columns))
        whole[self.free] = step.reshape(-1, model.terms, model.columns)
        model.advance(whole)
        return whole

    def _solution(self, matrix: Any, right: FloatArray, model: Model | None) -> FloatArray:
        """Solve a system; without a model, one of tied unknowns, which has no multigrid."""
        if self._is_factorized(matrix):
            return factorized(matrix)(right)
        if model is None:
            diagonal = matrix.diagonal()[:, np.newaxis]
            solution, count = conjugate_gradients(matrix, right, lambda one: one / diagonal, self.report)
        else:
            motions, positions = model.smooth_motions()[self.free], self._positions(model)[self.free]
            precondition = preconditioner(matrix, motions, positions)
            solution, count = conjugate_gradients(matrix, right, precondition, self.report)
        self.iterations += count
        return solution

    def _is_factorized(self, matrix: Any) -> bool:
        chosen = self.options.solver
        return chosen == "direct" or (chosen == "auto" and matrix.shape[0] <= DIRECT_BELOW)

    def _positions(self, model: Model) -> FloatArray:
        """Return places of the tiles; sections are as far apart as tiles of a section."""
        count = len(self.z)
        place = model.world(np.arange(count), np.zeros((count, 2)))
        sections = int(self.section.max()) + 1
        area = float(np.prod(np.ptp(place, axis=0)))
        spacing = (area * sections / count) ** 0.5 if area > 0 else float(np.ptp(place)) / count
        positions = np.empty((count, 3))
        positions[:, :2], positions[:, 2] = place, self.section * spacing
        return positions


def _width(distance: FloatArray) -> float:
    """Return three standard deviations, as most of the distances suggest them."""
    return 3 * 1.4826 * float(np.median(distance))


def _trust(distance: FloatArray, width: float) -> FloatArray:
    """Return the factors of weights of Geman and McClure: 1 for a distance of 0, almost 0 far beyond the width."""
    trust: FloatArray = (1 + (distance / width) ** 2) ** -2.0
    return trust


def _ties(group: IntArray, terms: int) -> Any:
    """Return the matrix from tied unknowns to those of each tile: the first is the same within a group."""
    count = len(group)
    numbers = np.unique(group, return_inverse=True)[1].reshape(-1)
    own = numbers.max() + 1 + np.arange(count * (terms - 1)).reshape(count, terms - 1)
    columns = np.concatenate([numbers[:, np.newaxis], own], axis=1).ravel()
    shape = len(columns), int(columns.max()) + 1
    return sparse().csr_array((np.ones(len(columns)), columns, np.arange(len(columns) + 1)), shape=shape)
