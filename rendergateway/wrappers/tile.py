"""Tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model import ImagePyramid, Layout, TileRecord
from rendergateway.transforms import TransformList
from rendergateway.wrappers.keys import SectionKey, TileKey
from rendergateway.wrappers.object import ObjectWrapper
from rendergateway.wrappers.registry import add_base
from rendergateway.wrappers.stack import StackWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.keys import Key
    from rendergateway.wrappers.section import SectionWrapper

__all__ = ["TileWrapper"]


@add_base
class TileWrapper(ObjectWrapper[TileRecord]):
    """
    One image of a section, and the transforms that place it in the world.

    Notes
    -----
    A tile that comes from a listing is loaded. Another one loads itself, as stored, with one request, ``tile.read``.
    """

    KIND = "tile"
    RECORD = TileRecord
    MARSHALLED = ("z", "bounds", "width", "height", "layout")

    _key: TileKey

    @property
    def tile_id(self) -> str:
        """Unique within the stack; no request."""
        return self._key.tile_id

    @property
    def stack(self) -> StackWrapper:
        """The stack; no request."""
        stack: StackWrapper = self._wrap("stack", self._key.stack_key)
        return stack

    @property
    def section(self) -> SectionWrapper:
        """The section that the tile lies in."""
        section: SectionWrapper = self._wrap("section", SectionKey(*self._key.stack_key, self.z))
        return section

    @property
    def parent(self) -> SectionWrapper:
        """The section."""
        return self.section

    # Facts

    @property
    def z(self) -> float:
        """
        The section's position.

        Raises
        ------
        RecordError
            If the tile is stored without one.
        """
        z = self._obj.z
        if z is None:
            raise RecordError(f"tile {self.tile_id!r} has no z")
        return z

    @property
    def bounds(self) -> Bounds | None:
        """The box in world pixels, as stored: whole numbers, up to a pixel off, None where it has none."""
        return self._obj.bounds

    @property
    def width(self) -> float | None:
        """Width of the image in local pixels."""
        return self._obj.width

    @property
    def height(self) -> float | None:
        """Height of the image in local pixels."""
        return self._obj.height

    @property
    def layout(self) -> Layout:
        """The acquisition facts; empty where there are none."""
        return self._obj.layout or Layout()

    @property
    def labels(self) -> list[str]:
        """Tags of the tile."""
        return self._obj.labels

    @property
    def mipmaps(self) -> ImagePyramid:
        """The levels of the image, as addresses."""
        return self._obj.mipmaps

    @property
    def image_url(self) -> str | None:
        """Address of the full-size image."""
        return self.mipmaps[0].image_url if 0 in self.mipmaps else None

    @property
    def transforms(self) -> TransformList:
        """The transforms from local to world pixels as stored: shared ones are references."""
        return self._obj.transforms

    @property
    def resolved_transforms(self) -> TransformList:
        """
        The transforms with shared ones in the place of their references.

        Notes
        -----
        None for a listed tile; else one request, ``transform.read``, a shared transform of the stack, once.
        """
        return self.transforms.resolve(self.stack.shared_transforms)

    def world_from_local(self, points: npt.ArrayLike) -> FloatArray:
        """
        Carry points of the image into the world; computed here.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in local pixels.

        Returns
        -------
        ndarray, same shape
            x, y in world pixels.

        Notes
        -----
        As `resolved_transforms`.
        """
        return self.resolved_transforms.apply(points)

    # Loading

    @classmethod
    def _key_of(cls, record: TileRecord | None) -> Key:
        # A loose tile belongs to no stack.
        return TileKey("", "", "", record.tile_id) if record is not None else super()._key_of(record)

    def _fetch(self) -> TileRecord:
        return TileRecord.from_json(self._text("tile.read"))
