"""Which pixels are bad: by the values that detectors write into them, and by the shape of their gaps."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_GAP = 40
"""Wider bands without a count are shadows; the widest gap between modules in use (Eiger 9M, 16M) has 38 pixels."""
_SENTINEL_SHARE = 1e-3
_EMPTY_SHARE = 0.25
_BESIDE = 5
_SURPRISE = 12.0
"""Counts that a band would be expected to have: none has odds of e^-12, and a frame a few thousand bands."""

Mask = npt.NDArray[np.bool_]


def bad_pixels(image: npt.NDArray[Any]) -> Mask:
    """Return the mask of `image` (height, width), True = bad pixel.

    By value: NaN and infinities; negative integers; the largest value of the type (gaps of Eiger; a saturated CCD,
    however large the area: its counts say nothing);
    -1 and -2 in a float image when they stand in more than 0.1 % of it (a dark-subtracted image has other negatives,
    and they are noise). By shape: bands of zeros across the whole detector between lit modules, and what lies outside
    the disc of a round image plate or CCD. A dark lower half is not a gap: it may be a sample horizon.

    >>> import numpy as np
    >>> bad_pixels(np.array([[1, -1], [3, 2**31 - 1]], dtype=np.int32))
    array([[False,  True],
           [False,  True]])
    """
    bad = _by_value(image)
    lit = image != 0
    np.greater(lit, bad, out=lit)  # lit and not bad
    rows, columns = (_bands(lit.sum(axis=axis, dtype=np.int32)) for axis in (1, 0))
    bad[rows] = True
    bad[:, columns] = True
    if image.dtype.kind == "u":
        bad |= _outside_disc(image)
    return bad


def _by_value(image: npt.NDArray[Any]) -> Mask:
    kind = image.dtype.kind
    bad: Mask
    if kind == "f":
        bad = ~np.isfinite(image)
        for sentinel in (-1.0, -2.0):
            equal = image == sentinel
            if equal.sum() > _SENTINEL_SHARE * image.size:
                bad |= equal
    elif kind in "iu":
        # Eiger marks gaps with the largest value and single bad pixels with the one before.
        top = np.iinfo(image.dtype).max - (image.dtype == np.uint32)
        if image.dtype.itemsize == 1:
            top += 1  # no counter stops there: the largest value of a byte is a count
        # Without their sign, negative numbers are larger than all others: one comparison finds both.
        bad = image.view(image.dtype.str.replace("i", "u")) >= top
    else:
        bad = np.zeros(image.shape, dtype=bool)
    return bad


def _bands(lit: npt.NDArray[np.int32]) -> Mask:
    """Find bands of lines without a lit pixel, closed in by lines so lit that chance does not explain them.

    `lit` is the number of lit pixels of each line.
    """
    empty = lit == 0
    bands = np.zeros(len(lit), dtype=bool)
    if empty.mean() > _EMPTY_SHARE:
        return bands  # a dark frame: nothing is told apart
    borders = np.flatnonzero(np.diff(empty)) + 1
    for start, end in pairwise((0, *borders.tolist(), len(empty))):
        if empty[start] and end - start <= MAX_GAP and 0 < start and end < len(empty):
            beside = min(lit[max(start - _BESIDE, 0) : start].mean(), lit[end : end + _BESIDE].mean())
            bands[start:end] = beside * (end - start) >= _SURPRISE
    return bands


def _outside_disc(image: npt.NDArray[Any]) -> Mask:
    """Find the corners of a square frame that a round detector never lights."""
    height, width = image.shape
    outside = np.zeros(image.shape, dtype=bool)
    if abs(height - width) > 0.02 * width or image[0, 0] != 0 or image[-1, -1] != 0:
        return outside
    rows, columns = np.ogrid[:height, :width]
    radius = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    outside = radius > min(height, width) / 2
    dark = image == 0
    if dark[outside].mean() > 0.98 and dark[~outside].mean() < 0.5:
        rim: Mask = (radius > min(height, width) / 2 - 2) & dark
        return rim
    return np.zeros(image.shape, dtype=bool)
