"""Where the beam is, estimated from the image alone: the point about which the image is most nearly round."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, summing
from camsortxs.features.filters import Image, block_means, gaussian
from camsortxs.features.once import once
from camsortxs.features.sizes import CENTRE_REACH as REACH
from camsortxs.features.sizes import CENTRE_SIDE as COARSE
from camsortxs.features.sizes import SIDE
from camsortxs.features.slope import slopes
from camsortxs.features.standard import Standard
from camsortxs.features.symmetry import contrast, friedel, halved
from camsortxs.features.valid import near, shares, surrounded
from camsortxs.ranks import percentile

_RINGS = int(np.hypot(1 + REACH, 1 + REACH) * COARSE) + 4

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A point (`row`, `column`) in pixels of the standardised frame; `roundness` is the variance it explains."""

    row: float
    column: float
    roundness: float


@once
def estimate_centre(standard: Standard) -> Centre:
    """Return the point about which a function of the radius alone explains most of the variance of the image.

    Starts from the point that the gradients point at (least squares), from the best centre of point symmetry and
    from the brightest spot; each is improved by a pattern search on 64 x 64 pixels.
    """
    cells = SIDE // COARSE
    weight = shares(standard.valid, COARSE, COARSE)
    level = block_means(halved(standard), (COARSE, COARSE)) / np.maximum(weight, np.float32(1e-9))
    starts = [_aimed_at(standard), friedel(contrast(standard)).at, _brightest(level)]
    light, area = level.astype(np.float64), weight.astype(np.float64) * cells**2
    seen = float(np.count_nonzero(area))
    squares = float((area * light**2).sum())
    variance = squares - float((area * light).sum()) ** 2 / float(area.sum())
    best = max(
        (
            _climb(light, area, (row + 0.5) / cells - 0.5, (column + 0.5) / cells - 0.5, seen, variance, squares)
            for row, column in starts
        ),
        key=lambda found: found[2],
    )
    return Centre(row=(best[0] + 0.5) * cells - 0.5, column=(best[1] + 0.5) * cells - 0.5, roundness=best[2])


def _aimed_at(standard: Standard) -> tuple[float, float]:
    """Return the point nearest to all lines along the gradients, weighted by the squared gradient."""
    rows, columns, d_row, d_column = gradients(standard)
    middle = (SIDE - 1) / 2
    if rows.size == 0:
        return middle, middle
    offset = (0.0, 0.0)
    for reach in (np.inf, 8.0, 8.0):  # horizons, shadows and module borders aim elsewhere: not those that miss
        n00, n01, n11, b0, b1 = _lines(rows - middle, columns - middle, d_row, d_column, *offset, reach)
        # The ridge draws a badly determined centre to the middle.
        ridge = 1e-3 * (n00 + n11) + 1e-12
        n00, n11 = n00 + ridge, n11 + ridge
        whole = n00 * n11 - n01**2
        offset = ((n11 * b0 - n01 * b1) / whole, (n00 * b1 - n01 * b0) / whole)
    return middle + offset[0], middle + offset[1]


@summing
def _lines(
    rows: Any, columns: Any, d_row: Any, d_column: Any, near_row: float, near_column: float, reach: float
) -> tuple[float, float, float, float, float]:
    """Return the normal equations of the point on all lines: a matrix of 2 x 2, which is symmetric, and the other side.

    Those that miss the point `near_row`, `near_column` by `reach` pixels count half.

    A line through p along g keeps g_perp . (c - p) = 0.
    """
    n00, n01, n11, b0, b1 = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(rows.size):
        across, down = -d_column[i], d_row[i]
        aim = across * rows[i] + down * columns[i]
        square = across**2 + down**2
        miss = (near_row * across + near_column * down - aim) ** 2 / square
        keep = 1.0 / (1.0 + miss / reach**2)
        n00 += keep * across**2
        n01 += keep * across * down
        n11 += keep * down**2
        b0 += keep * across * aim
        b1 += keep * down * aim
    return n00, n01, n11, b0, b1


@once
def gradients(standard: Standard) -> tuple[Array, Array, Array, Array]:
    """Return rows, columns and the gradient along both, of the strongest fifth of the valid pixels."""
    d_row, d_column = slopes(standard.image, near(standard.valid, 2.0), 2.0)
    inner = surrounded(standard.valid, 7)
    strengths = _strengths(d_row, d_column, inner)
    if strengths.size == 0:
        return (np.zeros(0),) * 4
    least = max(percentile(strengths, 80.0), 1e-4)
    rows, columns, down, across = _stronger(d_row, d_column, inner, least)
    return rows, columns, down, across


@compiled
def _strengths(down: Any, across: Any, inner: Any) -> Any:
    """Return the length of the gradients of the pixels within."""
    found, count = np.empty(down.size + 1, np.float32), 0
    for i in range(SIDE):
        for j in range(SIDE):
            found[count] = np.sqrt(down[i, j] * down[i, j] + across[i, j] * across[i, j])
            count += inner[i, j]
    return found[:count]


@compiled
def _stronger(down: Any, across: Any, inner: Any, least: float) -> Any:
    """Return row, column and gradient, along both, of those that are longer than `least`, (4, pixels)."""
    strong, place, count = np.empty(SIDE, np.uint8), np.empty(down.size + 1, np.int32), 0
    for i in range(SIDE):
        for j in range(SIDE):
            length = np.sqrt(down[i, j] * down[i, j] + across[i, j] * across[i, j])
            strong[j] = (length > least) & inner[i, j]
        for j in range(SIDE):
            place[count] = i * SIDE + j
            count += strong[j]
    found = np.empty((4, count))
    for k in range(count):
        i, j = divmod(place[k], SIDE)
        found[0, k], found[1, k], found[2, k], found[3, k] = i, j, down[i, j], across[i, j]
    return found


def _brightest(level: Image) -> tuple[float, float]:
    smooth = gaussian(level, 1.5)
    row, column = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    cells = SIDE // COARSE
    return (float(row) + 0.5) * cells - 0.5, (float(column) + 0.5) * cells - 0.5


@compiled
def _climb(
    level: Any, weight: Any, row: float, column: float, seen: float, variance: float, squares: float
) -> tuple[float, float, float]:
    """Improve a centre (in coarse pixels) by a pattern search with a halving step; return it and its roundness."""
    lowest, highest = -REACH * COARSE, (1.0 + REACH) * COARSE
    row, column = min(max(row, lowest), highest), min(max(column, lowest), highest)
    best = _roundness(level, weight, row, column, seen, variance, squares)
    step, last_row, last_column = 4.0, row, column
    while step >= 0.25:
        higher, at_row, at_column = best, row, column
        for way in range(4):
            i = min(max(row + step * ((way == 1) - (way == 0)), lowest), highest)
            j = min(max(column + step * ((way == 3) - (way == 2)), lowest), highest)
            if abs(i - last_row) + abs(j - last_column) < 1e-9:  # where it came from, which was worse
                continue
            score = _roundness(level, weight, i, j, seen, variance, squares)
            if score > higher:
                higher, at_row, at_column = score, i, j
        if higher > best:
            best, row, column, last_row, last_column = higher, at_row, at_column, row, column
        else:
            step /= 2
    return row, column, best


@compiled
def _roundness(
    level: Any, weight: Any, row: float, column: float, seen: float, variance: float, squares: float
) -> float:
    """Return the share of the variance that the means of rings one pixel wide explain."""
    # Two tables in turn: the processor waits for a sum before it adds to it again.
    rings, ring = np.zeros((2, _RINGS, 2)), np.empty(COARSE, np.uint32)
    for i in range(COARSE):
        down = np.float32(i - row)
        for j in range(COARSE):
            right = np.float32(j) - np.float32(column)
            ring[j] = np.uint32(np.rint(np.sqrt(down * down + right * right)))
        for j in range(0, COARSE, 2):
            for k in range(2):
                here = rings[k, ring[j + k]]
                here[0] += weight[i, j + k]
                here[1] += weight[i, j + k] * level[i, j + k]
    explained, count = 0.0, 0.0
    for k in range(_RINGS):
        area = rings[0, k, 0] + rings[1, k, 0]
        if area > 0:
            explained += (rings[0, k, 1] + rings[1, k, 1]) ** 2 / area
            count += 1.0
    if variance <= 1e-9:
        return 0.0
    # Adjusted for the number of rings, so that a far centre is not preferred for having more of them.
    return 1.0 - (squares - explained) / max(seen - count, 1.0) * max(seen - 1.0, 1.0) / variance
