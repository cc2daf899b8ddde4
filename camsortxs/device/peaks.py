"""The peaks of many rows at once, as `scipy.signal.find_peaks` finds them in one."""

from dataclasses import dataclass
from typing import Any

from keras import ops

from camsortxs.device.filters import after, before

Tensor = Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Peaks:
    """Where peaks are, `found` (B, N) bool; the `prominence` and the `width` at half of it mean something there."""

    found: Tensor
    prominence: Tensor
    width: Tensor


def find_peaks(rows: Tensor, prominence: float) -> Peaks:
    """Return the peaks of `rows` (B, N) float32 of at least that prominence (> 0).

    All places are compared with all others: N is about 100. Of a flat peak the middle counts.
    """
    length = rows.shape[1]
    here, there = rows[:, :, None], rows[:, None, :]
    place = ops.arange(length, dtype="int32")
    left, right = place[None, :] < place[:, None], place[None, :] > place[:, None]
    blocked = (_last(left & (there > here)), _first(right & (there > here)))
    sides = ((place[None, None, :] > blocked[0][:, :, None]) & left, (place < blocked[1][:, :, None]) & right)
    lowest = [ops.minimum(ops.min(ops.where(side, there, float("inf")), axis=2), rows) for side in sides]
    height = rows - ops.maximum(lowest[0], lowest[1])
    level = (rows - 0.5 * height)[:, :, None]
    ends = (_last(left & (there <= level)), _first(right & (there <= level)))
    start, stop = (
        ops.cast(end, "float32") + sign * _crossed(rows, level[:, :, 0], end, sign)
        for end, sign in zip(ends, (1, -1), strict=True)
    )
    return Peaks(found=_summits(rows) & (height >= prominence), prominence=height, width=stop - start)


def _last(here: Tensor) -> Tensor:
    """Return the last True of each row of (B, N, N), -1 for none."""
    return ops.max(ops.where(here, ops.arange(here.shape[2], dtype="int32"), -1), axis=2)


def _first(here: Tensor) -> Tensor:
    """Return the first True of each row of (B, N, N), N for none."""
    length = here.shape[2]
    return ops.min(ops.where(here, ops.arange(length, dtype="int32"), length), axis=2)


def _crossed(rows: Tensor, level: Tensor, end: Tensor, sign: int) -> Tensor:
    """Return the share of the step from `end` towards the peak at which `level` is crossed."""
    last = rows.shape[1] - 1
    low = ops.take_along_axis(rows, ops.clip(end, 0, last), axis=1)
    high = ops.take_along_axis(rows, ops.clip(end + sign, 0, last), axis=1)
    return (level - low) / ops.maximum(high - low, 1e-12)


def _summits(rows: Tensor) -> Tensor:
    """Return the middles of what is higher than both its neighbours, level ground between, (B, N) bool."""
    last = rows.shape[1] - 1
    rises, falls = rows[:, 1:] > rows[:, :-1], rows[:, 1:] < rows[:, :-1]
    border = ops.ones_like(rows[:, :1]) > 0
    changes = rows[:, 1:] != rows[:, :-1]
    start = before(ops.concatenate([border, changes], axis=1))
    stop = after(ops.concatenate([changes, border], axis=1))
    up = ops.take_along_axis(ops.concatenate([~border, rises], axis=1), start, axis=1)
    down = ops.take_along_axis(ops.concatenate([falls, ~border], axis=1), ops.minimum(stop, last), axis=1)
    return up & down & ((start + stop) // 2 == ops.arange(last + 1, dtype="int32"))
