"""Filters along rows and columns with SciPy's kernels and borders ('reflect': the last pixel comes twice)."""

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

Tensor = Any
_BITS = 1024.0


def blur(values: Tensor, sigma: float) -> Tensor:
    """Return `values` (B, rows, columns) or (B, N), within [-1, 1], blurred along every axis but the first.

    Source: `scipy.ndimage.gaussian_filter`, cut off at 4 sigma.
    """
    reach = int(4.0 * sigma + 0.5)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _filtered(values, taps / taps.sum())


def box(values: Tensor, width: int) -> Tensor:
    """Return the mean over an odd `width` along every axis but the first, as `scipy.ndimage.uniform_filter`."""
    return _filtered(values, np.full(width, 1.0 / width))


def _filtered(values: Tensor, taps: npt.NDArray[np.float64]) -> Tensor:
    """Return `values`, within [-1, 1], filtered along every axis but the first.

    As products with band matrices: a compiler would repeat sums of many taps for each tap of the next axis.
    """
    for axis in range(len(values.shape) - 1, 0, -1):
        if axis < len(values.shape) - 1:
            values = ops.swapaxes(_times(ops.swapaxes(values, 1, 2), _band(values.shape[axis], taps)), 1, 2)
        else:
            values = _times(values, _band(values.shape[axis], taps))
    return values


def _band(length: int, taps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the matrix (length, length) that a row is multiplied by to be filtered."""
    reach = taps.size // 2
    place = np.pad(np.arange(length), reach, mode="symmetric")
    band = np.zeros((length, length))
    for k, tap in enumerate(taps):
        np.add.at(band, (place[k : k + length], np.arange(length)), tap)
    return band


def _times(rows: Tensor, matrix: npt.NDArray[np.float64]) -> Tensor:
    """Return the product, in float32 where the processor rounds the factors to 11 bits (TF32).

    Both are split into what those bits hold and the rest.
    """
    high, coarse = ops.round(rows * _BITS) / _BITS, np.round(matrix * _BITS) / _BITS
    factors = np.concatenate([coarse, coarse, matrix - coarse, matrix - coarse]).astype(np.float32)
    return ops.matmul(ops.concatenate([high, rows - high] * 2, axis=-1), ops.convert_to_tensor(factors))


def median(values: Tensor, width: int) -> Tensor:
    """Return the median over an odd `width` of each row of (B, N), as `scipy.ndimage.median_filter`."""
    length = values.shape[1]
    place = np.pad(np.arange(length, dtype=np.int32), width // 2, mode="symmetric")
    window = np.arange(length)[:, None] + np.arange(width)
    near = ops.take(values, place[window].ravel(), axis=1)
    return ops.sort(ops.reshape(near, (-1, length, width)), axis=2)[:, :, width // 2]


def slopes(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient of (B, rows, columns) down the rows and along the columns, as `numpy.gradient`."""
    return _slope(values, 1), _slope(values, 2)


def _slope(values: Tensor, axis: int) -> Tensor:
    length = values.shape[axis]
    middle = (part(values, 2, length - 2, axis) - part(values, 0, length - 2, axis)) / 2.0
    ends = [part(values, k + 1, 1, axis) - part(values, k, 1, axis) for k in (0, length - 2)]
    return ops.concatenate([ends[0], middle, ends[1]], axis=axis)


def before(seen: Tensor) -> Tensor:
    """Return for each place of `seen` (B, N) the last place with True up to it, int32; -1 where there is none."""
    length = seen.shape[1]
    last = ops.where(seen, ops.arange(length, dtype="int32"), -1)
    for k in range(ceil(np.log2(length))):
        step = 2**k
        last = ops.maximum(last, ops.pad(last[:, :-step], ((0, 0), (step, 0)), constant_values=-1))
    return last


def after(seen: Tensor) -> Tensor:
    """Return for each place of `seen` (B, N) the first place with True from it on, int32; N where there is none."""
    return seen.shape[1] - 1 - ops.flip(before(ops.flip(seen, axis=1)), axis=1)


def interpolated(values: Tensor, seen: Tensor) -> Tensor:
    """Return `values` (B, N), straight lines between those `seen` where not, as `numpy.interp`; 0 if none is seen."""
    last = values.shape[1] - 1
    left, right = before(seen), after(seen)
    low = ops.take_along_axis(values, ops.clip(left, 0, last), axis=1)
    high = ops.take_along_axis(values, ops.clip(right, 0, last), axis=1)
    low, high = ops.where(left < 0, high, low), ops.where(right > last, low, high)
    steps = ops.cast(ops.arange(last + 1, dtype="int32") - left, "float32")
    share = steps / ops.cast(ops.maximum(right - left, 1), "float32")
    found = low + (high - low) * ops.where(left < 0, 0.0, share)
    return ops.where(ops.any(seen, axis=1, keepdims=True), found, 0.0)


def part(values: Tensor, start: int, length: int, axis: int) -> Tensor:
    """Return `length` places of an axis from `start` on."""
    return values[(slice(None),) * axis + (slice(start, start + length),)]
