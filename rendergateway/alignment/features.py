"""Features of a picture: places that look alike in another one, described by OpenCV's SIFT."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.base import opencv

__all__ = ["FeatureRule", "Features", "described"]

Bytes = npt.NDArray[np.uint8]

# The service's matcher refuses a response below this, of values 0 … 1 divided by k - 1, k being the ratio of the scales
# of two layers, and edges whose curvatures differ by more than a factor of 10.
_LEAST_RESPONSE = 0.025
_MOST_CURVATURE = 10.0
_SIGMA = 1.6
# A larger scale means the whole picture.
_WHOLE = 0.9
# Up to this number, features of the picture at twice its size are added, the strongest first.
_ENOUGH = 2000
_SIZE = 128
# Cells of a descriptor, along each side; each covers 4 samples in the service's matcher, 3 in OpenCV.
_CELLS = 4
_DIVISIONS = 4 / 3


def _at_least(least: float) -> Any:
    def check(rule: object, field: attrs.Attribute[Any], value: float) -> None:
        if not value >= least:
            raise ImageError(f"{field.name} of features must be >= {least:g}: got {value!r}")

    return check


@attrs.frozen(kw_only=True)
class FeatureRule:
    """
    Which features of a picture are described.

    Parameters
    ----------
    fd_size : int
        Cells along each side of a descriptor in the service's matcher, 1 or more. Descriptors of OpenCV have 4; from 4
        on, a larger value widens the described area by its square root.
    min_scale, max_scale : float
        Least and largest scale of the picture for the search, 0 … 1, relative to its size.
    steps : int
        Scales per octave.

    Raises
    ------
    ImageError
        If a value is out of range.
    """

    fd_size: int = attrs.field(default=8, validator=_at_least(1))
    min_scale: float = attrs.field(default=0.5, validator=_at_least(0))
    max_scale: float = attrs.field(default=0.85, validator=_at_least(0))
    steps: int = attrs.field(default=3, validator=_at_least(1))

    @property
    def scale(self) -> float:
        """Scale of the reduced picture that is searched."""
        return 1.0 if self.max_scale > _WHOLE else self.max_scale

    @property
    def octaves(self) -> int:
        """Number of octaves of the reduced picture that are searched, at least 1."""
        count, scale = 1, self.scale
        while self.min_scale > 0 and scale / 2 > self.min_scale:
            count, scale = count + 1, scale / 2
        return count if self.min_scale > 0 else 32


@attrs.frozen(eq=False)
class Features:
    """
    The features of one picture.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        x, y in pixels of the picture.
    descriptors : ndarray of uint8, shape (N, 128)
    size : (int, int)
        Width and height of the picture.
    mask : ndarray of bool, shape (H, W), optional
        Opaque pixels; None if all are.
    origin : (float, float)
        x, y of the picture's corner in the tile, in pixels of full scale.
    """

    points: FloatArray
    descriptors: Bytes
    size: tuple[int, int]
    mask: npt.NDArray[np.bool_] | None = None
    origin: tuple[float, float] = (0.0, 0.0)

    def full_scale(self, points: FloatArray, scale: float) -> FloatArray:
        """Return points of the picture, of *scale*, in pixels of the tile at full scale."""
        moved: FloatArray = points / scale + self.origin
        return moved

    def __len__(self) -> int:
        return len(self.points)

    def to_bytes(self) -> bytes:
        """Return the features as the content of an ``npz`` file."""
        parts: dict[str, Any] = {"points": self.points, "descriptors": self.descriptors, "size": np.array(self.size)}
        parts["origin"] = np.array(self.origin)
        if self.mask is not None:
            parts["mask"] = np.packbits(self.mask, axis=1)
        buffer = io.BytesIO()
        np.savez(buffer, **parts)
        return buffer.getvalue()

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Features:
        """
        Read the features from a file with the content of `to_bytes`.

        Raises
        ------
        ImageError
            If it is not one; the message names it.
        OSError
            If it cannot be read.
        """
        content = Path(path).read_bytes()
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as parts:
                width, height = map(int, parts["size"])
                x, y = map(float, parts["origin"])
                mask = parts.get("mask")
                opaque = None if mask is None else np.unpackbits(mask, axis=1, count=width).astype(bool)
                return cls(parts["points"], parts["descriptors"], (width, height), opaque, (x, y))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ImageError(
                f"{os.fspath(path)} is not a file of features: {error}; delete it to make it again"
            ) from error


def described(picture: Bytes, rule: FeatureRule, mask: Bytes | None = None) -> Features:
    """
    Find and describe the features of a picture.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey values, or colours, whose luminance counts.
    rule : FeatureRule
    mask : ndarray of uint8, shape (H, W), optional
        Features at pixels of the value 0 are dropped.

    Raises
    ------
    MissingExtraError
        If OpenCV is not installed.
    """
    cv2 = opencv.cv2
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else np.ascontiguousarray(picture)
    height, width = grey.shape
    opaque = None if mask is None else mask > 0
    scale = rule.scale
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    contrast = _LEAST_RESPONSE * (2 ** (1 / rule.steps) - 1) * rule.steps
    sift = cv2.SIFT.create(
        nOctaveLayers=rule.steps, contrastThreshold=contrast, edgeThreshold=_MOST_CURVATURE, sigma=_SIGMA
    )
    found = _chosen(sift.detect(grey, None), rule)
    wider = _DIVISIONS * max(1.0, (rule.fd_size / _CELLS) ** 0.5)
    for one in found:
        one.size *= wider
    kept_ones, descriptors = sift.compute(grey, found) if found else ([], None)
    points = np.array([one.pt for one in kept_ones], dtype=np.float64).reshape(-1, 2)
    # Centers of pixels are at integers, before and after the reduction.
    points = (points + 0.5) * [width / grey.shape[1], height / grey.shape[0]] - 0.5
    values = np.empty((0, _SIZE), np.uint8) if descriptors is None else np.clip(descriptors, 0, 255).astype(np.uint8)
    if opaque is not None:
        column, row = np.clip(points.astype(np.int64), 0, [width - 1, height - 1]).T
        kept = opaque[row, column]
        points, values = points[kept], values[kept]
    return Features(points, values, (width, height), opaque)


def _chosen(found: Any, rule: FeatureRule) -> list[Any]:
    """Return the features in the octaves of the rule, and the strongest at twice the size if there are few."""
    octaves = np.array([(one.octave & 0xFF) for one in found], dtype=np.uint8).astype(np.int8)
    chosen = [one for one, octave in zip(found, octaves, strict=True) if 0 <= octave < rule.octaves]
    finer = [one for one, octave in zip(found, octaves, strict=True) if octave < 0]
    finer.sort(key=lambda one: -one.response)
    return chosen + finer[: max(0, _ENOUGH - len(chosen))]
