"""The strong gradients of a batch, as `camsortxs.features.centre.gradients` finds them."""

from dataclasses import dataclass
from typing import Any

from keras import ops

from camsortxs.device.filters import blur, box, slopes
from camsortxs.device.order import percentile
from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import SIDE

Tensor = Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradients:
    """`d_row` and `d_column` (B, SIDE, SIDE), and which of them are `strong` (bool)."""

    d_row: Tensor
    d_column: Tensor
    strong: Tensor


@once
def gradients(standards: Standards) -> Gradients:
    """Return the gradients, and which belong to the strongest fifth of the inner pixels and are no noise."""
    d_row, d_column = blurred_slopes(standards, 2.0)
    strength = ops.where(inner(standards), ops.sqrt(d_row * d_row + d_column * d_column), 0.0)
    flat, there = (ops.reshape(each, (-1, SIDE * SIDE)) for each in (strength, inner(standards)))
    least = ops.maximum(percentile(flat, ops.cast(there, "float32"), 800), 1e-4)
    return Gradients(d_row=d_row, d_column=d_column, strong=strength > least[:, None, None])


def blurred_slopes(standards: Standards, sigma: float) -> tuple[Tensor, Tensor]:
    """Return the gradient of the image, blurred over its valid pixels, down the rows and along the columns."""
    near = ops.maximum(blur(standards.valid, sigma), 1e-3)
    return slopes(blur(standards.image, sigma) / near)


@once
def inner(standards: Standards) -> Tensor:
    """Return which pixels (B, SIDE, SIDE) have no bad pixel within the 7 x 7 about them, bool."""
    return box(standards.valid, 7) > 0.999
