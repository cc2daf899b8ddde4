"""Method 3: local binary patterns; scikit-image is the definition."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, inlined
from camsortxs.features.filters import surrounded
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
    kept = surrounded(~standard.mask, 2 * radius + 1)
    for edge in (kept[:radius], kept[-radius:], kept[:, :radius], kept[:, -radius:]):
        edge[...] = False
    count = code_counts(standard.grey, kept, points, radius)
    return np.asarray(count / max(int(count.sum()), 1))


def code_counts(
    grey: npt.NDArray[np.uint8], kept: npt.NDArray[np.bool_], points: int, radius: int
) -> npt.NDArray[np.int64]:
    """Count the uniform codes of those pixels that are `kept`, (points + 2,); none nearer to the rim than `radius`."""
    angle = 2 * np.pi * np.arange(points) / points
    # Rounded as in scikit-image, so that the points on the axes are pixels; so is the order of what is added up.
    down, right = np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5)
    across = np.arange(grey.shape[1]) + right[:, None]
    image = np.pad(grey.astype(np.float64), radius + 1)
    return np.asarray(_count(image, kept, down, np.floor(right).astype(np.int64), across - np.floor(across)))


@compiled
def _count(image: Any, kept: Any, down: Any, right: Any, shares: Any) -> Any:
    (height, width), points, margin = kept.shape, down.size, (image.shape[0] - kept.shape[0]) // 2
    counts = np.zeros(points + 2, np.int64)
    bright, before = np.empty(width, np.uint8), np.empty(width, np.uint8)
    ones, changes = np.empty(width, np.uint8), np.empty(width, np.uint8)
    # Levels between the pixels of the line above each point; the line below it is that above when we are a row further.
    tops = np.empty((points, width))
    for i in range(points):
        above = margin + int(np.floor(margin - 1 + down[i]))
        _between(image[above, margin + right[i] :], shares[i], tops[i])
    for row in range(margin - 1, height - margin + 1):
        ones[:], changes[:] = 0, 0
        centre = image[margin + row, margin:]
        for i in range(points):
            place = row + down[i]
            above, left, share = margin + int(np.floor(place)), margin + right[i], place - np.floor(place)
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
