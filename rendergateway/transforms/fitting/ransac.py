"""Robust fits by random sample consensus (RANSAC), with OpenCV, imported lazily."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.extras import needed_for
from rendergateway.geometry import FloatArray
from rendergateway.transforms.classes.transform import Transform
from rendergateway.transforms.fitting.curved import fit_homography
from rendergateway.transforms.fitting.linear import fit_affine, fit_rigid, fit_similarity, fit_translation, point_pairs

__all__ = ["fit_ransac"]

_Fit = Callable[..., Transform]

# OpenCV function that finds the consensus, and sample size. The consensus of a rigid transform is searched with a
# similarity and then checked with the rigid fit.
_SEARCHES: dict[_Fit, tuple[str, int]] = {
    fit_translation: ("estimateTranslation2D", 1),
    fit_rigid: ("estimateAffinePartial2D", 2),
    fit_similarity: ("estimateAffinePartial2D", 2),
    fit_affine: ("estimateAffine2D", 3),
    fit_homography: ("findHomography", 4),
}


def fit_ransac(
    fit: _Fit,
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    tolerance_px: float = 3.0,
    confidence: float = 0.99,
    max_iterations: int = 2000,
) -> tuple[Transform, npt.NDArray[np.bool_]]:
    """
    Fit a transform to the consistent pairs, by random sample consensus.

    Parameters
    ----------
    fit : function
        `fit_translation`, `fit_rigid`, `fit_similarity`, `fit_affine` or `fit_homography`.
    source, target : array_like, shape (N, 2)
        Input and output pixels.
    weights : array_like, shape (N,), optional
        Weights for the final fit to the inliers; the search ignores them.
    tolerance_px : float
        Largest residual of an inlier, in output pixels.
    confidence : float
        Probability, 0 … 1, that at least one sample is free of outliers.
    max_iterations : int
        Maximal number of samples. The samples are the same in every call.

    Returns
    -------
    transform : Transform
        Least-squares fit to the inliers.
    inliers : ndarray of bool, shape (N,)
        Mask of the inliers.

    Raises
    ------
    FitError
        If no consensus is found, or *fit* is not one of the five functions.
    ModuleNotFoundError
        If OpenCV is not installed.
    """
    if fit not in _SEARCHES:
        raise FitError(f"fit must be one of {', '.join(known.__name__ for known in _SEARCHES)}: got {fit!r}")
    name, least = _SEARCHES[fit]
    p, q, w = point_pairs(source, target, weights, least=least)
    options = {"ransacReprojThreshold": tolerance_px, "confidence": confidence, "maxIters": max_iterations}
    inliers = _search(name, p, q, options)
    if np.count_nonzero(inliers) < least:
        raise FitError(f"no consensus: fewer than {least} of {len(p)} pairs agree within {tolerance_px} px")
    transform = fit(p[inliers], q[inliers], w[inliers])
    agreeing = np.linalg.norm(transform.apply(p) - q, axis=1) < tolerance_px
    if np.count_nonzero(agreeing) < least or (agreeing == inliers).all():
        return transform, inliers
    return fit(p[agreeing], q[agreeing], w[agreeing]), agreeing


def _search(name: str, p: FloatArray, q: FloatArray, options: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the mask of inliers; coordinates are centered, because OpenCV rounds them to 32 bits."""
    with needed_for("RANSAC"):
        import cv2

    estimate = getattr(cv2, name)
    _, mask = estimate(p - p.mean(axis=0), q - q.mean(axis=0), method=cv2.RANSAC, **options)
    return np.zeros(len(p), dtype=bool) if mask is None else mask.ravel().astype(bool)
