"""Numerical inverse by Newton's method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, NotInvertibleError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.matrices import apply_matrix, inverse_matrix
from rendergateway.transforms.classes.transform import Transform

__all__ = ["NewtonInverse"]

_MAX_STEPS = 50
_MAX_HALVINGS = 12
# Relative to a coordinate: smaller residuals are indistinguishable from rounding.
_ROUNDING = 1e-12


@attrs.frozen(repr=False)
class NewtonInverse(Transform):
    """
    The inverse of a transform, by Newton's method on each point.

    The iteration starts at the guess of a class that has a formula, then at the inverse of an affine approximation,
    then at the point itself; steps that increase the residual are halved. If the transform folds the plane, one of the
    solutions is returned.

    Parameters
    ----------
    forward : Transform
        The transform to invert.
    tolerance_px : float
        Largest residual of a solution, in output pixels, or 1e-12 of the coordinate if that is larger.

    Examples
    --------
    >>> from rendergateway.transforms import SEMDistortionTransformA
    >>> bend = SEMDistortionTransformA(19.4, 64.8, 24.4, 972.0, 0)
    >>> bend.inverse().apply([126.1601901592704, 7.0]).round(9).tolist()
    [100.0, 7.0]
    """

    forward: Transform
    tolerance_px: float = 1e-9

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Return the points that the transform maps to *points* (..., 2).

        Raises
        ------
        NotInvertibleError
            If the iteration does not converge for a point; the message names the first such point.
        """
        target = as_points(points)
        flat = target.reshape(-1, 2)
        found = np.full_like(flat, np.nan)
        for start in self._starts(flat):
            missing = np.isnan(found).any(axis=1)
            if not missing.any():
                break
            found[missing] = self._solve(flat[missing], start[missing])
        self._check_found(flat, found)
        return found.reshape(target.shape)

    def inverse(self) -> Transform:
        """Return the transform that this is the inverse of."""
        return self.forward

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the inverses of the transform's Jacobian matrices."""
        return np.linalg.inv(self.forward.jacobian(self.apply(points))).astype(np.float64, copy=False)

    def to_spec(self) -> dict[str, Any]:
        """Raise `ConversionError`: the service has no class for a numerical inverse."""
        raise ConversionError(
            f"the inverse of {type(self.forward).__name__} has no class in the service; approximate() fits one"
        )

    def _starts(self, target: FloatArray) -> Iterator[FloatArray]:
        guess = self.forward._rough_inverse(target)
        if guess is not None:
            yield guess
        inverse = inverse_matrix(self._rough_matrix())
        if inverse is not None:
            yield apply_matrix(inverse, target)
        yield target

    def _rough_matrix(self) -> FloatArray:
        """Return the matrix of an affine approximation: over the domain, else at the origin."""
        if self.forward.domain is not None:
            return self.forward.as_affine(self.forward.domain).matrix
        origin = np.zeros(2)
        return np.column_stack([self.forward.jacobian(origin), self.forward.apply(origin)])

    def _solve(self, target: FloatArray, start: FloatArray) -> FloatArray:
        """Return the solutions; NaN for points that do not converge."""
        allowed = np.maximum(self.tolerance_px, _ROUNDING * np.abs(target).max(axis=1))
        found = start.copy()
        with np.errstate(all="ignore"):
            residual = self.forward.apply(found) - target
        # Points still iterated; a point that no step improves is dropped.
        moving: npt.NDArray[np.intp] = np.arange(len(found))
        for _ in range(_MAX_STEPS):
            moving = moving[_length(residual[moving]) > allowed[moving]]
            if not moving.size:
                break
            step = _newton_step(self.forward.jacobian(found[moving]), residual[moving])
            moving = self._advance(found, residual, target, moving, step)
        found[~(_length(residual) <= allowed)] = np.nan
        return found

    def _advance(
        self,
        found: FloatArray,
        residual: FloatArray,
        target: FloatArray,
        moving: npt.NDArray[np.intp],
        step: FloatArray,
    ) -> npt.NDArray[np.intp]:
        """Move points in place along their steps, halved until the residual decreases; return those that moved."""
        waiting: npt.NDArray[np.intp] = np.arange(len(moving))
        for halving in range(_MAX_HALVINGS):
            rows = moving[waiting]
            trial = found[rows] - step[waiting] / 2**halving
            with np.errstate(all="ignore"):
                trial_residual = self.forward.apply(trial) - target[rows]
            better = _length(trial_residual) < _length(residual[rows])
            found[rows[better]], residual[rows[better]] = trial[better], trial_residual[better]
            waiting = waiting[~better]
            if not waiting.size:
                break
        return np.delete(moving, waiting)

    def _check_found(self, target: FloatArray, found: FloatArray) -> None:
        missing = np.flatnonzero(np.isnan(found).any(axis=1))
        if missing.size:
            x, y = target[missing[0]].tolist()
            raise NotInvertibleError(
                f"{type(self.forward).__name__} is not invertible at ({x}, {y}): no solution within "
                f"{self.tolerance_px} px ({missing.size} of {len(target)} points failed)"
            )


def _length(vectors: FloatArray) -> FloatArray:
    return np.hypot(vectors[:, 0], vectors[:, 1])


def _newton_step(jacobian: FloatArray, residual: FloatArray) -> FloatArray:
    """Solve 2 × 2 systems by the adjugate; steps of singular systems are not finite and are never accepted."""
    a, b, c, d = jacobian.reshape(-1, 4).T
    x, y = residual.T
    with np.errstate(all="ignore"):
        return np.stack([d * x - b * y, a * y - c * x], axis=1) / (a * d - b * c)[:, np.newaxis]
