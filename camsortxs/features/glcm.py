"""Method 2: grey-level co-occurrence matrices; scikit-image is the definition."""

import numpy as np
import numpy.typing as npt
from skimage.feature import graycomatrix, graycoprops

from camsortxs.features.sizes import GLCM_LEVELS as LEVELS
from camsortxs.features.standard import Standard

ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation")
COLUMNS = tuple(f"{name}.{over}" for name in PROPERTIES for over in ("mean", "range"))


def texture(standard: Standard, distance: int) -> npt.NDArray[np.float64]:
    """Return mean and range over four angles of the six `PROPERTIES` at `distance` pixels (order of `COLUMNS`).

    32 grey levels, symmetric. A pair with a bad pixel does not count: bad pixels take a level of their own, which is
    dropped from the matrix. The range tells oriented patterns from round ones, whatever the mounting.

    Source: R. M. Haralick, K. Shanmugam, I. Dinstein, IEEE Trans. SMC 3 (1973) 610, as in scikit-image.
    """
    levels = np.where(standard.mask, 0, standard.grey // (256 // LEVELS) + 1).astype(np.uint8)
    pairs = graycomatrix(levels, [distance], ANGLES, levels=LEVELS + 1, symmetric=True)[1:, 1:]
    row: list[float] = []
    for name in PROPERTIES:
        over_angles = graycoprops(pairs, name)[0]
        row += [float(over_angles.mean()), float(np.ptp(over_angles))]
    return np.array(row)
