"""Method 4: histograms of oriented gradients; scikit-image is the definition."""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.fill import filled
from camsortxs.features.once import once
from camsortxs.features.sizes import HOG_CELLS as CELLS
from camsortxs.features.sizes import HOG_ORIENTATIONS as ORIENTATIONS
from camsortxs.features.sizes import HOG_REGIONS as REGIONS
from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import Standard
from camsortxs.features.valid import shares

COLUMNS = tuple(
    f"r{row}c{column}.o{orientation * 180 // ORIENTATIONS:03d}"
    for row, column, orientation in product(range(REGIONS), range(REGIONS), range(ORIENTATIONS))
)

_BORDERS = tuple((float(np.cos(a)), float(np.sin(a))) for a in np.pi * np.arange(1, ORIENTATIONS) / ORIENTATIONS)
_FAINT = 1e-5

Array = npt.NDArray[np.float64]


def gradients(standard: Standard, cell: int) -> Array:
    """Return the orientation histograms of 4 x 4 regions, nine orientations each (order of `COLUMNS`).

    Blocks of 2 x 2 cells are normalised by L2-Hys: what counts is not how bright a structure is but how it stands out
    within 32 (`cell` 16) or 64 (`cell` 32) pixels. A bin of 20 degree is named after its lower end; the gradient
    along a row is at 0 (rods: `o000`), that down a column at 90 (a horizon: `o080`).

    Pooled, because 16-pixel cells alone make 8100 numbers, more than there are frames to learn from, and tell the
    place of the beam rather than the technique. The histogram of a cell is the mean over the blocks that it is part
    of; that of a region the mean over its cells. 144 numbers remain for either size of cell, at the same places.

    Bad pixels are filled smoothly (`fill.filled`), then each cell counts by its share of valid pixels, so that what
    was filled in hardly does; a region without a valid pixel is 0. Taken from whole grey levels: L2-Hys
    raises the faintest gradient to full strength, also one that is nothing but rounding.

    Source: N. Dalal, B. Triggs, CVPR 2005, 886, as in scikit-image.
    """
    blocks = normalised(cells(standard, cell))
    side = SIDE // cell
    sums, count = np.zeros((side, side, ORIENTATIONS)), np.zeros((side, side, 1))
    for down, across in product(range(2), repeat=2):
        here = np.s_[down : side - 1 + down, across : side - 1 + across]
        sums[here] += blocks[:, :, down, across]
        count[here] += 1
    share = shares(standard.valid, side, side).astype(np.float64)[..., None]
    pooled = _pool(sums / count * share) / np.maximum(_pool(share), 1e-12)
    return np.asarray(pooled.ravel())


@once
def cells(standard: Standard, cell: int) -> Array:
    """Return the mean magnitude of the gradients in each cell and orientation, (side, side, ORIENTATIONS)."""
    if cell > min(CELLS):
        halves: Array = cells(standard, cell // 2).reshape(SIDE // cell, 2, SIDE // cell, 2, -1)
        return np.asarray(halves.mean(axis=(1, 3)))
    return np.asarray(_sums(standard.grey, standard.mask, filled(standard), cell)) / cell**2


@compiled
def _sums(whole: Any, mask: Any, filled: Any, cell: int) -> Any:
    grey = np.empty((SIDE, SIDE))
    for i in range(SIDE):
        for j in range(SIDE):
            grey[i, j] = np.rint(filled[i, j] * 255.0) if mask[i, j] else np.float64(whole[i, j])
    sums = np.zeros((SIDE // cell, SIDE // cell, ORIENTATIONS))
    size, way = np.empty(SIDE), np.empty(SIDE, np.uint8)
    for i in range(SIDE):
        above, here, below = grey[max(i - 1, 0)], grey[i], grey[min(i + 1, SIDE - 1)]
        inside = 0 < i < SIDE - 1  # there is no gradient across the rim
        for j in range(SIDE):
            down = below[j] - above[j] if inside else 0.0
            right = here[min(j + 1, SIDE - 1)] - here[max(j - 1, 0)] if 0 < j < SIDE - 1 else 0.0
            size[j] = np.sqrt(down * down + right * right)
            if down < 0 or (down == 0 and right < 0):
                down, right = -down, -right
            way[j] = 0
            for cosine, sine in _BORDERS:
                way[j] += down * cosine >= right * sine
        for j in range(SIDE):
            sums[i // cell, j // cell, way[j]] += size[j]
    return sums


def normalised(cells: Array) -> Array:
    """Return the blocks of 2 x 2 cells by L2-Hys: to unit length, none above 0.2, to unit length again."""
    corners = [
        [cells[down : len(cells) - 1 + down, across : len(cells) - 1 + across] for across in (0, 1)] for down in (0, 1)
    ]
    blocks = np.array(corners).transpose(2, 3, 0, 1, 4)
    for most in (0.2, 1.0):
        length = np.sqrt((blocks**2).sum(axis=(2, 3, 4), keepdims=True) + _FAINT**2)
        blocks = np.minimum(blocks / length, most)
    return np.asarray(blocks)


def _pool(cells: Array) -> Array:
    side, _, numbers = cells.shape
    cells = cells.reshape(REGIONS, side // REGIONS, REGIONS, side // REGIONS, numbers)
    return np.asarray(cells.sum(axis=(1, 3)))
