"""Method 4: histograms of oriented gradients; scikit-image is the definition."""

from itertools import product

import numpy as np
import numpy.typing as npt
from skimage.feature import hog

from camsortxs.features.fill import filled
from camsortxs.features.sizes import HOG_ORIENTATIONS as ORIENTATIONS
from camsortxs.features.sizes import HOG_REGIONS as REGIONS
from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import Standard

COLUMNS = tuple(
    f"r{row}c{column}.o{orientation * 180 // ORIENTATIONS:03d}"
    for row, column, orientation in product(range(REGIONS), range(REGIONS), range(ORIENTATIONS))
)

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
    grey = np.where(standard.mask, np.rint(filled(standard) * 255.0), standard.grey)
    blocks = hog(grey, ORIENTATIONS, (cell, cell), cells_per_block=(2, 2), block_norm="L2-Hys", feature_vector=False)
    side = SIDE // cell
    sums, count = np.zeros((side, side, ORIENTATIONS)), np.zeros((side, side, 1))
    for down, across in product(range(2), repeat=2):
        here = np.s_[down : side - 1 + down, across : side - 1 + across]
        sums[here] += blocks[:, :, down, across]
        count[here] += 1
    share = (~standard.mask).reshape(side, cell, side, cell).mean(axis=(1, 3))[..., None]
    pooled = _pool(sums / count * share) / np.maximum(_pool(share), 1e-12)
    return np.asarray(pooled.ravel())


def _pool(cells: Array) -> Array:
    side, _, numbers = cells.shape
    cells = cells.reshape(REGIONS, side // REGIONS, REGIONS, side // REGIONS, numbers)
    return np.asarray(cells.sum(axis=(1, 3)))
