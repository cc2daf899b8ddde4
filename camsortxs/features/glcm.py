"""Method 2: grey-level co-occurrence matrices; scikit-image is the definition."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, summing
from camsortxs.features.once import once
from camsortxs.features.sizes import GLCM_DISTANCES
from camsortxs.features.sizes import GLCM_LEVELS as LEVELS
from camsortxs.features.standard import Standard

ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation")
MARGIN = max(GLCM_DISTANCES)
COLUMNS = tuple(f"{name}.{over}" for name in PROPERTIES for over in ("mean", "range"))

Array = npt.NDArray[np.float64]


@once
def texture(standard: Standard, distance: int) -> Array:
    """Return mean and range over four angles of the six `PROPERTIES` at `distance` pixels (order of `COLUMNS`).

    32 grey levels, symmetric. A pair with a bad pixel does not count. The range tells oriented patterns from round
    ones, whatever the mounting.

    Source: R. M. Haralick, K. Shanmugam, I. Dinstein, IEEE Trans. SMC 3 (1973) 610, as in scikit-image.
    """
    values = _properties(matrices(standard, distance))
    row = np.stack([values.mean(axis=1), np.ptp(values, axis=1)], axis=1).ravel()
    row.setflags(write=False)
    return np.asarray(row)


def matrices(standard: Standard, distance: int) -> npt.NDArray[np.int64]:
    """Return how often each pair of levels stands at `distance` pixels, (ANGLES, LEVELS, LEVELS), symmetric.

    `distance` is one of `GLCM_DISTANCES`.
    """
    diagonal = round(distance * 0.5**0.5)
    offsets = ((0, distance), (diagonal, diagonal), (distance, 0), (diagonal, -diagonal))
    pairs = _count(_levels(standard), np.array(offsets))[:, :LEVELS, :LEVELS]
    return np.asarray(pairs + pairs.transpose(0, 2, 1), np.int64)


@once
def _levels(standard: Standard) -> npt.NDArray[np.uint8]:
    """Return the level of each pixel of the frame, and of a margin below, left and right of it.

    Bad pixels and the margin take a level of their own, which is dropped from the matrices: so nothing is asked of each
    pair.
    """
    height, width = standard.shape
    levels = np.full((height + MARGIN, width + 2 * MARGIN), LEVELS, np.uint8)
    frame, grey = np.s_[standard.rows, standard.columns], standard.grey // np.uint8(256 // LEVELS)
    np.copyto(levels[:height, MARGIN:-MARGIN], grey[frame], where=~standard.mask[frame])
    return levels


@compiled
def _count(levels: Any, offsets: Any) -> Any:
    """Count the pairs at four offsets (down, right) at once, from the pixels within the margin."""
    height, width = levels.shape[0] - MARGIN, levels.shape[1] - 2 * MARGIN
    found = np.zeros((4, LEVELS + 1, LEVELS + 1), np.int32)  # as small as will do: all of it is used all the time
    a, b, c, d = found
    for i in range(height):
        here = levels[i, MARGIN:]
        to_a = levels[i + offsets[0, 0], MARGIN + offsets[0, 1] :]
        to_b = levels[i + offsets[1, 0], MARGIN + offsets[1, 1] :]
        to_c = levels[i + offsets[2, 0], MARGIN + offsets[2, 1] :]
        to_d = levels[i + offsets[3, 0], MARGIN + offsets[3, 1] :]
        for j in range(width):
            level = here[j]
            a[level, to_a[j]] += 1
            b[level, to_b[j]] += 1
            c[level, to_c[j]] += 1
            d[level, to_d[j]] += 1
    return found


@summing
def _properties(pairs: Any) -> Any:
    """Return the six properties of each matrix, (PROPERTIES, ANGLES)."""
    found = np.zeros((6, len(pairs)))
    for angle in range(len(pairs)):
        share = 1.0 / max(pairs[angle].sum(), 1)
        contrast, dissimilarity, homogeneity, moment, mean = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(LEVELS):
            for j in range(LEVELS):
                p, apart = pairs[angle, i, j] * share, abs(i - j)
                contrast += p * apart**2
                dissimilarity += p * apart
                homogeneity += p / (1.0 + apart**2)
                moment += p * p
                mean += p * i
        variance, covariance = 0.0, 0.0
        for i in range(LEVELS):
            for j in range(LEVELS):
                p = pairs[angle, i, j] * share
                variance += p * (i - mean) ** 2
                covariance += p * (i - mean) * (j - mean)
        # Of one level alone, as scikit-image: fully correlated. The least variance otherwise is about 1 / SIDE**2.
        correlation = 1.0 if variance < 1e-9 else covariance / variance
        values = (contrast, dissimilarity, homogeneity, moment, np.sqrt(moment), correlation)
        for place, value in enumerate(values):  # one by one: as a column it takes two seconds more to compile
            found[place, angle] = value
    return found
