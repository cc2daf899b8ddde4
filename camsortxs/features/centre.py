"""Where the beam is, estimated from the image alone: the point about which the image is most nearly round."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camsortxs.compiled import compiled
from camsortxs.features.sizes import CENTRE_REACH as REACH
from camsortxs.features.sizes import CENTRE_SIDE as COARSE
from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import Standard
from camsortxs.features.symmetry import contrast, friedel

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A point (`row`, `column`) in pixels of the standardised frame; `roundness` is the variance it explains."""

    row: float
    column: float
    roundness: float


@lru_cache(maxsize=4)
def estimate_centre(standard: Standard) -> Centre:
    """Return the point about which a function of the radius alone explains most of the variance of the image.

    Starts from the point that the gradients point at (least squares), from the best centre of point symmetry and
    from the brightest spot; each is improved by a pattern search on 64 x 64 pixels.
    """
    cells = SIDE // COARSE
    valid = (~standard.mask).astype(np.float64)
    weight = _blocks(valid, cells)
    level = _blocks(standard.image * valid, cells) / np.maximum(weight, 1e-9)
    starts = [_aimed_at(standard), friedel(contrast(standard)).at, _brightest(level, weight)]
    best = max(
        (_climb(level, weight, ((row + 0.5) / cells - 0.5, (column + 0.5) / cells - 0.5)) for row, column in starts),
        key=lambda found: found[2],
    )
    return Centre(row=(best[0] + 0.5) * cells - 0.5, column=(best[1] + 0.5) * cells - 0.5, roundness=best[2])


def _blocks(values: Array, cells: int) -> Array:
    sums: Array = values.reshape(COARSE, cells, COARSE, cells).sum(axis=(1, 3))
    return sums


def _aimed_at(standard: Standard) -> tuple[float, float]:
    """Return the point nearest to all lines along the gradients, weighted by the squared gradient."""
    rows, columns, d_row, d_column = gradients(standard)
    middle = (SIDE - 1) / 2
    if rows.size == 0:
        return middle, middle
    # A line through p along g keeps g_perp . (c - p) = 0; the ridge draws a badly determined centre to the middle.
    a = np.stack([-d_column, d_row])
    b = a[0] * (rows - middle) + a[1] * (columns - middle)
    keep = np.ones(rows.size)
    offset = np.zeros(2)
    for _ in range(3):
        normal = (a * keep) @ a.T
        offset = np.linalg.solve(normal + 1e-3 * np.trace(normal) * np.eye(2) + 1e-12 * np.eye(2), (a * keep) @ b)
        miss = np.abs(offset @ a - b) / np.hypot(d_row, d_column)
        keep = 1.0 / (1.0 + (miss / 8.0) ** 2)  # horizons, shadows and module borders aim elsewhere
    return middle + float(offset[0]), middle + float(offset[1])


@lru_cache(maxsize=4)
def gradients(standard: Standard) -> tuple[Array, Array, Array, Array]:
    """Return rows, columns and the gradient along both, of the strongest fifth of the valid pixels."""
    valid = (~standard.mask).astype(np.float32)
    near = np.maximum(ndimage.gaussian_filter(valid, 2.0), 1e-3)
    smooth = ndimage.gaussian_filter(standard.image, 2.0) / near
    d_row, d_column = np.gradient(smooth)
    inner = ndimage.uniform_filter(valid, 7) > 0.999
    strength = np.where(inner, np.hypot(d_row, d_column), 0.0)
    if not inner.any():
        return (np.zeros(0),) * 4
    rows, columns = np.nonzero(strength > max(float(np.percentile(strength[inner], 80.0)), 1e-4))
    return (
        rows.astype(np.float64),
        columns.astype(np.float64),
        d_row[rows, columns].astype(np.float64),
        d_column[rows, columns].astype(np.float64),
    )


def _brightest(level: Array, weight: Array) -> tuple[float, float]:
    smooth = ndimage.gaussian_filter(np.where(weight > 0, level, 0.0), 1.5)
    row, column = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    cells = SIDE // COARSE
    return (float(row) + 0.5) * cells - 0.5, (float(column) + 0.5) * cells - 0.5


@compiled
def _by_rings(rows: Any, columns: Any, x: Any, w: Any, row: float, column: float) -> Any:
    """Return what the means of rings one pixel wide explain of the sum of squares, and how many rings there are."""
    reach = int(np.sqrt((max(row, COARSE - row)) ** 2 + (max(column, COARSE - column)) ** 2)) + 4
    weights, sums = np.zeros(reach), np.zeros(reach)
    for i in range(x.size):
        ring = int(np.rint(np.sqrt((rows[i] - row) ** 2 + (columns[i] - column) ** 2)))
        weights[ring] += w[i]
        sums[ring] += w[i] * x[i]
    explained, rings = 0.0, 0
    for ring in range(reach):
        if weights[ring] > 0:
            explained += sums[ring] ** 2 / max(weights[ring], 1e-12)
            rings += 1
    return explained, rings


def _climb(level: Array, weight: Array, start: tuple[float, float]) -> tuple[float, float, float]:
    """Improve `start` (in coarse pixels) by a pattern search with a halving step."""
    rows, columns = np.nonzero(weight > 0)
    x, w = level[rows, columns], weight[rows, columns]
    total = float(w @ (x - float(w @ x) / w.sum()) ** 2)
    low, high = -REACH * COARSE, (1 + REACH) * COARSE

    squares = float(w @ x**2)

    def roundness(row: float, column: float) -> float:
        explained, rings = _by_rings(rows, columns, x, w, row, column)
        # Adjusted for the number of rings, so that a far centre is not preferred for having more of them.
        spare = max(x.size - rings, 1)
        return 1.0 - (squares - explained) / spare * max(x.size - 1, 1) / max(total, 1e-9) if total > 1e-9 else 0.0

    row, column = (float(np.clip(value, low, high)) for value in start)
    best = roundness(row, column)
    step = 4.0
    while step >= 0.25:
        around = [
            (float(np.clip(row + i * step, low, high)), float(np.clip(column + j * step, low, high)))
            for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1))
        ]
        scores = [roundness(*point) for point in around]
        place = int(np.argmax(scores))
        if scores[place] > best:
            best, (row, column) = scores[place], around[place]
        else:
            step /= 2
    return row, column, best
