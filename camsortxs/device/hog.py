"""Method 4: histograms of oriented gradients, as in `camsortxs.features.hog`; scikit-image is the definition."""

from itertools import product
from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.fill import filled
from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import HOG_ORIENTATIONS, HOG_REGIONS, SIDE

Tensor = Any
_TINY = 1e-5


def gradients(standards: Standards, cell: int) -> Tensor:
    """Return the orientation histograms of 4 x 4 regions, nine orientations each, (B, 144).

    Bad pixels are filled, then each cell counts by its share of valid pixels. A filled pixel half-way between two grey
    levels may come out as the other one.
    """
    magnitude, orientation = _gradient(standards)
    side = SIDE // cell
    cells = (-1, side, cell, side, cell)
    energy = ops.stack(
        [
            ops.sum(ops.reshape(ops.where(orientation == number, magnitude, 0.0), cells), axis=(2, 4))
            for number in range(HOG_ORIENTATIONS)
        ],
        axis=3,
    )
    corners = list(product(range(2), repeat=2))
    blocks = _l2_hys(ops.stack([energy[:, i : side - 1 + i, j : side - 1 + j] for i, j in corners], axis=3))
    sums = sum(
        ops.pad(blocks[:, :, :, number], ((0, 0), (i, 1 - i), (j, 1 - j), (0, 0)))
        for number, (i, j) in enumerate(corners)
    )
    count = np.pad(np.full((side - 2, side - 2), 4.0, np.float32), 1, constant_values=2.0)
    count[[0, 0, -1, -1], [0, -1, 0, -1]] = 1.0
    share = ops.mean(ops.reshape(standards.valid, cells), axis=(2, 4))[..., None]
    pooled = _pool(sums / ops.convert_to_tensor(count[..., None]) * share) / ops.maximum(_pool(share), 1e-12)
    return ops.reshape(pooled, (-1, HOG_REGIONS * HOG_REGIONS * HOG_ORIENTATIONS))


@once
def _gradient(standards: Standards) -> tuple[Tensor, Tensor]:
    """Return the size of the gradient and its orientation, a whole number of 20 degrees, both (B, SIDE, SIDE).

    Of whole grey levels no orientation but 0 lies on a border between two bins, nor near one: the side on which a
    gradient lies is told exactly, without an arctangent.
    """
    grey = ops.where(standards.valid > 0, ops.cast(standards.grey, "float32"), ops.round(filled(standards) * 255.0))
    down = ops.pad(grey[:, 2:] - grey[:, :-2], ((0, 0), (1, 1), (0, 0)))
    across = ops.pad(grey[:, :, 2:] - grey[:, :, :-2], ((0, 0), (0, 0), (1, 1)))
    turned = ops.logical_or(down < 0, ops.logical_and(down == 0, across < 0))
    y, x = ops.where(turned, -down, down), ops.where(turned, -across, across)
    borders = np.arange(1, HOG_ORIENTATIONS) * (np.pi / HOG_ORIENTATIONS)
    beyond = [y * float(np.cos(border)) >= x * float(np.sin(border)) for border in borders]
    orientation = sum(ops.cast(each, "int32") for each in beyond)
    return ops.sqrt(down * down + across * across), orientation


def _l2_hys(blocks: Tensor) -> Tensor:
    """Normalise blocks (..., cells, orientations) to length 1, clip at 0.2, and normalise again."""
    blocks = blocks / ops.sqrt(ops.sum(blocks * blocks, axis=(-2, -1), keepdims=True) + _TINY**2)
    blocks = ops.minimum(blocks, 0.2)
    return blocks / ops.sqrt(ops.sum(blocks * blocks, axis=(-2, -1), keepdims=True) + _TINY**2)


def _pool(cells: Tensor) -> Tensor:
    side, numbers = cells.shape[1], cells.shape[3]
    shape = (-1, HOG_REGIONS, side // HOG_REGIONS, HOG_REGIONS, side // HOG_REGIONS, numbers)
    return ops.sum(ops.reshape(cells, shape), axis=(2, 4))
