"""Method 3: local binary patterns; scikit-image is the definition."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.feature import local_binary_pattern

from camsortxs.features.standard import Standard


def columns(points: int) -> tuple[str, ...]:
    """Return a name for each code: how many points in a row are as bright as the centre, and the `mixed` rest.

    >>> columns(8)[0], columns(8)[-2:], len(columns(8))
    ('bright00', ('bright08', 'mixed'), 10)
    """
    return (*(f"bright{count:02d}" for count in range(points + 1)), "mixed")


def patterns(standard: Standard, points: int, radius: int) -> npt.NDArray[np.float64]:
    """Return the share of each of the `points` + 2 uniform codes, all 0 where there is no code (order of `columns`).

    A point of the circle is bright when it is not darker than the centre. Codes with at most two changes along the
    circle tell flat, edge, corner and spot, whichever way they are turned; all others are `mixed`. Flat dark regions
    are all bright, noise is mixed.

    Bad pixels: a code counts only when each pixel that it was interpolated from is valid, so the outermost `radius`
    pixels of each module are lost. Filling gaps instead would count codes that nobody measured, smoother than the
    rest. Taken from the grey levels, which are whole numbers: of real values that are nearly equal, as in regions
    with hardly a count, rounding would decide.

    Source: T. Ojala, M. Pietikainen, T. Maenpaa, IEEE Trans. PAMI 24 (2002) 971, as in scikit-image (`uniform`).
    """
    touched = ndimage.maximum_filter(standard.mask, 2 * radius + 1, mode="constant", cval=True)
    codes = local_binary_pattern(standard.grey, points, radius, "uniform")[~touched]
    count = np.bincount(codes.astype(np.intp), minlength=points + 2)
    return np.asarray(count / max(codes.size, 1))
