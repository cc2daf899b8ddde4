"""Where the beam of each frame is, estimated from the images alone, as `camsortxs.features.centre`."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from keras import ops

from camsortxs.device.filters import blur
from camsortxs.device.gradients import gradients
from camsortxs.device.standard import Standards
from camsortxs.device.symmetry import friedel
from camsortxs.features.once import once
from camsortxs.features.sizes import CENTRE_REACH, CENTRE_SIDE, SIDE

Tensor = Any
_CELLS = SIDE // CENTRE_SIDE
_LOW, _HIGH = -CENTRE_REACH * CENTRE_SIDE, (1 + CENTRE_REACH) * CENTRE_SIDE
_RINGS = ceil((_HIGH**2 * 2) ** 0.5) + 1
_STEPS = 128
"""At most; 59 real frames needed 36, 160 simulated ones 49. A batch takes as many as its slowest frame."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Centre:
    """Points (`row`, `column`) in pixels of the standardised frames, and their `roundness`, each (B,)."""

    row: Tensor
    column: Tensor
    roundness: Tensor


@once
def estimate_centre(standards: Standards) -> Centre:
    """Return the points about which a function of the radius alone explains most of the variance of the images.

    The three searches of `camsortxs.features.centre.estimate_centre`, of all frames side by side.
    """
    shape = (-1, CENTRE_SIDE, _CELLS, CENTRE_SIDE, _CELLS)
    weight = ops.sum(ops.reshape(standards.valid, shape), axis=(2, 4))
    level = ops.sum(ops.reshape(standards.image, shape), axis=(2, 4)) / ops.maximum(weight, 1e-9)
    starts = ops.stack([_aimed_at(standards), friedel(standards)[1], _brightest(level)], axis=1)
    row, column, rest = _climb(level, weight, (starts + 0.5) / _CELLS - 0.5)
    winner = ops.argmin(rest, axis=1)[:, None]
    row, column, rest = (ops.take_along_axis(each, winner, axis=1)[:, 0] for each in (row, column, rest))
    return Centre(row=(row + 0.5) * _CELLS - 0.5, column=(column + 0.5) * _CELLS - 0.5, roundness=1.0 - rest)


def _aimed_at(standards: Standards) -> Tensor:
    """Return the points nearest to all lines along the strong gradients, (B, 2); without one, the middle."""
    found = gradients(standards)
    middle = (SIDE - 1) / 2
    place = ops.arange(SIDE, dtype="float32") - middle
    # A line through p along g keeps a . c = b, with a across g and b = a . p.
    a_row, a_column = -found.d_column, found.d_row
    b = a_row * place[:, None] + a_column * place
    length = ops.maximum(ops.sqrt(a_row * a_row + a_column * a_column), 1e-12)
    strong = ops.cast(found.strong, "float32")
    keep = strong
    offset = []
    for _ in range(3):
        kept_row, kept_column = a_row * keep, a_column * keep
        sums = [ops.sum(x, axis=(1, 2)) for x in (kept_row * a_row, kept_row * a_column, kept_column * a_column)]
        right = [ops.sum(x, axis=(1, 2)) for x in (kept_row * b, kept_column * b)]
        ridge = 1e-3 * (sums[0] + sums[2]) + 1e-12
        p, q, r = sums[0] + ridge, sums[1], sums[2] + ridge
        determinant = p * r - q * q
        solved = (r * right[0] - q * right[1], p * right[1] - q * right[0])
        offset = [each / determinant for each in solved]
        miss = ops.abs(offset[0][:, None, None] * a_row + offset[1][:, None, None] * a_column - b) / length
        keep = strong / (1.0 + (miss / 8.0) ** 2)
    some = ops.any(found.strong, axis=(1, 2))
    return ops.stack([ops.where(some, each, 0.0) + middle for each in offset], axis=1)


def _brightest(level: Tensor) -> Tensor:
    """Return the brightest spot of `level` (B, 64, 64) blurred, in pixels of the standardised frame, (B, 2)."""
    place = ops.argmax(ops.reshape(blur(level, 1.5), (-1, CENTRE_SIDE**2)), axis=1)
    at = ops.cast(ops.stack([place // CENTRE_SIDE, place % CENTRE_SIDE], axis=1), "float32")
    return (at + 0.5) * _CELLS - 0.5


def _climb(level: Tensor, weight: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Improve `starts` (B, S, 2), in coarse pixels, by a pattern search with a halving step.

    Returns rows, columns and the share of the variance left, each (B, S): next to 1, float32 would not tell the
    roundness of two places apart.
    """
    seen = ops.maximum(ops.sum(ops.cast(weight > 0, "float32"), axis=(1, 2)), 1.0)[:, None]
    total_weight = ops.maximum(ops.sum(weight, axis=(1, 2), keepdims=True), 1e-9)
    # About the mean, which changes nothing but the rounding.
    x = level - ops.sum(level * weight, axis=(1, 2), keepdims=True) / total_weight
    total = ops.sum(weight * x * x, axis=(1, 2))[:, None]
    place = ops.arange(CENTRE_SIDE, dtype="float32")

    def unexplained(row: Tensor, column: Tensor) -> Tensor:
        """Return the share of the variance that rings one pixel wide about (B, K) points leave, (B, K)."""
        down, across = place - row[:, :, None], place - column[:, :, None]
        radius = ops.sqrt((down * down)[:, :, :, None] + (across * across)[:, :, None, :])
        weights, residue = _by_rings(ops.cast(ops.round(radius), "int32"), weight, x)
        rings = ops.sum(ops.cast(weights > 0, "float32"), axis=2)
        # Adjusted for the number of rings, so that a far centre is not preferred for having more of them.
        share = ops.maximum(seen - 1.0, 1.0) / ops.maximum(seen - rings, 1.0)
        return ops.where(total > 1e-9, residue / ops.maximum(total, 1e-9) * share, 1.0)

    def better(row: Tensor, column: Tensor, best: Tensor, step: Tensor) -> tuple[Tensor, ...]:
        rows = ops.clip(ops.stack([row - step, row + step, row, row], axis=2), _LOW, _HIGH)
        columns = ops.clip(ops.stack([column, column, column - step, column + step], axis=2), _LOW, _HIGH)
        around = (-1, rows.shape[1] * 4)
        scores = unexplained(ops.reshape(rows, around), ops.reshape(columns, around))
        scores = ops.reshape(scores, (-1, *rows.shape[1:]))
        which = ops.argmin(scores, axis=2)[:, :, None]
        found = [ops.take_along_axis(each, which, axis=2)[:, :, 0] for each in (rows, columns, scores)]
        moves = (found[2] < best) & (step >= 0.25)
        row, column, best = (ops.where(moves, new, old) for new, old in zip(found, (row, column, best), strict=True))
        return row, column, best, ops.where(moves, step, step / 2.0)

    starts = ops.clip(starts, _LOW, _HIGH)
    row, column = starts[:, :, 0], starts[:, :, 1]
    row, column, best, _ = ops.while_loop(
        lambda row, column, best, step: ops.any(step >= 0.25),
        better,
        (row, column, unexplained(row, column), ops.full_like(row, 4.0)),
        maximum_iterations=_STEPS,
    )
    return row, column, best


def _by_rings(ring: Tensor, weight: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of `weight` over each `ring` (B, K, 64, 64), (B, K, rings), and what is left of the variance.

    That is the weighted sum of squares of `values` (B, 64, 64) about the means of the rings, (B, K); the difference of
    two sums would lose what tells two good centres apart.
    """
    batch, points, pixels = ops.shape(ring)[0], ring.shape[1], CENTRE_SIDE**2
    groups = batch * points
    ids = ops.reshape(ring, (-1, pixels)) + ops.arange(groups, dtype="int32")[:, None] * _RINGS
    ids = ops.reshape(ids, (-1,))
    level, there = (
        ops.reshape(ops.repeat(ops.reshape(each, (-1, pixels)), points, axis=0), (-1,)) for each in (values, weight)
    )
    weights, sums = (ops.segment_sum(each, ids, num_segments=groups * _RINGS) for each in (there, there * level))
    rest = level - ops.take(sums / ops.maximum(weights, 1e-12), ids)
    residue = ops.sum(ops.reshape(there * rest * rest, (-1, points, pixels)), axis=2)
    return ops.reshape(weights, (-1, points, _RINGS)), residue
