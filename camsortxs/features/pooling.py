"""Area means: a frame of any size pooled into cells, read once."""

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.sizes import HUGE

_AS_THEY_ARE = ("<i4", "<u2", "<u4", "<f4")
"""Types that a loop is compiled for; others are converted."""

Single = npt.NDArray[np.float32]


def pool(image: npt.NDArray[Any], mask: npt.NDArray[np.bool_], cells: tuple[int, int]) -> tuple[Single, Single]:
    """Return the sum over the valid pixels of each of `cells` (rows, columns), and the valid area, in pixels.

    Cells are equal; a pixel on a border is shared out, so that any ratio is exact, also an enlargement. Negative pixels
    count as 0, pixels that are masked or not finite not at all.

    >>> total, area = pool(np.array([[1, 3, 5, -1]], np.int32), np.array([[False, False, True, False]]), (1, 2))
    >>> total.tolist(), area.tolist()
    ([[4.0, 0.0]], [[2.0, 1.0]])
    """
    if image.dtype.str not in _AS_THEY_ARE:
        image = _single(image)
    total, area = _pool(np.ascontiguousarray(image), np.ascontiguousarray(mask), *cells)
    return total, area


def _single(image: npt.NDArray[Any]) -> Single:
    if image.dtype.kind != "f":
        return image.astype(np.float32)
    return np.where(np.isfinite(image), np.clip(image, 0, HUGE), np.nan).astype(np.float32)


@compiled
def _pool(image: Any, mask: Any, height: int, width: int) -> Any:
    rows, columns = image.shape
    total, area = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    light, seen = np.empty(columns, np.float32), np.empty(columns, np.float32)
    tall, wide, most = rows / height, columns / width, np.float32(HUGE)
    for row in range(height):
        # First the rows of the cell, pixel below pixel, which the processor adds up several at a time.
        top, bottom = row * tall, (row + 1) * tall
        light[:], seen[:] = 0, 0
        for i in range(int(top), min(ceil(bottom - 1e-9), rows)):
            share = np.float32(min(i + 1.0, bottom) - max(float(i), top))
            for j in range(columns):
                value = np.float32(image[i, j])
                good = (not mask[i, j]) and np.isfinite(value)
                value = min(max(value, np.float32(0)), most)
                light[j] += share * value if good else np.float32(0)
                seen[j] += share if good else np.float32(0)
        for column in range(width):
            left, right = column * wide, (column + 1) * wide
            sum_light, sum_seen = np.float32(0), np.float32(0)
            for j in range(int(left), min(ceil(right - 1e-9), columns)):
                share = np.float32(min(j + 1.0, right) - max(float(j), left))
                sum_light += share * light[j]
                sum_seen += share * seen[j]
            total[row, column], area[row, column] = sum_light, sum_seen
    return total, area
