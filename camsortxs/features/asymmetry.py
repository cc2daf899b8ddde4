"""Method 5, third representation: what a sample horizon breaks, whichever way the sample reflects."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.centre import Centre, estimate_centre
from camsortxs.features.filters import block_means
from camsortxs.features.once import once
from camsortxs.features.radial import polar
from camsortxs.features.sizes import DARK, SIDE
from camsortxs.features.sizes import HORIZON_BAND as BAND
from camsortxs.features.sizes import NORMAL_OFFSETS as OFFSETS
from camsortxs.features.sizes import POLAR_SECTORS as SECTORS
from camsortxs.features.standard import Standard
from camsortxs.features.symmetry import contrast, friedel, friedel_at, mirror
from camsortxs.features.upright import about, sides, tally
from camsortxs.features.valid import shares

EDGE = ("score", "step", "coherence", "place", "below", "below_spread", "above", "dark_below")
COLUMNS = (
    *(f"friedel.{scale}.{where}" for scale in ("fine", "coarse") for where in ("best", "beam")),
    *(f"mirror.{scale}.{which}" for scale in ("fine", "coarse") for which in ("high", "low", "across", "up")),
    *(f"edge.{name}" for name in EDGE),
    *("edge.opposite", "edge.sideways", "edge.from_beam"),
    *(f"normal.{offset:+d}" for offset in OFFSETS),
    *("streak.above", "streak.below", "rods", "rods.above", "dark", "balance"),
    *(f"half.{rank}" for rank in range(4)),
    *(f"empty.{rank}" for rank in range(4)),
    *("sector.low", "sector.high", "sector.range", "sector.spread"),
)

Array = npt.NDArray[np.float64]


def asymmetry(standard: Standard, centre: Centre | None = None) -> Array:
    """Return sector and mirror asymmetry, the sample horizon and what stands on it, in the order of `COLUMNS`.

    A grazing-incidence pattern has no point symmetry, one good mirror and a straight horizon across it, dark on one
    side. Samples reflect upwards or sideways, so the frame is first turned by the multiple of 90 degree that puts
    its strongest straight edge (bright above dark) the usual way up; what follows is told in that orientation.

    Source: G. Renaud, R. Lazzari, F. Leroy, Surf. Sci. Rep. 64 (2009) 255 (horizon, Yoneda band, rods).
    """
    at = centre or estimate_centre(standard)
    fine, coarse = contrast(standard), contrast(standard, fine=False)
    row: list[float] = []
    for image in (fine, coarse):
        row += [friedel(image).score, friedel_at(image, at.row, at.column)]
    edges = [_strongest(*_steps(standard, quarter)) for quarter in range(4)]
    quarter = int(np.argmax([edge[0] for edge in edges]))
    for image in (fine, coarse):
        scores = [mirror(image, axis).score for axis in (0, 1)]
        # After an odd number of quarter turns, what was left and right is up and down.
        across, up = (scores[1], scores[0]) if quarter % 2 == 0 else (scores[0], scores[1])
        row += [max(scores), min(scores), across, up]
    score, mean, coherence, place = edges[quarter]
    seen = tally(
        np.ascontiguousarray(np.rot90(standard.image, quarter)),
        np.ascontiguousarray(np.rot90(standard.mask, quarter)),
        place,
    )
    row += [score, mean, coherence, place / SIDE, *sides(seen, place)]
    row += [edges[(quarter + 2) % 4][0], max(edges[(quarter + 1) % 4][0], edges[(quarter + 3) % 4][0])]
    row.append((_turned_row(at, quarter) - place) / SIDE)
    row += about(seen, place)
    row += _halves(standard, at)
    return np.array(row)


def _turned_row(at: Centre, quarter: int) -> float:
    """Return the row of the beam after `np.rot90(frame, quarter)`."""
    last = SIDE - 1
    return (at.row, last - at.column, last - at.row, at.column)[quarter]


def _steps(standard: Standard, quarter: int) -> tuple[Array, Array, Array]:
    """Return mean and mean size of the steps between bright above and dark below each row of the turned frame.

    Also the share of the columns (in groups of 4) that have a step there.
    """
    mean, size, share = _between_bands(standard, across=quarter % 2 == 1)
    # Turned further by 180 degree, bands are the same, the other way about.
    return (mean, size, share) if quarter in (0, 3) else (-mean[::-1], size[::-1], share[::-1])


@once
def _between_bands(standard: Standard, across: bool) -> tuple[Array, Array, Array]:
    """Compare the bands above and below each row, or left and right of each column (`across`)."""
    shape = (SIDE // 4, SIDE) if across else (SIDE, SIDE // 4)
    means = (block_means(standard.image, shape), shares(standard.valid, *shape))
    value, weight = (4.0 * (part.T if across else part).astype(np.float64) for part in means)
    mean, size, share = _compare(np.ascontiguousarray(value), np.ascontiguousarray(weight))
    return mean, size, share / max(np.count_nonzero(weight.sum(axis=0)), 1)


@compiled
def _compare(value: Any, weight: Any) -> Any:
    """Return the mean of the steps between each two rows, that of their sizes, and in how many columns there is one.

    There is none where too little is seen on either side.
    """
    rows, columns = value.shape
    values, weights = np.zeros((rows + 1, columns)), np.zeros((rows + 1, columns))
    for row in range(rows):
        for column in range(columns):
            values[row + 1, column] = values[row, column] + value[row, column]
            weights[row + 1, column] = weights[row, column] + weight[row, column]
    mean, size, number = np.zeros(rows - 1), np.zeros(rows - 1), np.zeros(rows - 1)
    steps, there = np.empty(columns), np.empty(columns)
    for row in range(1, rows):
        up, down = max(row - BAND, 0), min(row + BAND, rows)
        for column in range(columns):
            above, below = weights[row, column] - weights[up, column], weights[down, column] - weights[row, column]
            light = (values[row, column] - values[up, column]) / above
            step = light - (values[down, column] - values[row, column]) / below
            seen = above >= 8 and below >= 8
            steps[column] = step if seen else 0.0
            there[column] = 1.0 if seen else 0.0
        number[row - 1] = there.sum()
        mean[row - 1] = steps.sum() / max(number[row - 1], 1.0)
        size[row - 1] = np.abs(steps).sum() / max(number[row - 1], 1.0)
    return mean, size, number


def _strongest(mean: Array, size: Array, share: Array) -> tuple[float, float, float, int]:
    """Return score, step, coherence and row of the strongest straight edge, bright above dark.

    A horizon steps alike in all columns, a ring or a shadow only in some; steps in groups of columns, against noise.
    """
    coherence = mean / (size + 0.01)
    score = np.where(share >= 0.4, mean * np.maximum(coherence, 0.0), 0.0)
    best = int(np.argmax(score))
    return float(score[best]), float(mean[best]), float(coherence[best]), best + 1


def _halves(standard: Standard, at: Centre) -> list[float]:
    """Return brightness (about the ring means) and emptiness of the four half planes about the beam, in rank order."""
    view = polar(standard, at)
    departure = (view.level - view.profile[:, None]) * view.weight
    empty = (view.level < DARK) * view.weight
    weight, bright, dark = (part.sum(axis=0) for part in (view.weight, departure, empty))
    total, halves, empties = (_half_planes() @ np.stack([weight, bright, dark], axis=1)).T
    total = np.maximum(total, 1.0)
    seen = weight > 0
    each = bright[seen] / weight[seen]
    return [
        *np.sort(halves / total),
        *np.sort(empties / total),
        each.min(),
        each.max(),
        each.max() - each.min(),
        each.std(),
    ]


@lru_cache(maxsize=1)
def _half_planes() -> Array:
    """Return 1 for the sectors that belong to each of four half planes, (4, SECTORS), and 0 for the others."""
    sectors = np.arange(SECTORS)
    return np.stack([(sectors - side * SECTORS // 4) % SECTORS < SECTORS // 2 for side in range(4)]).astype(np.float64)
