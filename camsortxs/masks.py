"""Which pixels are bad: by the values that detectors write into them, and by the shape of their gaps."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, read_only

MAX_GAP = 40
"""Wider bands without a count are shadows; the widest gap between modules in use (Eiger 9M, 16M) has 38 pixels."""
_SENTINEL_SHARE = 1e-3
_EMPTY_SHARE = 0.25
_BESIDE = 5
_SURPRISE = 12.0
"""Counts that a band would be expected to have: none has odds of e^-12, and a frame a few thousand bands."""

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.integer[Any]]


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
    bad, *lit = _whole(image) if image.dtype.kind in "iu" else _real(image)
    rows, columns = map(_bands, lit)
    bad[rows] = True
    bad[:, columns] = True
    if image.dtype.kind == "u":
        bad |= _outside_disc(image)
    return bad


def _whole(image: npt.NDArray[Any]) -> tuple[Mask, Counts, Counts]:
    """Judge counts by value: bad pixels, and how many pixels of each row and of each column are lit."""
    limits = np.iinfo(image.dtype)
    # Eiger marks gaps with the largest value and single bad pixels with the one before.
    top = limits.max - 1 - (image.dtype == np.uint32)
    if image.dtype.itemsize == 1:
        top = limits.max  # no counter stops there: the largest value of a byte is a count
    image = read_only(image.astype(image.dtype.newbyteorder("="), copy=False))
    bad, rows, columns = _sift(image, image.dtype.type(0), image.dtype.type(top))
    return bad, rows, columns


def _real(image: npt.NDArray[Any]) -> tuple[Mask, Counts, Counts]:
    """Judge real numbers by value, as `_whole`."""
    bad = ~np.isfinite(image)
    for sentinel in (-1.0, -2.0) if image.dtype.kind == "f" else ():
        equal = image == sentinel
        if equal.sum() > _SENTINEL_SHARE * image.size:
            bad |= equal
    lit = (image != 0) & ~bad
    return bad, lit.sum(axis=1), lit.sum(axis=0)


@compiled
def _sift(image: Any, low: Any, high: Any) -> Any:
    """Say which pixels are not between `low` and `high`, and count the others that are not 0, by row and column."""
    bad = np.empty(image.shape, np.bool_)
    rows, columns = np.zeros(image.shape[0], np.int32), np.zeros(image.shape[1], np.int32)
    lit = np.empty(image.shape[1], np.uint8)
    for i in range(image.shape[0]):
        # Two loops over a line, each of which the processor runs several pixels at a time.
        line, bad_line, count = image[i], bad[i], 0
        for j in range(line.size):
            outside = (line[j] < low) | (line[j] > high)
            bad_line[j] = outside
            lit[j] = (line[j] != 0) & (not outside)
        for j in range(line.size):
            count += lit[j]
            columns[j] += lit[j]
        rows[i] = count
    return bad, rows, columns


def _bands(lit: Counts) -> Mask:
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
