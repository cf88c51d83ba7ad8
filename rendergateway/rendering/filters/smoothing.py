"""ImageJ's resizing with averages, and its Gaussian blur, in single precision."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray

__all__ = ["blurred", "mirrored", "resized"]

Values = npt.NDArray[np.float32]

_ALMOST = 1.001
# Sigma of a line that is reduced first, and margin of its enlargement in reduced pixels.
_REDUCED_SIGMA, _MARGIN = 4.0, 3
_FEWEST = 50


def mirrored(values: Values, margin: int) -> Values:
    """Return an image with a margin of its mirror image, the edge pixels not doubled."""
    return np.pad(values, margin, mode="reflect")


# -- size ------------------------------------------------------------------------------------------------------------


def resized(values: Values, width: int, height: int) -> Values:
    """
    Return an image of another size: averaged along axes that become shorter, interpolated along the others.

    References
    ----------
    .. [1] ImageJ, ``ImageProcessor.resize`` with averaging, ``FloatProcessor.resize``.
    """
    small = values
    if width < small.shape[1]:
        small = _averaged(small, width)
    if height < small.shape[0]:
        small = _averaged(small.T, height).T
    return small if small.shape == (height, width) else _interpolated(small, width, height)


def _averaged(values: Values, length: int) -> Values:
    """Return rows reduced to *length* pixels, the weights falling linearly with the distance."""
    count = values.shape[1]
    ratio = count / length
    reach = math.ceil(ratio) + 1
    at = np.arange(length)
    sources = np.floor((at + 0.5) * ratio - 0.5).astype(np.intp)[:, np.newaxis] + np.arange(-reach, reach + 1)
    distance = np.abs(at[:, np.newaxis] - ((sources + 0.5) / ratio - 0.5))
    found = np.maximum(1 - distance, 0).astype(np.float32)
    # The edge pixels collect the weights beyond.
    weights = np.zeros((length, count), dtype=np.float32)
    np.add.at(weights, (np.broadcast_to(at[:, np.newaxis], sources.shape), np.clip(sources, 0, count - 1)), found)
    weights /= np.add.accumulate(weights, axis=1)[:, -1:]
    first = weights.astype(bool).argmax(axis=1)
    total = np.zeros((len(values), length), dtype=np.float32)
    for step in range(2 * reach + 1):
        place = np.minimum(first + step, count - 1)
        share = np.where(first + step < count, weights[at, place], np.float32(0))
        total += values[:, place] * share
    return total


def _interpolated(values: Values, width: int, height: int) -> Values:
    """Return an image interpolated to another size; where the size changes, it moves by a quarter of the ratio."""
    left, across = _places(values.shape[1], width)
    top, down = _places(values.shape[0], height)
    wide = values.astype(np.float64)
    first, second = (wide[:, left + step] for step in (0, 1))
    rows = first + across * (second - first)
    above, below = rows[top], rows[top + 1]
    result: Values = (above + down[:, np.newaxis] * (below - above)).astype(np.float32)
    return result


def _places(count: int, length: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return the source pixels before the pixels of a resized axis, and the fractions beyond them."""
    ratio = length / count
    middle = length / 2 + (ratio / 4 if length != count else 0.0)
    places = np.maximum((np.arange(length) - middle) / ratio + count / 2, 0)
    inside: FloatArray = np.asarray(np.where(places >= count - 1, count - _ALMOST, places), dtype=np.float64)
    before = inside.astype(np.intp)
    return before, inside - before


# -- Gaussian --------------------------------------------------------------------------------------------------------


def blurred(values: Values, sigma: float, accuracy: float) -> Values:
    """
    Return an image blurred by a Gaussian, edge pixels repeated.

    Parameters
    ----------
    values : ndarray, shape (H, W)
    sigma : float
    accuracy : float
        Where the Gaussian falls below, it is cut.

    References
    ----------
    .. [1] ImageJ, ``GaussianBlur``.
    """
    if sigma <= 0:
        return values
    rows = _blurred_rows(values, sigma, accuracy)
    return np.ascontiguousarray(_blurred_rows(np.ascontiguousarray(rows.T), sigma, accuracy).T)


def _blurred_rows(rows: Values, sigma: float, accuracy: float) -> Values:
    length = rows.shape[1]
    factor = min(math.floor(sigma / _REDUCED_SIGMA), length)
    if sigma <= 2 * _REDUCED_SIGMA + 0.5:
        return _convolved(rows, *_kernel(sigma, accuracy, length))
    # A wide Gaussian is the convolution of a reduced line, between two splines.
    short = math.sqrt(sigma * sigma / (factor * factor) - 1 / 3 - 1 / 4)
    count = -(-length // factor) + 2 * _MARGIN
    kernel, tails = _kernel(short, accuracy, count)
    reduced = _convolved(_reduced(rows, factor, count), kernel, tails)
    return _enlarged(reduced, factor, length)


def _kernel(sigma: float, accuracy: float, longest: int) -> tuple[Values, Values]:
    """Return half of the normalized kernel, and the sums of its tails from each pixel on."""
    longest = max(longest, _FEWEST)
    length = min(math.ceil(sigma * math.sqrt(-2 * math.log(accuracy))) + 1, longest)
    at = np.arange(length)
    kernel = np.exp(-0.5 * at * at / sigma / sigma).astype(np.float32).astype(np.float64)
    if 3 < length < longest:
        kernel = _with_smooth_end(kernel)
    total = np.add.accumulate(np.concatenate([kernel[:1], 2 * kernel[1:]]))[-1]
    if length == longest:
        total = sigma * math.sqrt(2 * math.pi)
    shares = kernel / total
    start = 0.5 + 0.5 * kernel[0] / total
    tails = np.subtract.accumulate(np.concatenate([[start], shares]))[1:]
    return shares.astype(np.float32), tails.astype(np.float32)


def _with_smooth_end(kernel: FloatArray) -> FloatArray:
    """Replace the end of a kernel by a parabola that reaches 0 without a step."""
    length = len(kernel)
    least, place = math.inf, length
    while place > length // 2:
        place -= 1
        slope = math.sqrt(kernel[place]) / (length - place)
        if slope >= least:
            break
        least = slope
    end = np.arange(place + 2, length)
    kernel = kernel.copy()
    kernel[end] = ((length - end) * (length - end) * least * least).astype(np.float32)
    return kernel


def _convolved(rows: Values, kernel: Values, tails: Values) -> Values:
    """Return rows convolved with a symmetric kernel, given by its half; edge pixels are repeated."""
    length, reach = rows.shape[1], len(kernel)
    result: Values = rows * kernel[0]
    first = min(reach, length)
    result[:, :first] += tails[:first] * rows[:, :1]
    # As in ImageJ, one pixel later where the margins overlap.
    last = np.arange(max(length - reach + (length - reach < first), 0), length)
    result[:, last] += tails[length - 1 - last] * rows[:, -1:]
    padded = np.pad(rows, ((0, 0), (reach, reach)))
    for step in range(1, reach):
        pair = padded[:, reach - step :][:, :length] + padded[:, reach + step :][:, :length]
        result += kernel[step] * pair
    return result


def _reduced(rows: Values, factor: int, count: int) -> Values:
    """Return rows reduced by quadratic splines, with a margin at both ends."""
    middle = factor * 3 // 2
    spline = np.zeros(3 * factor, dtype=np.float32)
    for step in range((3 * factor + 1) // 2):
        x = step / factor
        height = 0.75 - x * x if step <= factor // 2 else 0.125 + 0.5 * (x - 1) * (x - 2)
        spline[[middle - step, middle + step]] = height / factor
    start = -_MARGIN * factor - factor * 3 // 2
    at = np.clip(start + np.arange((count + 2) * factor), 0, rows.shape[1] - 1)
    pieces = rows[:, at].reshape(len(rows), count + 2, factor)
    sums = []
    for part in range(3):
        total = np.zeros(pieces.shape[:2], dtype=np.float32)
        for step in range(factor):
            total += pieces[..., step] * spline[step + part * factor]
        sums.append(total)
    reduced: Values = sums[0][:, :count] + sums[1][:, 1 : count + 1] + sums[2][:, 2:]
    return reduced


def _enlarged(reduced: Values, factor: int, length: int) -> Values:
    """Return rows enlarged by cubic splines."""
    spline = np.zeros(4 * factor, dtype=np.float32)
    for step in range(2 * factor):
        x = step / factor
        height = 2 / 3 - x * x * (1 - 0.5 * x) if step < factor else (2 - x) * (2 - x) * (2 - x) / 6
        spline[[2 * factor - step, 2 * factor + step]] = height
    place, rest = np.divmod(np.arange(length) + _MARGIN * factor + factor - 1, factor)
    offset = factor - 1 - rest
    enlarged = reduced[:, place - 2] * spline[offset]
    for step in (1, 2, 3):
        enlarged += reduced[:, place - 2 + step] * spline[offset + step * factor]
    result: Values = enlarged
    return result
