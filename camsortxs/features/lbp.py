"""Method 3: local binary patterns; scikit-image is the definition."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, inlined
from camsortxs.features.once import once
from camsortxs.features.sizes import LBP_CIRCLES
from camsortxs.features.standard import Standard
from camsortxs.features.valid import Valid, surrounded

Span = tuple[int, int]

MARGIN = 1 + max(radius for _, radius in LBP_CIRCLES)


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
    # Of the frame alone: nothing is kept in the padding beside it.
    rows, columns = ((part.start, part.stop) for part in (standard.rows, standard.columns))
    kept = _within(standard.valid, radius, rows, columns)
    count = _count(_padded(standard), kept, rows[0], radius, *_circle(points, radius, columns))
    return np.asarray(count / max(int(count.sum()), 1))


@once
def _padded(standard: Standard) -> npt.NDArray[np.float64]:
    """Return the grey levels of the frame, with a margin that points of the circle may lie in."""
    return np.pad(standard.grey[standard.rows, standard.columns].astype(np.float64), MARGIN)


@once
def _within(valid: Valid, radius: int, rows: Span, columns: Span) -> npt.NDArray[np.bool_]:
    """Say which pixels of the frame have nothing but valid ones so far about them, and all of these in the image."""
    kept = np.zeros_like(valid.pixels)
    inside = np.s_[radius:-radius, radius:-radius]
    kept[inside] = surrounded(valid, 2 * radius + 1)[inside]
    return kept[slice(*rows), slice(*columns)].copy()


@lru_cache(maxsize=8 * len(LBP_CIRCLES))
def _circle(
    points: int, radius: int, columns: Span
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return how far down each point lies; how many whole pixels to the right, and by what share of one more.

    The share is that of each column (points, columns), in each of which it is rounded differently.
    """
    angle = 2 * np.pi * np.arange(points) / points
    # Rounded as in scikit-image, so that the points on the axes are pixels; so is the order of what is added up.
    down, right = np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5)
    across = np.arange(*columns) + right[:, None]
    return down, np.floor(right).astype(np.int64), across - np.floor(across)


@compiled
def _count(image: Any, kept: Any, top: int, radius: int, down: Any, right: Any, shares: Any) -> Any:
    """Count the uniform codes of the pixels that are `kept`: none is nearer to the rim than `radius`.

    Shares down are rounded as they are in the padded frame, in which this begins at row `top`.
    """
    (height, width), points = kept.shape, down.size
    counts = np.zeros(points + 2, np.int64)
    if height <= 2 * radius:
        return counts
    bright, before = np.empty(width, np.uint8), np.empty(width, np.uint8)
    ones, changes = np.empty(width, np.uint8), np.empty(width, np.uint8)
    # Levels between the pixels of the line above each point; the line below it is that above when we are a row further.
    tops = np.empty((points, width))
    for i in range(points):
        above = MARGIN + int(np.floor(radius + down[i]))
        _between(image[above, MARGIN + right[i] :], shares[i], tops[i])
    for row in range(radius, height - radius):
        ones[:], changes[:] = 0, 0
        centre = image[MARGIN + row, MARGIN:]
        for i in range(points):
            place = top + row + down[i]
            above, left, share = MARGIN - top + int(np.floor(place)), MARGIN + right[i], place - np.floor(place)
            if shares[i, 0] == 0 and share == 0:  # a point on an axis is a pixel
                _compare_pixels(image[above, left:], centre, bright)
            else:
                _compare(tops[i], image[above + 1, left:], shares[i], share, centre, bright)
            for j in range(width):
                ones[j] += bright[j]
                changes[j] += (bright[j] ^ before[j]) & (i > 0)
                before[j] = bright[j]
        for j in range(width):
            if kept[row, j]:
                counts[ones[j] if changes[j] <= 2 else points + 1] += 1
    return counts


@inlined
def _between(pixels: Any, right: Any, found: Any) -> None:
    for j in range(found.size):
        found[j] = (1 - right[j]) * pixels[j] + right[j] * pixels[j + 1]


@inlined
def _compare(top: Any, lower: Any, right: Any, down: float, centre: Any, bright: Any) -> None:
    """Say which points between four pixels each, so far to the right and down, are not darker than their centre."""
    for j in range(bright.size):
        bottom = (1 - right[j]) * lower[j] + right[j] * lower[j + 1]
        bright[j] = (1 - down) * top[j] + down * bottom >= centre[j]
        top[j] = bottom


@inlined
def _compare_pixels(points: Any, centre: Any, bright: Any) -> None:
    for j in range(bright.size):
        bright[j] = points[j] >= centre[j]
