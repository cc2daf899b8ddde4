"""What stands on a sample horizon, of a frame turned so that the horizon has its dark side below."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camsortxs.compiled import compiled, summing
from camsortxs.features.filters import Image
from camsortxs.features.sizes import DARK, SIDE
from camsortxs.features.sizes import NORMAL_OFFSETS as OFFSETS
from camsortxs.features.slope import slopes
from camsortxs.features.valid import Valid, near, surrounded, valid

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Tally:
    """The upright frame summed up: `rows` (4, SIDE) of weight, sum, sum of squares and number of dark pixels.

    `columns` (2, 2, SIDE) hold weight and sum of the part above the edge, and of that below.
    """

    image: Image
    valid: Valid
    rows: Array
    columns: Array


def tally(image: Image, mask: Mask, place: int) -> Tally:
    """Sum up a frame (SIDE, SIDE), 0 where masked, that has an edge above row `place`."""
    rows, columns = _sums(image, mask, place)
    return Tally(image=image, valid=valid(mask), rows=rows, columns=columns)


@summing
def _sums(image: Any, mask: Any, place: int) -> Any:
    rows, columns = np.zeros((4, SIDE)), np.zeros((2, 2, SIDE))
    for i in range(SIDE):
        weight, light = columns[int(i >= place)]
        for j in range(SIDE):
            weight[j] += 1.0 - np.float64(mask[i, j])
        for j in range(SIDE):
            light[j] += image[i, j]
        seen, dark, total, squares = 0, 0, 0.0, 0.0
        for j in range(SIDE):
            seen += not mask[i, j]
        for j in range(SIDE):
            dark += (image[i, j] < np.float32(DARK)) & (not mask[i, j])
        for j in range(SIDE):
            value: Any = np.float64(image[i, j])  # numba's `float` would leave it in single precision
            total += value
            squares += value * value
        rows[0, i], rows[1, i], rows[2, i], rows[3, i] = seen, total, squares, dark
    return rows, columns


def sides(seen: Tally, place: int) -> tuple[float, ...]:
    """Return mean and spread of the levels below the edge, the mean above it, and how much is dark below."""
    over, under = (seen.rows[:, part].sum(axis=1) for part in (slice(place), slice(place, None)))
    mean = float(under[1] / max(under[0], 1.0))
    return (
        mean,
        max(float(under[2] / max(under[0], 1.0)) - mean**2, 0.0) ** 0.5,
        float(over[1] / max(over[0], 1.0)),
        float(under[3] / max(under[0], 1.0)),
    )


def about(seen: Tally, place: int) -> list[float]:
    """Return the profile along the normal of the horizon, the streak on it, and how much structure stands upright."""
    weight, total, _, dark = seen.rows
    lit = np.nonzero(weight)[0]
    along = np.interp(np.arange(SIDE), lit, total[lit] / weight[lit])
    along = ndimage.uniform_filter1d(along, 5)
    top = max(float(along.max()), 1e-6)
    profile = along[[min(max(place - offset, 0), SIDE - 1) for offset in OFFSETS]] / top
    level, upright = _squares(*slopes(seen.image, near(seen.valid, 1.5), 1.5), surrounded(seen.valid, 7))
    rods, rods_above = (
        float(upright[part].sum() / max((upright + level)[part].sum(), 1e-9)) for part in (slice(None), slice(place))
    )
    columns = seen.columns.sum(axis=0)
    mean = columns[1] / np.maximum(columns[0], 1)
    middle = float((np.arange(SIDE) * mean).sum() / max(mean.sum(), 1e-9)) / SIDE
    return [
        *profile,
        *(_streak(*part) for part in seen.columns),
        rods,
        rods_above,
        float(dark.sum() / weight.sum()),
        abs(middle - 0.5),
    ]


@summing
def _squares(down: Any, across: Any, inner: Any) -> Any:
    """Return the sums, over each row, of both squared gradients of the pixels within."""
    sums = np.zeros((2, SIDE))
    for i in range(SIDE):
        level, upright = np.float32(0), np.float32(0)
        for j in range(SIDE):
            level += inner[i, j] * down[i, j] * down[i, j]
            upright += inner[i, j] * across[i, j] * across[i, j]
        sums[0, i], sums[1, i] = level, upright
    return sums


def _streak(weight: Array, total: Array) -> float:
    """Return how far the best column stands out over the columns beside it: specular rod, slit streak."""
    if weight.sum() <= 0:
        return 0.0
    mean = total / np.maximum(weight, 1)
    good = weight > 0.3 * weight.max()
    mean = np.interp(np.arange(SIDE), np.nonzero(good)[0], mean[good])
    return float((ndimage.uniform_filter1d(mean, 3) - _medians(mean, 31)).max())


def _medians(values: Array, width: int) -> Array:
    """Return the median of `width` values (odd, from 3 on) about each, mirrored at the ends, as `median_filter`."""
    half = width // 2
    around = np.concatenate([values[half - 1 :: -1], values, values[: -half - 1 : -1]])
    return np.asarray(_running(around, np.sort(around[:width])))


@compiled
def _running(values: Any, ordered: Any) -> Any:
    """Return the medians of all stretches as long as `ordered`, which holds the first one, in order."""
    width = ordered.size
    found = np.empty(values.size - width + 1)
    for i in range(found.size):
        found[i] = ordered[width // 2]
        if i + width < values.size:
            leaves, comes, k = values[i], values[i + width], 0
            while ordered[k] != leaves:
                k += 1
            while k + 1 < width and ordered[k + 1] < comes:
                ordered[k] = ordered[k + 1]
                k += 1
            while k > 0 and ordered[k - 1] > comes:
                ordered[k] = ordered[k - 1]
                k -= 1
            ordered[k] = comes
    return found
