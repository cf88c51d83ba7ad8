"""Fits that leave outliers aside; OpenCV searches, imported when it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.extras import needed_for
from rendergateway.geometry import FloatArray
from rendergateway.transforms.base import Transform
from rendergateway.transforms.curved_fits import fit_homography
from rendergateway.transforms.fits import fit_affine, fit_rigid, fit_similarity, fit_translation, point_pairs

__all__ = ["fit_ransac"]

_Fit = Callable[..., Transform]

# Function of OpenCV that finds the consensus, and points that one hypothesis takes. A rigid transform is a similarity
# of scale 1: its consensus is searched as that and judged as rigid.
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
    Fit a transform to those pairs that agree, by random sample consensus.

    Parameters
    ----------
    fit : function
        `fit_translation`, `fit_rigid`, `fit_similarity`, `fit_affine` or `fit_homography`.
    source, target : array_like, shape (N, 2)
        Input and output pixels.
    weights : array_like, shape (N,), optional
        For the fit to the pairs that agree; the search does not look at them.
    tolerance_px : float
        Pairs agree with a transform that brings them closer than this, in output pixels.
    confidence : float
        Wanted chance, 0 … 1, that the search has met a sample without outliers.
    max_iterations : int
        Samples drawn at most. The draw is the same in every call.

    Returns
    -------
    transform : Transform
        The least-squares fit to the inliers.
    inliers : ndarray of bool, shape (N,)
        Which pairs it was fitted to.

    Raises
    ------
    FitError
        If no consensus is found, or *fit* is none of the five.
    ModuleNotFoundError
        If OpenCV is not installed.
    """
    if fit not in _SEARCHES:
        raise FitError(f"fit_ransac searches with {', '.join(known.__name__ for known in _SEARCHES)}, not with {fit!r}")
    name, least = _SEARCHES[fit]
    p, q, w = point_pairs(source, target, weights, least=least)
    options = {"ransacReprojThreshold": tolerance_px, "confidence": confidence, "maxIters": max_iterations}
    inliers = _search(name, p, q, options)
    if np.count_nonzero(inliers) < least:
        raise FitError(f"no {least} of {len(p)} pairs agree within {tolerance_px} px")
    transform = fit(p[inliers], q[inliers], w[inliers])
    agreeing = np.linalg.norm(transform.apply(p) - q, axis=1) < tolerance_px
    if np.count_nonzero(agreeing) < least or (agreeing == inliers).all():
        return transform, inliers
    return fit(p[agreeing], q[agreeing], w[agreeing]), agreeing


def _search(name: str, p: FloatArray, q: FloatArray, options: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Return the consensus that OpenCV finds, around the centres: it keeps 32 bits of a coordinate."""
    with needed_for("the search of RANSAC"):
        import cv2

    estimate = getattr(cv2, name)
    _, mask = estimate(p - p.mean(axis=0), q - q.mean(axis=0), method=cv2.RANSAC, **options)
    return np.zeros(len(p), dtype=bool) if mask is None else mask.ravel().astype(bool)
