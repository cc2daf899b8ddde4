"""Method 1: the histogram of the grey levels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.once import once
from camsortxs.features.standard import Standard

STATISTICS = ("entropy", "energy", "mean", "variance", "skewness", "kurtosis", "roughness")


def statistics(standard: Standard) -> npt.NDArray[np.float64]:
    """Return seven statistics of the 256-bin histogram of the valid pixels, in the order of `STATISTICS`.

    Entropy in bit; energy is the sum of p squared; skewness and kurtosis (3 for a normal distribution) are
    standardised; roughness is 1 - 1 / (1 + variance). Grey levels run over [0, 1].

    Source: R. C. Gonzalez, R. E. Woods, *Digital Image Processing*, section "Statistical approaches to texture".
    """
    p = _shares(standard, 256)
    z = np.arange(256) / 255.0
    mean = float(p @ z)
    variance = float(p @ (z - mean) ** 2)
    deviation = max(variance, 1e-12) ** 0.5
    lit = p[p > 0]
    return np.array(
        [
            -float(lit @ np.log2(lit)),
            float(p @ p),
            mean,
            variance,
            float(p @ (z - mean) ** 3) / deviation**3,
            float(p @ (z - mean) ** 4) / deviation**4,
            1.0 - 1.0 / (1.0 + variance),
        ]
    )


def bins(standard: Standard) -> npt.NDArray[np.float64]:
    """Return the share of the valid pixels in each of 64 equal bins of grey."""
    return _shares(standard, 64)


def cumulative(standard: Standard) -> npt.NDArray[np.float64]:
    """Return the share of the valid pixels up to each of 256 grey levels."""
    return np.cumsum(_shares(standard, 256))


def _shares(standard: Standard, count: int) -> npt.NDArray[np.float64]:
    counts = _levels(standard).reshape(count, -1).sum(axis=1)
    return np.asarray(counts / max(int(counts.sum()), 1))


@once
def _levels(standard: Standard) -> npt.NDArray[np.int64]:
    """Count the valid pixels of each of 256 grey levels."""
    return np.asarray(_count(standard.grey, standard.mask))


@compiled
def _count(grey: Any, mask: Any) -> Any:
    # Two tables in turn: the processor waits for a count before it adds to it again.
    found = np.zeros((2, 256), np.int64)
    even, odd = found
    for i in range(grey.shape[0]):
        for j in range(0, grey.shape[1], 2):
            even[grey[i, j]] += not mask[i, j]
            odd[grey[i, j + 1]] += not mask[i, j + 1]
    return even + odd
