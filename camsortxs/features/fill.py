"""Something plausible in place of bad pixels, for the methods that cannot leave pixels out."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.once import once
from camsortxs.features.standard import Standard

Array = npt.NDArray[np.float64]


@once
def filled(standard: Standard) -> Array:
    """Return the image (SIDE, SIDE) with bad pixels and padding drawn smoothly from the valid pixels around them.

    The image is halved until one pixel is left, each pixel being the mean of the valid ones of the four below it.
    On the way back, pixels without a value take the smoothed one of the coarser image: narrow gaps are bridged from
    their edges, wide shadows from afar. No edge remains that is not in the data, as it would with any constant; that
    edge would be the strongest feature of a detector with gaps.

    Source: S. J. Gortler, R. Grzeszczuk, R. Szeliski, M. F. Cohen, *The Lumigraph*, SIGGRAPH 1996 (pull and push).
    """
    image, share = standard.image.astype(np.float64), (~standard.mask).astype(np.float64)
    if share.all():
        return image
    finer: list[tuple[Array, Array]] = []
    while image.size > 1:
        finer.append((image, share))
        image, share = _pulled(image, share)
    for level, share in reversed(finer):
        _push(image, level, share)
        image = level
    image.setflags(write=False)
    return image


@compiled
def _pulled(image: Any, share: Any) -> Any:
    """Return the means over the valid pixels of each 2 x 2, 0 where there is none, and 1 or 0 for where there are."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    means, shares = np.empty((rows, columns)), np.empty((rows, columns))
    for i in range(rows):
        upper, lower, above, below = image[2 * i], image[2 * i + 1], share[2 * i], share[2 * i + 1]
        for j in range(columns):
            count = above[2 * j] + above[2 * j + 1] + below[2 * j] + below[2 * j + 1]
            total = upper[2 * j] + upper[2 * j + 1] + lower[2 * j] + lower[2 * j + 1]  # 0 where bad: adds nothing
            means[i, j], shares[i, j] = total / max(count, 1.0), min(count, 1.0)
    return means, shares


@compiled
def _push(coarse: Any, level: Any, share: Any) -> None:
    """Put into pixels without a value the mean of the 3 x 3 pixels about them in the coarser image."""
    rows, columns = level.shape
    for i in range(rows):
        for j in range(columns):
            if share[i, j] == 0:
                total = 0.0
                for down in range(-1, 2):
                    line = coarse[min(max(i + down, 0), rows - 1) // 2]
                    for right in range(-1, 2):
                        total += line[min(max(j + right, 0), columns - 1) // 2]
                level[i, j] = total / 9
