"""What stands on a sample horizon, of a frame turned so that the horizon has its dark side below."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camsortxs.compiled import compiled
from camsortxs.features.filters import Image, surrounded
from camsortxs.features.sizes import DARK, SIDE
from camsortxs.features.sizes import NORMAL_OFFSETS as OFFSETS
from camsortxs.features.slope import slopes

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Tally:
    """The upright frame summed up: `rows` (4, SIDE) of weight, sum, sum of squares and number of dark pixels.

    `columns` (2, 2, SIDE) hold weight and sum of the part above the edge, and of that below. `valid` is float32.
    """

    image: Image
    valid: Image
    rows: Array
    columns: Array


def tally(image: Image, mask: Mask, place: int) -> Tally:
    """Sum up a frame (SIDE, SIDE), 0 where masked, that has an edge above row `place`."""
    rows, columns = _sums(image, mask, place)
    return Tally(image=image, valid=(~mask).astype(np.float32), rows=rows, columns=columns)


@compiled
def _sums(image: Any, mask: Any, place: int) -> Any:
    rows, columns = np.zeros((4, SIDE)), np.zeros((2, 2, SIDE))
    for i in range(SIDE):
        weight, light = columns[int(i >= place)]
        for j in range(SIDE):
            weight[j] += not mask[i, j]
            light[j] += image[i, j]
        seen, dark, total, squares = 0, 0, np.zeros(8), np.zeros(8)
        for j in range(SIDE):
            seen += not mask[i, j]
            dark += image[i, j] < np.float32(DARK) and not mask[i, j]
        for j in range(0, SIDE, 8):
            for k in range(8):  # eight sums in turn, which the processor adds up at once
                value = np.float64(image[i, j + k])
                total[k] += value
                squares[k] += value * value
        rows[0, i], rows[1, i], rows[2, i], rows[3, i] = seen, total.sum(), squares.sum(), dark
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
    valid = np.nonzero(weight)[0]
    along = np.interp(np.arange(SIDE), valid, total[valid] / weight[valid])
    along = ndimage.uniform_filter1d(along, 5)
    top = max(float(along.max()), 1e-6)
    profile = along[[min(max(place - offset, 0), SIDE - 1) for offset in OFFSETS]] / top
    d_row, d_column = slopes(seen.image, seen.valid, 1.5)
    inner = surrounded(seen.valid > 0, 7)
    upright, level = (np.einsum("ij,ij->i", d * inner, d).astype(np.float64) for d in (d_column, d_row))
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


def _streak(weight: Array, total: Array) -> float:
    """Return how far the best column stands out over the columns beside it: specular rod, slit streak."""
    if weight.sum() <= 0:
        return 0.0
    mean = total / np.maximum(weight, 1)
    good = weight > 0.3 * weight.max()
    mean = np.interp(np.arange(SIDE), np.nonzero(good)[0], mean[good])
    return float((ndimage.uniform_filter1d(mean, 3) - ndimage.median_filter(mean, 31)).max())
