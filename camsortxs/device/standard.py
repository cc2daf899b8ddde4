"""The standardised frames of a batch, as `camsortxs.features.standard` makes one."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, log
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from camsortxs.device.order import at_share
from camsortxs.features.sizes import HUGE, MIN_SHARE, SIDE

Tensor = Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Standards:
    """A batch of B standardised frames of one shape, on the device.

    `image` (B, SIDE, SIDE) float32 in [0, 1] and `grey` int32, its whole levels 0 to 255, both 0 where not valid;
    `valid` float32, 1 where the pixel is good, 0 where it is bad or padding. The frames lie in `rows`, `columns`.
    `decades` (B,) float32 is the log10 of the range that was scaled to [0, 1]. `made` belongs to `once`.
    """

    image: Tensor
    grey: Tensor
    valid: Tensor
    decades: Tensor
    rows: slice
    columns: slice
    made: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frames within the padding."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def standardise(images: Tensor, masks: Tensor) -> Standards:
    """Pool `images` (B, H, W), `masks` True = bad pixel, to 256 x 256 and scale their logarithm to [0, 1].

    The same rules as in `camsortxs.features.standard.standardise`, to float32 rounding; H and W must be known when the
    graph is built. A grey level on the border between two may come out as the other.

    >>> standards = standardise(np.arange(200, dtype=np.int32).reshape(1, 10, 20), np.zeros((1, 10, 20), bool))
    >>> standards.shape, float(ops.max(standards.image)), float(standards.valid[0, 0, 0])
    ((128, 256), 1.0, 0.0)
    """
    height, width = images.shape[1:]
    scale = SIDE / max(height, width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    value = ops.cast(images, "float32")
    good = ops.logical_and(ops.logical_not(masks), ops.isfinite(value))
    value = ops.where(good, ops.clip(value, 0.0, HUGE), 0.0)
    total, share = (_pool(each, tall, wide) for each in (value, ops.cast(good, "float32")))
    good = share >= MIN_SHARE * ops.max(share, axis=(1, 2), keepdims=True)
    level = ops.log1p(ops.where(good, total / ops.maximum(share, 1e-12), 0.0))
    low, high = (each[:, None, None] for each in _range(level, good))
    image = ops.where(good, ops.clip((level - low) / (high - low), 0.0, 1.0), 0.0)
    top, left = (SIDE - tall) // 2, (SIDE - wide) // 2
    padding = ((0, 0), (top, SIDE - tall - top), (left, SIDE - wide - left))
    image = ops.pad(image, padding)
    return Standards(
        image=image,
        grey=ops.cast(ops.round(image * 255.0), "int32"),
        valid=ops.pad(ops.cast(good, "float32"), padding),
        decades=(high - low)[:, 0, 0] / log(10.0),
        rows=slice(top, top + tall),
        columns=slice(left, left + wide),
    )


def _pool(values: Tensor, height: int, width: int) -> Tensor:
    """Return the sums of `values` (B, H, W) over height x width equal cells, pixels on a border shared out."""
    pixels, share = _cells(values.shape[1], height)
    strips = ops.take(values, pixels.ravel(), axis=1)
    strips = ops.reshape(strips, (-1, *pixels.shape, values.shape[2]))
    sums = ops.sum(strips * ops.convert_to_tensor(share[:, :, None]), axis=2)
    pixels, share = _cells(values.shape[2], width)
    strips = ops.reshape(ops.take(sums, pixels.ravel(), axis=2), (-1, height, *pixels.shape))
    return ops.sum(strips * ops.convert_to_tensor(share), axis=3)


def _cells(pixels: int, count: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the pixels that each of `count` cells touches, (count, most), and the share of each in the cell.

    A gather reads a pixel once or twice; as a matrix product, all of `count` cells would read it.
    """
    edges = np.arange(count + 1) * (pixels / count)
    most = max(ceil(right - 1e-9) - int(left) for left, right in pairwise(edges))
    place = edges[:-1].astype(np.int32)[:, None] + np.arange(most, dtype=np.int32)
    share = np.minimum(place + 1.0, edges[1:, None]) - np.maximum(place, edges[:-1, None])
    share = np.where((share > 1e-9) & (place < pixels), share, 0.0)
    return np.minimum(place, pixels - 1), share.astype(np.float32)


def _range(level: Tensor, good: Tensor) -> tuple[Tensor, Tensor]:
    """Return the level that becomes 0 and the one that becomes 1, each (B,)."""
    rows = (level.shape[1] * level.shape[2],)
    flat, there = ops.reshape(level, (-1, *rows)), ops.reshape(good, (-1, *rows))
    ordered = ops.sort(ops.where(there, flat, float("inf")), axis=1)
    count = ops.sum(ops.cast(there, "int32"), axis=1)
    positive = ops.sum(ops.cast(flat > 0, "int32"), axis=1)
    low, high = at_share(ordered, count - positive, positive, 10), at_share(ordered, 0, count, 999)
    flat_frame = high - low < 1e-4 * (1.0 + high)  # constant, or nearly all dark: the few bright pixels are the range
    low, high = ops.where(flat_frame, 0.0, low), ops.where(flat_frame, ops.max(flat, axis=1), high)
    return ops.where(positive > 0, low, 0.0), ops.where(positive > 0, high, 1.0)
