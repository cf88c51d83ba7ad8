"""JPEG quantization tables for a quality, computed as in Java."""

from __future__ import annotations

import numpy as np

__all__ = ["quantization_tables"]

# Annex K of the standard, by rows; the remaining chrominance values are 99.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip
_LOWEST = 0.01


def quantization_tables(quality: float) -> list[list[int]]:
    """
    Return the luminance and chrominance tables.

    Parameters
    ----------
    quality : float
        0 … 1. Computed in single precision, as in Java: at 0.85 some steps are smaller by one than those of libjpeg,
        which changes pixels by up to ten grey levels.

    References
    ----------
    .. [1] ITU-T T.81, tables K.1 and K.2.

    Examples
    --------
    >>> quantization_tables(0.85)[0][:8]
    [5, 3, 3, 5, 7, 12, 15, 18]
    """
    single = np.float32(min(max(quality, _LOWEST), 1.0))
    scale = np.float32(0.5) / single if single < np.float32(0.5) else np.float32(2.0) - np.float32(2.0) * single
    steps = (np.array([_LUMINANCE, _CHROMINANCE], dtype=np.float32) * scale + np.float32(0.5)).astype(int)
    tables: list[list[int]] = np.clip(steps, 1, 255).tolist()
    return tables
