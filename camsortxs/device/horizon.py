"""The strongest straight edge of each frame, however the sample lies, as in `camsortxs.features.asymmetry`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import HORIZON_BAND, SIDE

Tensor = Any
_GROUP = 4
_QUARTERS = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class Horizon:
    """What lies where when each frame is turned by `quarter` (B,) times 90 degree, so that its horizon is level.

    `scores` (B, 4) are those of all four turns; `step`, `coherence` and `place` (B,), the first row below, belong to
    the best. `row` (B, SIDE, SIDE) is the row of each pixel once turned; `sums` and `weights` (B, 4, SIDE) are sums of
    the image and of its valid pixels over each row, of all four turns.
    """

    quarter: Tensor
    scores: Tensor
    step: Tensor
    coherence: Tensor
    place: Tensor
    row: Tensor
    sums: Tensor
    weights: Tensor

    def of(self, values: Tensor, turn: int = 0) -> Tensor:
        """Return from `values` (B, 4, ...) those of the quarter turns done, and `turn` more."""
        quarter = ops.reshape((self.quarter + turn) % _QUARTERS, (-1,) + (1,) * (len(values.shape) - 1))
        return ops.squeeze(ops.take_along_axis(values, quarter, axis=1), axis=1)


@once
def horizon(standards: Standards) -> Horizon:
    """Return the best of the edges that `camsortxs.features.asymmetry` finds in the frame and its three turns.

    The step between the bands above and below each row, bright above dark, column by column; no frame is turned, only
    the sums over groups of columns or rows.
    """
    values, weights = (_turned(each) for each in (standards.image, standards.valid))
    (above, w_above), (below, w_below) = _bands(values, weights)
    usable = (w_above >= 8) & (w_below >= 8)
    step = ops.where(usable, above / ops.maximum(w_above, 1.0) - below / ops.maximum(w_below, 1.0), 0.0)
    count = ops.sum(ops.cast(usable, "float32"), axis=3)
    seen = ops.any(ops.sum(weights, axis=2) > 0, axis=-1, keepdims=True)
    widest = ops.sum(ops.cast(ops.sum(weights, axis=2) > 0, "float32"), axis=2, keepdims=True)
    mean = ops.sum(step, axis=3) / ops.maximum(count, 1.0)
    coherence = mean / (ops.sum(ops.abs(step), axis=3) / ops.maximum(count, 1.0) + 0.01)
    # In whole numbers: 0.4 of the columns.
    wide = (5.0 * count >= 2.0 * ops.maximum(widest, 1.0)) & seen
    score = ops.where(wide, mean * ops.maximum(coherence, 0.0), 0.0)
    scores, best = ops.max(score, axis=2), ops.argmax(score, axis=2)
    quarter = ops.cast(ops.argmax(scores, axis=1), "int32")

    def chosen(values: Tensor) -> Tensor:
        at_best = ops.take_along_axis(values, best[:, :, None], axis=2)[:, :, 0]
        return ops.take_along_axis(at_best, quarter[:, None], axis=1)[:, 0]

    place = ops.take_along_axis(ops.cast(best, "int32"), quarter[:, None], axis=1)[:, 0] + 1
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.int32)
    turned = np.stack([rows, SIDE - 1 - columns, SIDE - 1 - rows, columns])
    return Horizon(
        quarter=quarter,
        scores=scores,
        step=chosen(mean),
        coherence=chosen(coherence),
        place=place,
        row=ops.take(ops.convert_to_tensor(turned), quarter, axis=0),
        sums=ops.sum(values, axis=3),
        weights=ops.sum(weights, axis=3),
    )


def _turned(image: Tensor) -> Tensor:
    """Return the sums over groups of 4 columns of the images after each `numpy.rot90`, (B, 4, SIDE, groups).

    The groups of the second and third turn come in the other order, which no sum over them sees.
    """
    groups = SIDE // _GROUP
    level = ops.sum(ops.reshape(image, (-1, SIDE, groups, _GROUP)), axis=3)
    upright = ops.transpose(ops.sum(ops.reshape(image, (-1, groups, _GROUP, SIDE)), axis=2), (0, 2, 1))
    return ops.stack([level, ops.flip(upright, axis=1), ops.flip(level, axis=1), upright], axis=1)


def _bands(values: Tensor, weights: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the sums of both over the bands above and below each row from the second on."""
    padding = ((0, 0), (0, 0), (HORIZON_BAND, HORIZON_BAND), (0, 0))
    rows, sums = SIDE + HORIZON_BAND + 1, []
    for each in (values, weights):
        wide = ops.pad(each, padding)
        sums.append(sum(wide[:, :, k : k + rows] for k in range(HORIZON_BAND)))
    above, below = ([each[:, :, start : start + SIDE - 1] for each in sums] for start in (1, 1 + HORIZON_BAND))
    return (above[0], above[1]), (below[0], below[1])
