"""Method 1: the histogram of the grey levels, as in `camsortxs.features.histogram`."""

from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.counts import shares
from camsortxs.device.standard import Standards
from camsortxs.features.once import once

Tensor = Any


def statistics(standards: Standards) -> Tensor:
    """Return the seven statistics of the histogram, (B, 7)."""
    p = _levels(standards)
    z = ops.convert_to_tensor(np.arange(256, dtype=np.float32) / 255)
    mean = ops.sum(p * z, axis=1)
    away = z - mean[:, None]
    square = away * away
    variance, third, fourth = (ops.sum(p * power, axis=1) for power in (square, square * away, square * square))
    broad = ops.maximum(variance, 1e-12)
    skewness, kurtosis = third / (broad * ops.sqrt(broad)), fourth / (broad * broad)
    entropy = -ops.sum(p * ops.log2(ops.where(p > 0, p, 1.0)), axis=1)
    energy, roughness = ops.sum(p * p, axis=1), 1.0 - 1.0 / (1.0 + variance)
    return ops.stack([entropy, energy, mean, variance, skewness, kurtosis, roughness], axis=1)


def bins(standards: Standards) -> Tensor:
    """Return the share of the valid pixels in each of 64 equal bins of grey, (B, 64)."""
    return ops.sum(ops.reshape(_levels(standards), (-1, 64, 4)), axis=2)


def cumulative(standards: Standards) -> Tensor:
    """Return the share of the valid pixels up to each of 256 grey levels, (B, 256)."""
    return ops.cumsum(_levels(standards), axis=1)


@once
def _levels(standards: Standards) -> Tensor:
    return shares(standards.grey, standards.valid, 256)
