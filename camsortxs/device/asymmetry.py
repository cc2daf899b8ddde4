"""Method 5, third representation, of a batch: what a sample horizon breaks, as `camsortxs.features.asymmetry`."""

from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.centre import Centre, estimate_centre
from camsortxs.device.filters import box, interpolated, median
from camsortxs.device.gradients import blurred_slopes, inner
from camsortxs.device.horizon import Horizon, horizon
from camsortxs.device.radial import polar
from camsortxs.device.standard import Standards
from camsortxs.device.symmetry import friedel, friedel_at, mirrors
from camsortxs.features.sizes import DARK, NORMAL_OFFSETS, POLAR_SECTORS, SIDE

Tensor = Any


def asymmetry(standards: Standards) -> Tensor:
    """Return sector and mirror asymmetry, the horizon and what stands on it, (B, columns).

    In the order of `camsortxs.features.asymmetry.COLUMNS`.
    """
    at, edge = estimate_centre(standards), horizon(standards)
    best, there = friedel(standards)[0], friedel_at(standards, at.row, at.column)
    mirror = mirrors(standards)
    odd = (edge.quarter % 2 == 1)[:, None]
    # After an odd number of quarter turns, what was left and right is up and down.
    across, up = ops.where(odd, mirror[:, :, 0], mirror[:, :, 1]), ops.where(odd, mirror[:, :, 1], mirror[:, :, 0])
    high, low = ops.max(mirror, axis=2), ops.min(mirror, axis=2)
    columns = [*_pairs(best, there), *_pairs(high, low, across, up)]
    columns += [
        edge.of(edge.scores),
        edge.step,
        edge.coherence,
        ops.cast(edge.place, "float32") / SIDE,
        *_sides(standards, edge),
        edge.of(edge.scores, 2),
        ops.maximum(edge.of(edge.scores, 1), edge.of(edge.scores, 3)),
        _from_beam(edge, at),
    ]
    row = [ops.stack(columns, axis=1), _normal(edge), _upright(standards, edge), _halves(standards)]
    return ops.concatenate(row, axis=1)


def _pairs(*scales: Tensor) -> list[Tensor]:
    """Return what is told of the fine contrast, then of the coarse one."""
    return [each[:, scale] for scale in (0, 1) for each in scales]


def _sides(standards: Standards, edge: Horizon) -> list[Tensor]:
    """Return mean and spread below the horizon, the mean above, and the dark share below, each (B,)."""
    image, valid = standards.image, standards.valid
    upper = edge.row < edge.place[:, None, None]
    under, over = ops.where(upper, 0.0, valid), ops.where(upper, valid, 0.0)
    below = _mean(image, under)
    spread = ops.sqrt(_mean((image - below[:, None, None]) ** 2, under))
    return [below, spread, _mean(image, over), _mean(ops.cast(image < DARK, "float32"), under)]


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of (B, SIDE, SIDE) by weights, (B,); 0 where there are none."""
    return ops.sum(values * weights, axis=(1, 2)) / ops.maximum(ops.sum(weights, axis=(1, 2)), 1.0)


def _from_beam(edge: Horizon, at: Centre) -> Tensor:
    """Return how far the turned beam lies below the horizon, in sides of the frame, (B,)."""
    last = SIDE - 1
    rows = ops.stack([at.row, last - at.column, last - at.row, at.column], axis=1)
    return (edge.of(rows) - ops.cast(edge.place, "float32")) / SIDE


def _normal(edge: Horizon) -> Tensor:
    """Return the profile along the normal of the horizon, (B, offsets)."""
    sums, weights = edge.of(edge.sums), edge.of(edge.weights)
    along = box(interpolated(sums / ops.maximum(weights, 1.0), weights > 0), 5)
    top = ops.maximum(ops.max(along, axis=1, keepdims=True), 1e-6)
    place = edge.place[:, None] - np.array(NORMAL_OFFSETS, np.int32)
    return ops.take_along_axis(along, ops.clip(place, 0, SIDE - 1), axis=1) / top


def _upright(standards: Standards, edge: Horizon) -> Tensor:
    """Return the streaks above and below, how much structure stands upright, darkness and balance, (B, 6)."""
    valid = standards.valid
    odd = (edge.quarter % 2 == 1)[:, None, None]
    upper = edge.row < edge.place[:, None, None]
    good = inner(standards) & (valid > 0)
    rows, columns = (ops.where(good, each * each, 0.0) for each in blurred_slopes(standards, 1.5))
    upright, both = ops.where(odd, rows, columns), rows + columns
    rods = [
        ops.sum(ops.where(where, upright, 0.0), axis=(1, 2))
        / ops.maximum(ops.sum(ops.where(where, both, 0.0), axis=(1, 2)), 1e-9)
        for where in (good, upper)
    ]
    dark = _mean(ops.cast(standards.image < DARK, "float32"), valid)
    # The columns of a turned frame are the rows of the one turned once less.
    means = edge.of(edge.sums, 3) / ops.maximum(edge.of(edge.weights, 3), 1.0)
    place = ops.arange(SIDE, dtype="float32")
    middle = ops.sum(means * place, axis=1) / ops.maximum(ops.sum(means, axis=1), 1e-9) / SIDE
    streaks = [_streak(standards, side, odd[:, :, 0]) for side in (upper, ~upper)]
    return ops.stack([*streaks, *rods, dark, ops.abs(middle - 0.5)], axis=1)


def _streak(standards: Standards, side: Tensor, odd: Tensor) -> Tensor:
    """Return how far the best column on one side of the horizon stands out over the columns beside it, (B,)."""
    total, weight = (
        ops.where(odd, ops.sum(part, axis=2), ops.sum(part, axis=1))
        for part in (ops.where(side, each, 0.0) for each in (standards.image, standards.valid))
    )
    # In whole numbers: more than 0.3 of the most pixels that a column has.
    good = 10.0 * weight > 3.0 * ops.max(weight, axis=1, keepdims=True)
    mean = interpolated(total / ops.maximum(weight, 1.0), good)
    return ops.max(box(mean, 3) - median(mean, 31), axis=1)


def _halves(standards: Standards) -> Tensor:
    """Return brightness and emptiness of the four half planes about the beam, and of its sectors, (B, 12)."""
    view = polar(standards)
    departure = (view.level - view.profile[:, :, None]) * view.weight
    empty = ops.where(view.level < DARK, view.weight, 0.0)
    weight, bright, dark = (ops.sum(each, axis=1) for each in (view.weight, departure, empty))
    quarter = POLAR_SECTORS // 4
    sides = [
        [ops.sum(ops.roll(each, -side * quarter, axis=1)[:, : 2 * quarter], axis=1) for side in range(4)]
        for each in (weight, bright, dark)
    ]
    total, halves, empties = (ops.stack(each, axis=1) for each in sides)
    total = ops.maximum(total, 1.0)
    seen = weight > 0
    each = bright / ops.maximum(weight, 1.0)
    some = ops.any(seen, axis=1)
    low = ops.where(some, ops.min(ops.where(seen, each, float("inf")), axis=1), 0.0)
    high = ops.where(some, ops.max(ops.where(seen, each, -float("inf")), axis=1), 0.0)
    count = ops.maximum(ops.sum(ops.cast(seen, "float32"), axis=1), 1.0)
    mean = ops.sum(ops.where(seen, each, 0.0), axis=1) / count
    spread = ops.sqrt(ops.sum(ops.where(seen, (each - mean[:, None]) ** 2, 0.0), axis=1) / count)
    ranked = [ops.sort(part / total, axis=1) for part in (halves, empties)]
    return ops.concatenate([*ranked, ops.stack([low, high, high - low, spread], axis=1)], axis=1)
