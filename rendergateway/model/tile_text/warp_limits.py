"""Limits for the distortion of tiles, which detect bad warps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tile_text.transform_groups import TransformGroup, TransformGroups
from rendergateway.transforms import Transform
from rendergateway.transforms.fitting.linear import rigid_deviations

__all__ = ["WarpLimits"]

# Sample points in memory at a time.
_POINTS_AT_ONCE = 1 << 20


@attrs.frozen(kw_only=True)
class WarpLimits:
    """
    Limit of the distortion of tiles: of the distance between their map and the rigid one that fits it best.

    Parameters
    ----------
    max_distance_px : float
        Largest allowed distance of the two in the world, in world pixels.
    samples : int
        Sample points in x and in y, from the first to the last pixel; at least 2.

    Examples
    --------
    >>> WarpLimits(max_distance_px=50)
    WarpLimits(max_distance_px=50.0, samples=64)
    """

    max_distance_px: float = attrs.field(default=1000.0, converter=float)
    samples: int = attrs.field(default=64, validator=attrs.validators.ge(2))

    def problems(self, texts: Sequence[Text], boxes: FloatArray, shared: Mapping[str, Transform]) -> dict[int, str]:
        """Return why tiles are invalid; see `TileValidator`."""
        distances, problems = self.distances(texts, shared)
        # A negated comparison, so that NaN is beyond.
        for row in np.flatnonzero(~(distances <= self.max_distance_px)).tolist():
            problems.setdefault(row, f"distortion is {distances[row]:g} px, allowed is {self.max_distance_px:g} px")
        return problems

    def distances(self, texts: Sequence[Text], shared: Mapping[str, Transform]) -> tuple[FloatArray, dict[int, str]]:
        """
        Return the largest distance of each tile from the rigid map that fits it best.

        Returns
        -------
        distances : ndarray, shape (N,)
            World pixels; NaN with a problem.
        problems : dict of int to str
            Why a distance is unknown, by row.
        """
        found = TransformGroups.of(texts)
        problems = dict(found.problems)
        distances = np.full(len(found.tile_ids), np.nan)
        for group in found.groups:
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    distances[group.rows] = self._distances(group, shared)
            except (TransformError, RecordError) as error:
                problems |= dict.fromkeys(group.rows, f"its map is unknown: {error}")
        return distances, problems

    def _distances(self, group: TransformGroup, shared: Mapping[str, Transform]) -> FloatArray:
        grid = _grid(group.width, group.height, self.samples)
        mapped = group.head(shared).apply(grid)
        if group.affines is None:
            return np.repeat(rigid_deviations(grid, mapped[np.newaxis]), len(group.rows))
        step = max(1, _POINTS_AT_ONCE // len(grid))
        parts = [group.affines[start : start + step] for start in range(0, len(group.rows), step)]
        return np.concatenate([rigid_deviations(grid, _placed(affines, mapped)) for affines in parts])


def _grid(width: float, height: float, samples: int) -> FloatArray:
    x, y = np.linspace(0.0, width - 1.0, samples), np.linspace(0.0, height - 1.0, samples)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _placed(affines: FloatArray, points: FloatArray) -> FloatArray:
    placed: FloatArray = points @ affines[:, :, :2].transpose(0, 2, 1) + affines[:, np.newaxis, :, 2]
    return placed
