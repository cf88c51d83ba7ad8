"""Displacement fields: vectors on a grid, stored outside of the tile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, IntArray, as_points
from rendergateway.number_text import double_text
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.precomputed import layer
from rendergateway.transforms.base.text import integer, numbers
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transforms.classes.transform import Transform

__all__ = ["DisplacementFieldTransform"]

_PARAMETERS = ("z", "scale", "offset", "vectorScale")
# The form of the first version of the class, whose volumes are N5.
_FIRST_FORM = re.compile(r"[^?]*\?(?:.*[?&])?scaleIndex=")
# Cells are searched this far around the first guess.
_MAX_RING = 32
# A cell contains points this far outside of it, in cells.
_MARGIN = 1e-9


@resolvable_hints
@attrs.frozen(repr=False)
class DisplacementFieldTransform(LeafTransform):
    """
    The t with t + vector_scale·field((t − offset)/scale) = s, interpolated between the vectors of a layer.

    Outside of the grid the field is mirrored. If no cell near s contains t, the result is s − vector_scale·field(s).

    Parameters
    ----------
    uri : str
        Folder of a "precomputed" volume: a path or ``file:`` URL; see `rendergateway.transforms.base.precomputed`.
        It is read when the transform is first applied.
    z : int
        The layer, counted from 0.
    scale : float
        Pixels per cell of the grid.
    offset : array_like, shape (2,)
        Pixel of the first vector.
    vector_scale : float
        Factor of the vectors.

    References
    ----------
    .. [1] saalfeldlab/render, commit 02404d01, ``DisplacementFieldTransform.java``.
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.DisplacementFieldTransform"
    READS_FILES: ClassVar[bool] = True

    uri: str
    z: int
    scale: float = attrs.field(default=1.0, converter=float)
    offset: FloatArray = attrs.field(default=(0.0, 0.0), converter=numbers_array, validator=shaped(2), eq=bytes)
    vector_scale: float = attrs.field(default=1.0, converter=float)

    @classmethod
    def _unsupported(cls, text: str) -> str:
        if not _FIRST_FORM.match(text):
            return ""
        return f"transform class '{cls.JAVA_NAME}' is not supported with scaleIndex, its first form: got '{text}'"

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``URI?z=5&scale=8.0&offset=100.0,-50.0&vectorScale=2.0``; only z is required."""
        uri, mark, query = text.strip().rpartition("?")
        if not mark:
            raise TransformError(f"missing query in transform data '{text}'; {cls.JAVA_NAME} needs <uri>?z=<number>")
        words = {name: word for name, _, word in (part.partition("=") for part in query.split("&"))}
        for name in words:
            if name not in _PARAMETERS:
                raise TransformError(
                    f"unknown query parameter '{name}' in '{text}'; supported parameters are [{', '.join(_PARAMETERS)}]"
                )
        if "z" not in words:
            raise TransformError(f"missing required parameter 'z' in transform data '{text}'")
        scale, x, y, vector_scale = numbers(
            [words.get("scale", "1"), *_pair(words.get("offset", "0,0"), text), words.get("vectorScale", "1")],
            cls.JAVA_NAME,
        )
        return cls(uri, integer(words["z"], cls.JAVA_NAME, "z"), scale, (x, y), vector_scale)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        scale, x, y, vector_scale = map(double_text, (self.scale, *self.offset.tolist(), self.vector_scale))
        return f"{self.uri}?z={self.z}&scale={scale}&offset={x},{y}&vectorScale={vector_scale}"

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Map points (..., 2); see `Transform.apply`.

        Raises
        ------
        TransformError
            If the field cannot be read.
        """
        array = as_points(points)
        source = array.reshape(-1, 2)
        field = layer(self.uri, self.z)
        near = source - self._vectors(field, source)
        found = np.where(np.isfinite(source).all(axis=1, keepdims=True), near, np.nan)
        waiting = np.flatnonzero(np.isfinite(near).all(axis=1))
        for ring_cell in _rings():
            if not len(waiting):
                break
            cell = np.floor(self._place(near[waiting])).astype(np.int64) + ring_cell
            target = self._in_cell(field, cell, source[waiting])
            is_in = np.isfinite(target).all(axis=1)
            found[waiting[is_in]] = target[is_in]
            waiting = waiting[~is_in]
        return found.reshape(array.shape)

    def _place(self, points: FloatArray) -> FloatArray:
        """Return points in cells of the grid."""
        place: FloatArray = (points - self.offset) / self.scale
        return place

    def _corners(self, field: FloatArray, cell: IntArray) -> FloatArray:
        """Return the scaled vectors at the corners (4, N, 2) of cells (N, 2): (0, 0), (1, 0), (0, 1), (1, 1)."""
        columns, rows = ([_mirrored(place + more, length) for more in (0, 1)] for place, length in
                         zip(cell.T, (field.shape[1], field.shape[0]), strict=True))  # fmt: skip
        return self.vector_scale * np.stack([field[row, column] for row in rows for column in columns])

    def _vectors(self, field: FloatArray, points: FloatArray) -> FloatArray:
        """Return the scaled vectors at points (N, 2), interpolated."""
        place = np.where(np.isfinite(points), self._place(points), 0.0)
        low = np.floor(place)
        x, y = (place - low).T[:, :, np.newaxis]
        p00, p10, p01, p11 = self._corners(field, low.astype(np.int64))
        vectors: FloatArray = (p00 * (1 - x) + p10 * x) * (1 - y) + (p01 * (1 - x) + p11 * x) * y
        return vectors

    def _in_cell(self, field: FloatArray, cell: IntArray, source: FloatArray) -> FloatArray:
        """
        Return the points of each cell that are pulled to *source* (N, 2); NaN if its cell has none.

        With a and b the position in the cell, t + vector is origin + a·u + b·v + a·b·w: a quadratic equation in b.
        """
        steps = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[:, np.newaxis]
        p00, p10, p01, p11 = (cell + steps) * self.scale + self.offset + self._corners(field, cell)
        q, u, v, w = source - p00, p10 - p00, p01 - p00, p00 - p10 - p01 + p11
        square, linear, constant = -_cross(v, w), _cross(q, w) - _cross(v, u), _cross(q, u)
        found = np.full_like(source, np.nan)
        with np.errstate(all="ignore"):
            half = -(linear + np.copysign(np.sqrt(linear**2 - 4 * square * constant), linear)) / 2
            for b in (constant / half, half / square):
                along = u + b[:, np.newaxis] * w
                a = ((q - b[:, np.newaxis] * v) * along).sum(axis=1) / (along**2).sum(axis=1)
                place = np.stack([a, b], axis=1)
                is_in = np.isnan(found[:, 0]) & ((place >= -_MARGIN) & (place <= 1 + _MARGIN)).all(axis=1)
                found[is_in] = (cell[is_in] + place[is_in]) * self.scale + self.offset
        return found

    def _rough_inverse(self, points: FloatArray) -> FloatArray:
        return points + self._vectors(layer(self.uri, self.z), points)

    def inverse(self) -> Transform:
        """Return the inverse: t + vector_scale·field((t − offset)/scale), at points that the transform maps back."""
        return NewtonInverse(self)


def _pair(word: str, text: str) -> list[str]:
    pair = word.split(",")
    if len(pair) != 2:
        raise TransformError(f"offset in transform data '{text}' must be <x>,<y>: got {word!r}")
    return pair


def _mirrored(place: IntArray, length: int) -> IntArray:
    """Return places reflected at the borders, which count twice: -1 is 0, *length* is length - 1."""
    place = place % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)


def _rings() -> Iterator[IntArray]:
    """Yield the offsets of cells, in square rings around the first."""
    for ring in range(_MAX_RING + 1):
        side = range(-ring, ring + 1)
        yield from (np.array([x, y]) for y in side for x in side if max(abs(x), abs(y)) == ring)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    product: FloatArray = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product
