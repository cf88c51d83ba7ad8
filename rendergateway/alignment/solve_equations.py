"""Normal equations of a solve, as blocks of tiles and pairs."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_matches import Part, TileMatches
from rendergateway.alignment.solve_models import Model
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.alignment.solve_sparse import sparse
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Equations", "displacements", "equations_of", "residuals_of"]


@attrs.frozen(eq=False)
class Equations:
    """
    ``K step = b``, the normal equations of a step of all unknowns.

    Attributes
    ----------
    diagonal : ndarray, shape (N, K, K)
        Blocks of the tiles.
    tiles : ndarray, shape (P, 2)
        Row and column of the other blocks.
    blocks : ndarray, shape (P, K, K)
        They are in the matrix twice, the second time transposed.
    right : ndarray, shape (N, K, R)
        b.
    """

    diagonal: FloatArray
    tiles: IntArray
    blocks: FloatArray
    right: FloatArray


def displacements(model: Model, matches: TileMatches) -> FloatArray:
    """Return the vectors (M, 2) from q to p of all matches in the world."""
    away = np.empty((2, len(matches.p)))
    coefficients = model.coefficients()
    for part in matches.parts():
        away[:, part.points] = _away(model, coefficients, matches, part)
    return away.T


def residuals_of(model: Model, matches: TileMatches, weights: FloatArray) -> tuple[Residuals, float]:
    """Return the statistics of the displacements of all matches, and the weighted mean of their squares."""
    coefficients, squares, sums, weighted, highest = model.coefficients(), np.zeros(2), 0.0, 0.0, 0.0
    for part in matches.parts():
        away = _away(model, coefficients, matches, part)
        away *= away
        square = away[0] + away[1]
        distance = np.sqrt(square)
        squares += away.sum(axis=1)
        sums += float(distance.sum())
        highest = max(highest, float(distance.max(initial=0.0)))
        square *= weights[part.points]
        weighted += float(square.sum())
    found = Residuals.of_sums(len(matches), len(weights), sums, float(squares.sum()), highest, squares)
    return found, weighted / float(weights.sum())


def _away(model: Model, coefficients: FloatArray, matches: TileMatches, part: Part) -> FloatArray:
    """Return the vectors (2, M) from q to p of some matches, at the present coefficients of a model."""
    if coefficients.shape[2] == 3:
        away = _mapped(coefficients, matches, part, 0)
        away -= _mapped(coefficients, matches, part, 1)
        return away
    p, q = (model.world(*_local(model, matches, part, side)).T for side in (0, 1))
    difference: FloatArray = p - q
    return difference


def _mapped(coefficients: FloatArray, matches: TileMatches, part: Part, side: int) -> FloatArray:
    """Return the points of a side, (2, M), mapped by the affines of their tiles."""
    x, y = (matches.p, matches.q)[side][part.points].T
    mapped = np.empty((2, len(x)))
    for axis, own in enumerate(coefficients[matches.tiles[part.pairs, side]].transpose(1, 2, 0)):
        # A value per pair, repeated: faster than looking it up for each point.
        shift, of_x, of_y = (np.repeat(values, part.counts) for values in own)
        np.multiply(of_x, x, out=mapped[axis])
        mapped[axis] += shift
        mapped[axis] += of_y * y
    return mapped


def _local(model: Model, matches: TileMatches, part: Part, side: int) -> tuple[IntArray, FloatArray]:
    """Return the tile of each point of a side, and the points from its origin, in units of the length."""
    local = matches.local(part, side, model.centres.origin, model.centres.length)
    return np.repeat(matches.tiles[part.pairs, side], part.counts), local.T


def equations_of(model: Model, matches: TileMatches, weights: FloatArray) -> Equations:
    """
    Return the normal equations at the present state of a model.

    Parameters
    ----------
    model : Model
        The tiles.
    matches : TileMatches
        The matches; none of the pairs is without points.
    weights : ndarray, shape (M,)
        Weights of the points.
    """
    count, terms, columns = len(model.centres.origin), model.terms, model.columns
    # Blocks of p, of q, and of both; their parts of the right side.
    sums = [np.empty((len(matches), terms, terms)) for _ in range(3)]
    right = np.empty((2, len(matches), terms, columns))
    coefficients = model.coefficients()
    for part in matches.parts():
        sides = [model.rows(*_local(model, matches, part, side)) for side in (0, 1)]
        weight = weights[part.points]
        weighted = _away(model, coefficients, matches, part) * weight
        for place, (first, second) in enumerate(((0, 0), (1, 1), (0, 1))):
            is_symmetric = first == second
            sums[place][part.pairs] = _products(sides[first], sides[second], weight, part.starts, is_symmetric)
        for side, sign in ((0, -1.0), (1, 1.0)):
            right[side, part.pairs] = sign * _forces(sides[side], weighted, part.starts, columns)
    diagonal, total = model.regularization()
    blocks = np.negative(sums[2], out=sums[2])
    for side, of_tile in enumerate(matches.tiles.T):
        diagonal += _summed(of_tile, sums[side], count)
        total += _summed(of_tile, right[side], count)
    del sums
    return Equations(diagonal, *_merged(matches.tiles, blocks), total)


def _products(
    first: tuple[FloatArray, ...], second: tuple[FloatArray, ...], weight: FloatArray, starts: IntArray, same: bool
) -> FloatArray:
    terms = len(first[0])
    products = np.empty((len(starts), terms, terms))
    for row in range(terms):
        weighted = [rows[row] * weight for rows in first]
        for column in range(row if same else 0, terms):
            product = weighted[0] * second[0][column]
            for one, rows in zip(weighted[1:], second[1:], strict=True):
                product += one * rows[column]
            products[:, row, column] = np.add.reduceat(product, starts)
            if same:
                products[:, column, row] = products[:, row, column]
    return products


def _forces(rows: tuple[FloatArray, ...], weighted: FloatArray, starts: IntArray, columns: int) -> FloatArray:
    forces = np.empty((len(starts), len(rows[0]), columns))
    for term in range(len(rows[0])):
        if columns == 1:
            product = rows[0][term] * weighted[0] + rows[1][term] * weighted[1]
            forces[:, term, 0] = np.add.reduceat(product, starts)
        else:
            for axis in (0, 1):
                forces[:, term, axis] = np.add.reduceat(rows[0][term] * weighted[axis], starts)
    return forces


def _summed(index: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Return the sums of values (P, …) of equal index, (count, …)."""
    total = np.zeros((count, *values.shape[1:]))
    flat, out = values.reshape(len(values), -1), total.reshape(count, -1)
    for place in range(flat.shape[1]):
        out[:, place] = np.bincount(index, flat[:, place], minlength=count)
    return total


def _merged(tiles: IntArray, blocks: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return each two tiles once, with the sum of their blocks; a pair in the other order is transposed."""
    is_swapped = tiles[:, 0] > tiles[:, 1]
    if is_swapped.any():
        tiles, blocks = np.sort(tiles, axis=1), blocks.copy()
        blocks[is_swapped] = blocks[is_swapped].transpose(0, 2, 1)
    order = np.lexsort(tiles.T[::-1])
    tiles, blocks = tiles[order], blocks[order]
    is_first = np.ones(len(tiles), dtype=np.bool_)
    is_first[1:] = (tiles[1:] != tiles[:-1]).any(axis=1)
    if is_first.all():
        return tiles, blocks
    return tiles[is_first], np.add.reduceat(blocks, np.flatnonzero(is_first), axis=0)


def sparse_matrix(equations: Equations, free: npt.NDArray[np.bool_]) -> Any:
    """Return the matrix of the free tiles in scipy's block format."""
    terms = equations.diagonal.shape[1]
    number = np.cumsum(free) - 1
    inside = free[equations.tiles].all(axis=1)
    rows, columns = number[equations.tiles[inside]].T
    blocks, count = equations.blocks[inside], int(free.sum())
    row = np.concatenate([np.arange(count), rows, columns])
    column = np.concatenate([np.arange(count), columns, rows])
    order = np.lexsort((column, row))
    data = np.concatenate([equations.diagonal[free], blocks, blocks.transpose(0, 2, 1)])[order]
    pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])
    # Indices of 32 bits, those of the factorization, as long as they suffice for all numbers of the matrix.
    kind = np.int32 if data.size <= np.iinfo(np.int32).max else np.int64
    index = column[order].astype(kind), pointers.astype(kind)
    size = terms * count
    return sparse().bsr_array((data, *index), shape=(size, size), blocksize=(terms, terms))
