"""Places of imported images in the world: from stage positions in a unit, or from rows and columns of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np

from rendergateway.batch.importers.images import ListedImage
from rendergateway.batch.importers.positions import NANOMETRES
from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.images.summary import ImageSummary

__all__ = ["Placing"]

_PX = "px"
_FLIPS = ("", "x", "y", "xy")
# Plausible distances of nearest neighbours, in sides of an image; others are probably in a wrong unit.
_PLAUSIBLE = 0.2, 1.5
_MOST_COMPARED = 1000


@attrs.frozen(kw_only=True)
class Placing:
    """
    The rule from stage positions, or rows and columns, to pixels.

    Attributes
    ----------
    unit : str or None
        px, nm, um or mm; None if the list may specify it.
    flip : str
        Axes that point to the left or upwards.
    overlap : float or None
        Fraction of an image that its neighbours in a grid share.
    pixel_nm : (float, float) or None
        Nanometres per pixel in x and y.
    """

    unit: str | None = None
    flip: str = ""
    overlap: float | None = None
    pixel_nm: tuple[float, float] | None = None

    @classmethod
    def of(
        cls, *, unit: str | None, flip: str, overlap: float | None, resolution_nm: Sequence[float | None] | None
    ) -> Placing:
        """Return the rule of checked arguments; see `import_images`."""
        if unit is not None and unit not in (_PX, *NANOMETRES):
            raise ValueError(f"unit must be one of {_PX}, {', '.join(NANOMETRES)}: got {unit!r}")
        if flip not in _FLIPS:
            raise ValueError(f"flip must be '', 'x', 'y' or 'xy': got {flip!r}")
        if overlap is not None and not 0 <= overlap < 1:
            raise ValueError(f"overlap must be a fraction from 0 to below 1: got {overlap!r}")
        x_nm, y_nm = (*(resolution_nm or ()), None, None)[:2]
        if any(side is not None and not (math.isfinite(side) and side > 0) for side in (x_nm, y_nm)):
            raise ValueError(f"resolution_nm must be finite and > 0: got {resolution_nm!r}")
        pixel_nm = None if x_nm is None or y_nm is None else (x_nm, y_nm)
        return cls(unit=unit, flip=flip, overlap=overlap, pixel_nm=pixel_nm)

    def with_unit(self, listed: str | None, name: str) -> Placing:
        """
        Return this rule with the unit that a list specifies.

        Raises
        ------
        RecordError
            If it contradicts that of the rule, or needs a pixel size.
        """
        if listed is not None and self.unit not in (None, listed):
            raise RecordError(f"{name} has positions in {listed}: got unit={self.unit!r}; pass no unit=")
        unit = self.unit or listed or _PX
        if unit != _PX and self.pixel_nm is None:
            raise RecordError(f"{name} has positions in {unit}; pass resolution_nm=, the size of a pixel")
        return attrs.evolve(self, unit=unit)

    @property
    def pixels_per_unit(self) -> tuple[float, float]:
        """Pixels per unit of the positions along x and y, negative along a flipped axis."""
        nm = NANOMETRES.get(self.unit or _PX)
        x_nm, y_nm = (1.0, 1.0) if nm is None or self.pixel_nm is None else self.pixel_nm
        sign_x, sign_y = (-1 if axis in self.flip else 1 for axis in "xy")
        return sign_x * (nm or 1.0) / x_nm, sign_y * (nm or 1.0) / y_nm

    @property
    def note(self) -> str | None:
        """The unit and the pixel size, for a summary; None for pixels."""
        if self.unit == _PX or self.pixel_nm is None:
            return None
        return f"positions in {self.unit}, at {self.pixel_nm[0]:g} × {self.pixel_nm[1]:g} nm per pixel"

    def corners(self, images: Sequence[ListedImage], facts: Sequence[ImageSummary]) -> FloatArray:
        """
        Return the top left corner of each image in world pixels, (N, 2); NaN for images that have transforms.

        Raises
        ------
        RecordError
            If an image has only row and column, and the overlap is unknown.
        """
        pitch = self._pitch(images, facts)
        to_px = np.array(self.pixels_per_unit)
        corners = np.full((len(images), 2), np.nan)
        for place, image in enumerate(images):
            if image.transforms is not None:
                continue
            if image.position is not None:
                corners[place] = image.position
            elif image.stage is not None:
                corners[place] = np.array(image.stage) * to_px
            elif image.column is not None and image.row is not None:
                corners[place] = np.array([image.column, image.row]) * pitch
        # No -0.0 in the numbers of a flipped axis.
        return corners + 0.0

    def _pitch(self, images: Sequence[ListedImage], facts: Sequence[ImageSummary]) -> FloatArray:
        first = next(
            (one for one in images if one.transforms is None and one.position is None and one.stage is None), None
        )
        if first is None:
            return np.zeros(2)
        if self.overlap is None:
            raise RecordError(f"{first.where}: the position is a row and a column; pass overlap=, such as 0.1")
        size = np.array([max(one.width for one in facts), max(one.height for one in facts)])
        sign = np.array([-1 if axis in self.flip else 1 for axis in "xy"])
        pitch: FloatArray = sign * size * (1 - self.overlap)
        return pitch

    def doubt(self, corners: FloatArray, z: FloatArray, facts: Sequence[ImageSummary]) -> str | None:
        """Return a note if images are implausibly close or far apart; None if not."""
        for layer in np.unique(z[np.isfinite(corners[:, 0])]):
            some = corners[z == layer][:_MOST_COMPARED]
            if len(some) < 2:
                continue
            distances = np.linalg.norm(some[:, None] - some[None], axis=2)
            np.fill_diagonal(distances, np.inf)
            nearest = float(np.median(distances.min(axis=1)))
            side = float(np.median([min(one.width, one.height) for one in facts]))
            longer = float(np.median([max(one.width, one.height) for one in facts]))
            if not _PLAUSIBLE[0] * side <= nearest <= _PLAUSIBLE[1] * longer:
                return (
                    f"check the unit: neighbours in section {layer:g} are {nearest:.4g} px apart, images are "
                    f"{longer:g} px wide"
                )
            return None
        return None
