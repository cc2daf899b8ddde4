"""Filters of OpenCV, several times as fast as SciPy's, called from here alone.

Only functions that work in the thread that calls them: the number of threads in OpenCV is a setting of the whole
process, which is not ours to change.
"""

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]
Real = TypeVar("Real", Image, npt.NDArray[np.float64])


def gaussian(image: Image, sigma: float) -> Image:
    """Return `image` blurred, as `scipy.ndimage.gaussian_filter` does: cut at 4 sigma, mirrored at the borders.

    >>> [f"{value:.2f}" for value in gaussian(np.eye(3, dtype=np.float32), 0.5)[0]]
    ['0.81', '0.18', '0.01']
    """
    kernel = _kernel(sigma)
    if 2 * kernel.size > image.shape[0] == image.shape[1]:
        whole = _blurring(sigma, len(image))
        return np.asarray(whole @ image @ whole.T)
    # Not GaussianBlur, which may spread the work over threads.
    return np.asarray(
        cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT), dtype=np.float32
    )


@lru_cache(maxsize=16)
def _blurring(sigma: float, side: int) -> Image:
    """Return the blur along one axis as a matrix: for wide kernels, that is quicker."""
    one = np.ones(1)
    kernel, unit = _kernel(sigma), np.eye(side, dtype=np.float32)
    return np.asarray(cv2.sepFilter2D(unit, cv2.CV_32F, one, kernel, borderType=cv2.BORDER_REFLECT))


@lru_cache(maxsize=16)
def _kernel(sigma: float) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.getGaussianKernel(2 * int(4 * sigma + 0.5) + 1, sigma, cv2.CV_64F), dtype=np.float64)


def block_means(image: Real, shape: tuple[int, int]) -> Real:
    """Return the means over equal blocks, of which there are as many as `shape` (rows, columns) says.

    >>> block_means(np.array([[1, 3, 5, 7]], np.float32), (1, 2)).tolist()
    [[2.0, 6.0]]
    """
    return np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA), dtype=image.dtype)


def surrounded(valid: npt.NDArray[np.bool_], side: int) -> npt.NDArray[np.bool_]:
    """Say which pixels have nothing but valid ones in the square of `side` pixels about them, within the image."""
    kept: npt.NDArray[np.bool_] = cv2.erode(valid.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)
    return kept
