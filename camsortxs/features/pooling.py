"""Area means: a frame of any size pooled into cells, read once."""

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, inlined, read_only
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
    image = plain(image)
    total, area = _pool(read_only(image), read_only(mask), *cells)
    return total, area


def plain(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the image in a type that loops are compiled for: huge numbers cut off, what is not finite as NaN."""
    if image.dtype.str in _AS_THEY_ARE:
        return image
    if image.dtype.kind != "f":
        return image.astype(np.float32)
    return np.where(np.isfinite(image), np.clip(image, 0, HUGE), np.nan).astype(np.float32)


@compiled
def _pool(image: Any, mask: Any, height: int, width: int) -> Any:
    rows, columns = image.shape
    first, shares = _shares(columns, width)
    total, area = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    light, seen = np.empty(columns + shares.shape[1], np.float32), np.empty(columns + shares.shape[1], np.float32)
    tall = rows / height
    for row in range(height):
        # First the rows of the cell, pixel below pixel, which the processor adds up several at a time.
        top, bottom = row * tall, (row + 1) * tall
        light[:], seen[:] = 0, 0
        for i in range(int(top), min(ceil(bottom - 1e-9), rows)):
            _add(image[i], mask[i], np.float32(min(i + 1.0, bottom) - max(float(i), top)), light, seen)
        for column in range(width):
            start, share = first[column], shares[column]
            total[row, column] = _weighted(light[start:], share)
            area[row, column] = _weighted(seen[start:], share)
    return total, area


@inlined
def _add(line: Any, bad: Any, share: Any, light: Any, seen: Any) -> None:
    """Add a line of pixels, the valid ones of them, to what was seen so far."""
    for j in range(line.size):
        value = np.float32(line[j])
        weight = share if np.isfinite(value) and not bad[j] else np.float32(0)
        # Zero first: what is not a number is not greater.
        light[j] += weight * min(max(np.float32(0), value), np.float32(HUGE))
        seen[j] += weight


@inlined
def _weighted(pixels: Any, share: Any) -> Any:
    total = np.float32(0)
    for j in range(share.size):
        total += share[j] * pixels[j]
    return total


@compiled
def _shares(pixels: int, cells: int) -> Any:
    """Return the first pixel of each cell, and its share of that one and of each that follows, 0 beyond the cell.

    Equally many for each cell: a loop that always takes as many turns is one that the processor foresees.
    """
    wide = pixels / cells
    first, shares = np.empty(cells, np.int64), np.zeros((cells, ceil(wide) + 1), np.float32)
    for cell in range(cells):
        left, right = cell * wide, (cell + 1) * wide
        first[cell] = int(left)
        for j in range(int(left), min(ceil(right - 1e-9), pixels)):
            shares[cell, j - int(left)] = min(j + 1.0, right) - max(float(j), left)
    return first, shares
