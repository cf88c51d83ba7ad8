"""Fields of affines, the result of the service's hierarchical alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import (
    decode_block,
    encode_block,
    inappropriate,
    integer,
    number_words,
    numbers,
    split,
)
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AffineWarpFieldTransform"]

_PACKAGE = "net.imglib2.interpolation.randomaccess."
_BILINEAR = _PACKAGE + "NLinearInterpolatorFactory"
_NEAREST = _PACKAGE + "NearestNeighborInterpolatorFactory"
# Positions beyond this number of cells exceed 64 bits.
_FARTHEST = 2.0**63
_HEADER = "offsetX offsetY width height rows columns interpolator encoding"
# The service packs fields of at least this many numbers.
_PACKED_FROM = 64


def _shape_and_bytes(values: FloatArray) -> tuple[tuple[int, ...], bytes]:
    return values.shape, bytes(values)


@resolvable_hints
@attrs.frozen(repr=False)
class AffineWarpFieldTransform(LeafTransform):
    """
    One affine per grid cell, interpolated between the cell centers.

    Parameters
    ----------
    offset : array_like, shape (2,)
        Upper left corner of the grid in input pixels.
    size : array_like, shape (2,)
        Width and height of the grid in pixels.
    values : array_like, shape (6, rows, columns)
        m00, m10, m01, m11, tx and ty of each cell. The affines map absolute points, not relative to the offset.
    interpolator : str
        Full Java class name of the interpolator, bilinear (imglib2's ``NLinearInterpolatorFactory``) or nearest
        neighbour.

    Examples
    --------
    >>> values = np.zeros((6, 2, 2))
    >>> values[0] = values[3] = 1
    >>> values[4:, 1, 1] = 20
    >>> AffineWarpFieldTransform([0, 0], [1000, 1000], values).apply([[250, 250], [500, 500], [750, 750]]).tolist()
    [[250.0, 250.0], [505.0, 505.0], [770.0, 770.0]]
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.AffineWarpFieldTransform"

    offset: FloatArray = attrs.field(converter=numbers_array, validator=shaped(2), eq=bytes)
    size: FloatArray = attrs.field(converter=numbers_array, validator=shaped(2), eq=bytes)
    values: FloatArray = attrs.field(converter=numbers_array, validator=shaped(6, None, None), eq=_shape_and_bytes)
    interpolator: str = _BILINEAR

    def __attrs_post_init__(self) -> None:
        if self.values.size == 0 or not (self.size > 0).all():
            raise TransformError(
                "AffineWarpFieldTransform needs a size above zero and at least one cell: got size "
                f"{self.size.tolist()} with values {self.values.shape}"
            )
        if self.interpolator not in (_BILINEAR, _NEAREST):
            raise TransformError(
                f"interpolator of AffineWarpFieldTransform must be {_BILINEAR} or {_NEAREST}: got {self.interpolator!r}"
            )

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``offsetX offsetY width height rows columns interpolator encoding``, then the values."""
        words = split(text)
        if len(words) < 9:
            raise inappropriate(cls.JAVA_NAME, f"expected {_HEADER} and values: got {len(words)} words")
        place = numbers(words[:4], cls.JAVA_NAME)
        rows, columns = (integer(word, cls.JAVA_NAME, "grid size") for word in words[4:6])
        if rows < 1 or columns < 1:
            raise inappropriate(cls.JAVA_NAME, f"expected at least one row and column: got {rows} and {columns}")
        values = cls._read_values(words[7], words[8:], 6 * rows * columns)
        return cls(place[:2], place[2:], values.reshape(6, rows, columns), words[6])

    @classmethod
    def _read_values(cls, encoding: str, words: list[str], count: int) -> FloatArray:
        if encoding == "base64" and len(words) == 1:
            return decode_block(words[0], count, cls.JAVA_NAME, "values")
        if encoding != "none" or len(words) != count:
            raise inappropriate(
                cls.JAVA_NAME,
                f"expected none with {count} values or base64 with one word: got {encoding} with {len(words)}",
            )
        return np.array(numbers(words, cls.JAVA_NAME))

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        place = number_words([*self.offset, *self.size], self.JAVA_NAME)
        values = number_words(self.values.flat, self.JAVA_NAME)
        packed = self.values.size >= _PACKED_FROM
        encoded = f"base64 {encode_block(self.values)}" if packed else f"none {values}"
        _, rows, columns = self.values.shape
        return f"{place} {rows} {columns} {self.interpolator} {encoded}"

    @property
    def domain(self) -> Bounds:
        """Extent of the grid."""
        return Bounds(*self.offset, *(self.offset + self.size))

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        affines, _ = self._affines_at(flat)
        return (_augmented(flat) @ affines)[:, 0].reshape(array.shape)

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2), including the change of the affine within a cell."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        affines, changes = self._affines_at(flat)
        columns = [affines[:, axis] + (_augmented(flat) @ changes[axis])[:, 0] for axis in range(2)]
        return np.stack(columns, axis=-1).reshape(*array.shape, 2)

    def _affines_at(self, flat: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Return the affine at each point, (N, 3, 2), and its derivatives with respect to x and y."""
        _, rows, columns = self.values.shape
        cell = self.size / [columns, rows]
        place = (flat - self.offset) / cell - 0.5
        if self.interpolator == _NEAREST:
            place = np.floor(place + 0.5)
        low = np.floor(place)
        share_x, share_y = (place - low).T[:, :, np.newaxis, np.newaxis]
        corners = [[self._cells(low[:, 1] + down, low[:, 0] + right) for right in (0, 1)] for down in (0, 1)]
        top, bottom = (left + share_x * (right - left) for left, right in corners)
        by_x = [(right - left) / cell[0] for left, right in corners]
        by_y = (bottom - top) / cell[1]
        moving = 0.0 if self.interpolator == _NEAREST else 1.0
        changes = [moving * (by_x[0] + share_y * (by_x[1] - by_x[0])), moving * by_y]
        affines = top + share_y * (bottom - top)
        # The service counts cells in 64 bits: beyond them it finds no affine.
        affines[(np.abs(place) >= _FARTHEST).any(axis=1)] = 0.0
        return affines, changes

    def _cells(self, row: FloatArray, column: FloatArray) -> FloatArray:
        """Return the affines of cells as (N, 3, 2); cells outside the grid are clamped to its border."""
        _, rows, columns = self.values.shape
        row, column = np.nan_to_num(row), np.nan_to_num(column)
        at = np.clip(row, 0, rows - 1).astype(np.intp), np.clip(column, 0, columns - 1).astype(np.intp)
        # m00 m10, m01 m11, tx ty: the columns of the matrix, as rows.
        return np.moveaxis(self.values[:, at[0], at[1]], 0, -1).reshape(-1, 3, 2)


def _augmented(flat: FloatArray) -> FloatArray:
    return np.column_stack([flat, np.ones(len(flat))])[:, np.newaxis]
