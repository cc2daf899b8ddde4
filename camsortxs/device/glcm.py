"""Method 2: grey-level co-occurrence matrices, as in `camsortxs.features.glcm`; scikit-image is the definition."""

from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.counts import products
from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import GLCM_LEVELS, SIDE

Tensor = Any


def texture(standards: Standards, *distances: int) -> Tensor:
    """Return mean and range over four angles of six properties at each of `distances`, (B, 12 per distance).

    A pair with a bad pixel does not count: a bad pixel is of no level.
    """
    return ops.concatenate([_at(standards, distance) for distance in distances], axis=1)


@once
def _at(standards: Standards, distance: int) -> Tensor:
    diagonal = round(distance * 0.5**0.5)
    offsets = ((0, distance), (diagonal, diagonal), (distance, 0), (diagonal, -diagonal))
    values = _properties(ops.stack([_matrix(standards, *offset) for offset in offsets], axis=1))
    mean, span = ops.mean(values, axis=1), ops.max(values, axis=1) - ops.min(values, axis=1)
    return ops.reshape(ops.stack([mean, span], axis=2), (-1, 2 * values.shape[2]))


@once
def _matrix(standards: Standards, down: int, right: int) -> Tensor:
    """Return the symmetric matrix (B, levels, levels) of the pairs at this offset.

    Kept, because the diagonals at distances of 1 and 2 are the same offset.
    """
    levels = _one_hot(standards)
    left, first, second = max(-right, 0), max(right, 0), min(right, 0)
    here = levels[:, : SIDE - down, left : SIDE - first]
    there = levels[:, down:, first : SIDE + second]
    number = (SIDE - down) * (SIDE - abs(right))
    found = products(*(ops.reshape(each, (-1, number, GLCM_LEVELS)) for each in (here, there)))
    return found + ops.transpose(found, (0, 2, 1))


@once
def _one_hot(standards: Standards) -> Tensor:
    levels = ops.where(standards.valid > 0, standards.grey // (256 // GLCM_LEVELS), -1)
    return ops.one_hot(levels, GLCM_LEVELS, dtype="float32")


def _properties(found: Tensor) -> Tensor:
    """Return contrast, dissimilarity, homogeneity, ASM, energy and correlation of matrices (..., levels, levels)."""
    p = found / ops.maximum(ops.sum(found, axis=(-2, -1), keepdims=True), 1.0)
    level = np.arange(GLCM_LEVELS, dtype=np.float32)
    apart = level[:, None] - level
    contrast, dissimilarity, homogeneity = (
        ops.sum(p * ops.convert_to_tensor(weights), axis=(-2, -1))
        for weights in (apart**2, np.abs(apart), 1 / (1 + apart**2))
    )
    second_moment = ops.sum(p * p, axis=(-2, -1))
    level = ops.convert_to_tensor(level)
    away = level - ops.sum(ops.sum(p, axis=-1) * level, axis=-1, keepdims=True)
    variance = ops.sum(ops.sum(p, axis=-1) * away * away, axis=-1)
    covariance = ops.sum(p * away[..., :, None] * away[..., None, :], axis=(-2, -1))
    # Of one level alone, as scikit-image: fully correlated. The least variance otherwise is about 1 / SIDE**2.
    correlation = ops.where(variance < 1e-9, 1.0, covariance / ops.maximum(variance, 1e-9))
    return ops.stack(
        [contrast, dissimilarity, homogeneity, second_moment, ops.sqrt(second_moment), correlation], axis=-1
    )
