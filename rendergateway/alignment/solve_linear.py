"""Sparse symmetric systems: factorized, or by conjugate gradients with a multigrid of groups of tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from rendergateway.alignment.solve_sparse import sparse
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["DIRECT_BELOW", "conjugate_gradients", "factorized", "preconditioner"]

# Largest number of unknowns of a factorization: in three dimensions its time and memory grow faster than the system.
DIRECT_BELOW = 30_000
# Columns that are factorized at once, each in memory as a whole.
_PANEL = 4
# Relative to the start, in the norm of the preconditioner.
_TOLERANCE = 1e-10
_MOST_ITERATIONS = 2000
_TILES_PER_GROUP = 12
# Unknowns of the coarsest level, which is factorized.
_COARSEST = 3000
# Matrix products of a smoother.
_SMOOTHING = 2
_LOW = 0.1

Operator: TypeAlias = Callable[[FloatArray], FloatArray]


def factorized(matrix: Any) -> Operator:
    """
    Return a function that solves ``matrix x = b`` for several columns b.

    Raises
    ------
    SolveError
        If the matrix is singular.
    """
    try:
        # Symmetric and positive: no pivoting, and the ordering of the pattern itself.
        factors = sparse().linalg.splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            panel_size=_PANEL,
            options={"SymmetricMode": True},
        )
    except RuntimeError as error:
        raise SolveError(
            f"the equations have no unique solution: {error}; use a larger default_lambda, or fix a tile"
        ) from error
    solve: Operator = factors.solve
    return solve


def conjugate_gradients(
    matrix: Any, right: FloatArray, precondition: Operator, report: Callable[[], object]
) -> tuple[FloatArray, int]:
    """
    Solve ``matrix x = right`` for several columns.

    Parameters
    ----------
    matrix : sparse matrix, shape (N, N)
        Symmetric and positive.
    right : ndarray, shape (N, R)
        The right sides.
    precondition : callable
        An approximate inverse, see `preconditioner`.
    report : callable
        Called in each iteration.

    Returns
    -------
    solution : ndarray, shape (N, R)
    iterations : int

    Raises
    ------
    SolveError
        If it does not converge.
    """
    solution, residual = np.zeros_like(right), right.copy()
    scaled = precondition(residual)
    direction = scaled.copy()
    energy = _dots(residual, scaled)
    first = energy
    for iteration in range(_MOST_ITERATIONS):
        if not np.isfinite(energy).all():
            raise SolveError("the iterative solver diverged: a number is not finite; nothing was written")
        if (energy <= _TOLERANCE**2 * first).all():
            return solution, iteration
        report()
        product = matrix @ direction
        curvature = _dots(direction, product)
        # A column that is solved stays as it is.
        length = np.divide(energy, curvature, out=np.zeros_like(energy), where=curvature > 0)
        solution += length * direction
        residual -= length * product
        scaled = precondition(residual)
        last, energy = energy, _dots(residual, scaled)
        direction *= np.divide(energy, last, out=np.zeros_like(energy), where=last > 0)
        direction += scaled
    reached = float(np.sqrt(np.max(energy / np.maximum(first, 1e-300))))
    raise SolveError(
        f"the iterative solver did not converge: got a relative residual of {reached:.1e} after {_MOST_ITERATIONS} "
        "iterations; use a larger default_lambda, or solver='direct'"
    )


def _dots(one: FloatArray, other: FloatArray) -> FloatArray:
    dots: FloatArray = np.einsum("nr,nr->r", one, other)
    return dots


def preconditioner(matrix: Any, motions: FloatArray, positions: FloatArray) -> Operator:
    """
    Return an approximate inverse of a block matrix: one V-cycle of smoothed aggregation.

    Parameters
    ----------
    matrix : sparse block matrix
        N blocks of size K.
    motions : ndarray, shape (N, K, m)
        Vectors that the matrix almost maps to 0, such as motions of all tiles together.
    positions : ndarray, shape (N, 3)
        x, y and z of the tiles, scaled so that neighbours are equally far apart.

    References
    ----------
    .. [1] P. Vanek, J. Mandel, M. Brezina, "Algebraic multigrid by smoothed aggregation for second and fourth order
       elliptic problems", Computing 56, 1996.
    """
    groups = groups_of(positions)
    if matrix.shape[0] <= _COARSEST or groups.max(initial=0) + 1 >= len(positions):
        return factorized(matrix)
    inverse = _inverse_diagonal(matrix)
    highest = _largest_eigenvalue(matrix, inverse)
    rough, coarse_motions = _aggregated(groups, motions)
    # Smoothed: the motion of a group fades into its neighbours.
    down = rough - (4 / 3 / highest) * (inverse @ (matrix @ rough))
    up = down.T
    coarse = _held(up @ (matrix @ down), coarse_motions.shape[1])
    sizes = np.bincount(groups)[:, np.newaxis]
    centres = np.stack([np.bincount(groups, positions[:, axis]) for axis in range(3)], axis=1) / sizes
    solve = preconditioner(coarse, coarse_motions, centres)
    smooth = _smoother(matrix, inverse, highest)

    def cycle(right: FloatArray) -> FloatArray:
        found = smooth(right, None)
        found += down @ solve(up @ (right - matrix @ found))
        return smooth(right, found)

    return cycle


def groups_of(positions: FloatArray) -> IntArray:
    """Return the group of each position (N, 3), made by repeated halving along the longest side."""
    number = np.zeros(len(positions), dtype=np.int64)
    waiting, count = [np.arange(len(positions))], 0
    while waiting:
        tiles = waiting.pop()
        if len(tiles) <= _TILES_PER_GROUP:
            number[tiles] = count
            count += 1
            continue
        some = positions[tiles]
        order = np.argsort(some[:, np.argmax(np.ptp(some, axis=0))], kind="stable")
        middle = len(tiles) // 2
        waiting += [tiles[order[:middle]], tiles[order[middle:]]]
    return number


def _aggregated(groups: IntArray, motions: FloatArray) -> tuple[Any, FloatArray]:
    """Return orthonormal motions of each group as a block matrix, and the given motions in terms of them."""
    count, terms, kinds = motions.shape
    orthonormal, coarse = np.zeros_like(motions), np.zeros((int(groups.max()) + 1, kinds, kinds))
    order = np.argsort(groups, kind="stable")
    for tiles in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        q, r = np.linalg.qr(motions[tiles].reshape(-1, kinds))
        # A group of few tiles may not have all motions.
        size = np.abs(np.diagonal(r))
        q[:, size <= 1e-10 * size.max()] = 0.0
        orthonormal[tiles, :, : q.shape[1]] = q.reshape(len(tiles), terms, -1)
        coarse[groups[tiles[0]], : len(r)] = r
    shape = (count * terms, len(coarse) * kinds)
    return sparse().bsr_array((orthonormal, groups, np.arange(count + 1)), shape=shape), coarse


def _held(matrix: Any, size: int) -> Any:
    """Return a block matrix with 1 instead of 0 on the diagonal, for motions that a group does not have."""
    diagonal = matrix.diagonal()
    missing = np.where(diagonal > 0, 0.0, 1.0)
    return (matrix + sparse().diags_array(missing)).tobsr((size, size))


def _inverse_diagonal(matrix: Any) -> Any:
    """Return the inverse of the diagonal blocks, as a block matrix."""
    size = matrix.blocksize[0]
    count = matrix.shape[0] // size
    row = np.repeat(np.arange(count), np.diff(matrix.indptr))
    blocks = np.linalg.inv(matrix.data[row == matrix.indices])
    return sparse().bsr_array((blocks, np.arange(count), np.arange(count + 1)), shape=matrix.shape)


def _largest_eigenvalue(matrix: Any, inverse: Any) -> float:
    """Return an upper estimate for ``inverse matrix``, by power iteration."""
    vector = np.random.default_rng(0).standard_normal((matrix.shape[0], 1))
    value = 1.0
    for _ in range(12):
        vector = inverse @ (matrix @ vector)
        value = float(np.linalg.norm(vector))
        vector /= value
    return 1.1 * value


def _smoother(matrix: Any, inverse: Any, highest: float) -> Callable[[FloatArray, FloatArray | None], FloatArray]:
    """
    Return Chebyshev's polynomial smoother for the upper part of the spectrum.

    References
    ----------
    .. [1] Y. Saad, "Iterative Methods for Sparse Linear Systems", 2nd edition, SIAM, 2003, algorithm 12.1.
    """
    centre, half = highest * (1 + _LOW) / 2, highest * (1 - _LOW) / 2

    def smooth(right: FloatArray, start: FloatArray | None) -> FloatArray:
        residual = right.copy() if start is None else right - matrix @ start
        step, factor = (inverse @ residual) / centre, half / centre
        found = step.copy() if start is None else start + step
        for _ in range(_SMOOTHING):
            residual -= matrix @ step
            before, factor = factor, 1 / (2 * centre / half - factor)
            step = factor * before * step + (2 * factor / half) * (inverse @ residual)
            found += step
        result: FloatArray = found
        return result

    return smooth
