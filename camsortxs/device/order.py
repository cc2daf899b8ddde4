"""Percentiles of rows of which only some values count."""

from typing import Any

from keras import ops

Tensor = Any


def percentile(values: Tensor, valid: Tensor, per_mille: int) -> Tensor:
    """Return the percentile of the `values` (B, N) with `valid` (B, N) > 0, (B,); 0 where there is none.

    Linear interpolation, as `numpy.percentile`.
    """
    there = valid > 0
    ordered = ops.sort(ops.where(there, values, float("inf")), axis=1)
    return at_share(ordered, 0, ops.sum(ops.cast(there, "int32"), axis=1), per_mille)


def at_share(ordered: Tensor, first: Tensor, count: Tensor, per_mille: int) -> Tensor:
    """Return what lies at that share of `count` (B,) values of the sorted rows `ordered` (B, N) from `first` (B,) on.

    The position is found in whole numbers: in float32 it would be wrong by 1 part in 256 of a step.
    """
    place = ops.maximum(count - 1, 0) * per_mille
    below = first + place // 1000
    above = ops.minimum(below + 1, first + ops.maximum(count - 1, 0))
    inside = (ops.minimum(index, ordered.shape[1] - 1) for index in (below, above))
    low, high = (ops.take_along_axis(ordered, index[:, None], axis=1)[:, 0] for index in inside)
    value = low + (high - low) * (ops.cast(place % 1000, "float32") / 1000.0)
    return ops.where(count > 0, value, 0.0)
