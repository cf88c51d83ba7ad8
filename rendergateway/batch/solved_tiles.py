"""The transform of a tile that a solve replaces or appends: read as a polynomial, and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_models import as_polynomials
from rendergateway.errors import SolveError, StaleStackError, TransformError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.last_transforms import AFFINE_CLASS
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.edits import changed_transforms
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, Transform

__all__ = ["WAYS", "SolvedTiles", "templates_of", "without_last"]

WAYS = ("replace_last", "append")
_TERMS = (3, 6, 10)


def templates_of(table: TileTable, how: str, order: int) -> FloatArray:
    """
    Return the transforms to be replaced, as polynomials (N, 2, T); identities if one is to be appended.

    Parameters
    ----------
    table : TileTable
        The tiles.
    how : str
        One of `WAYS`.
    order : int
        Largest order of a polynomial that the model can replace.

    Raises
    ------
    SolveError
        If the last transform of a tile is missing, shared, of another kind or of a higher order.
    """
    terms = _TERMS[max(order, 1) - 1]
    if how == "append":
        return as_polynomials(np.tile(np.eye(2, 3), (len(table), 1, 1)), terms)
    affines = table.last_affine
    templates = as_polynomials(np.nan_to_num(affines), terms)
    for row in np.flatnonzero(np.isnan(affines).any(axis=(1, 2))).tolist():
        templates[row] = _coefficients(table, row, order, terms)
    return templates


def _coefficients(table: TileTable, row: int, order: int, terms: int) -> FloatArray:
    tile_id, items = table.tile_id[row], list(TileRecord.from_json(table.texts[row]).transforms)
    last = items[-1] if items else None
    if isinstance(last, PolynomialTransform2D):
        try:
            coefficients = np.zeros((2, terms))
            known = last.as_order(max(order, 1)).coefficients
            coefficients[:, : known.shape[1]] = known
            return coefficients
        except TransformError as error:
            raise SolveError(
                f"tile {tile_id!r} ends with a polynomial that the model cannot replace: {error}; use a polynomial "
                "model, or how='append'"
            ) from error
    if last is not None and last.is_affine and not last.is_finite:
        raise SolveError(f"the last transform of tile {tile_id!r} has numbers that are not finite; correct it first")
    what = "no transform" if last is None else f"{type(last).__name__} as its last transform"
    raise SolveError(
        f"tile {tile_id!r} has {what}; the solve replaces affine and polynomial transforms: how='append' keeps all "
        "transforms, and adds the solved one"
    )


def _last_of(tile: Text) -> Transform:
    return list(TileRecord.from_json(tile).transforms)[-1]


def without_last(table: TileTable) -> TileTable:
    """Return tiles with identities instead of their last transforms, which are affine or polynomials."""
    is_affine = table.last_class == AFFINE_CLASS
    if is_affine.all():
        return table.evolve(last_affine=np.eye(2, 3))
    texts = list(table.texts)
    for row in range(len(texts)):
        identity = to_text(AffineModel2D(labels=_last_of(texts[row]).labels))
        texts[row] = changed_transforms(texts[row], "replace_last", identity, {})
    return TileTable(texts)


@attrs.frozen(eq=False)
class SolvedTiles:
    """
    Solved transforms by tile id.

    Attributes
    ----------
    rows : dict of str to int
        Row of each tile.
    coefficients : ndarray, shape (N, 2, T)
        Transforms as polynomials.
    is_solved : ndarray, shape (N,), bool
        Tiles that are changed; others are written as they are.
    is_kept : ndarray, shape (N,), bool
        Tiles that are written at all.
    how : str
        One of `WAYS`.
    """

    rows: Mapping[str, int]
    coefficients: FloatArray
    is_solved: npt.NDArray[np.bool_]
    is_kept: npt.NDArray[np.bool_]
    how: str

    def applied(self, table: TileTable) -> TileTable:
        """
        Return the tiles of a table with their solved transforms, without the tiles that are dropped.

        Raises
        ------
        StaleStackError
            If a tile was not there when the stack was solved.
        """
        try:
            rows = np.array([self.rows[tile_id] for tile_id in table.tile_id.tolist()], dtype=np.int64)
        except KeyError as error:
            raise StaleStackError(f"tile {error.args[0]!r} was added by others while the stack was solved") from error
        kept = self.is_kept[rows]
        table, rows = table[kept], rows[kept]
        texts: list[Text] = list(table.texts)
        changed = np.flatnonzero(self.is_solved[rows])
        is_short = self.coefficients.shape[2] == 3
        quick = changed[(table.last_class[changed] == AFFINE_CLASS) & is_short & (self.how == "replace_last")]
        if len(quick):
            new = table[quick].evolve(last_affine=self._affines(rows[quick])).texts
            for place, text in zip(quick.tolist(), new, strict=True):
                texts[place] = text
        for place in np.setdiff1d(changed, quick).tolist():
            texts[place] = changed_transforms(texts[place], self.how, self._text(int(rows[place]), texts[place]), {})
        return TileTable(texts)

    def _affines(self, rows: IntArray) -> FloatArray:
        return self.coefficients[rows][:, :, [1, 2, 0]]

    def _text(self, row: int, tile: Text) -> bytes:
        """Return the transform in a row; it inherits the labels, which frames may end at, of the one it replaces."""
        labels = _last_of(tile).labels if self.how == "replace_last" else ()
        coefficients = self.coefficients[row]
        if coefficients.shape[1] == 3:
            return to_text(AffineModel2D(coefficients[:, [1, 2, 0]], labels=labels))
        return to_text(PolynomialTransform2D(coefficients, labels=labels))

    @classmethod
    def joined(cls, parts: list[SolvedTiles]) -> SolvedTiles:
        """Return the tiles of all parts."""
        rows: dict[str, int] = {}
        for part in parts:
            start = len(rows)
            rows.update((tile_id, start + row) for tile_id, row in part.rows.items())
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("coefficients", "is_solved", "is_kept")
        }
        return cls(rows, how=parts[0].how, **columns)
