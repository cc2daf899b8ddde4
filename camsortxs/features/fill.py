"""Something plausible in place of bad pixels, for the methods that cannot leave pixels out."""

import numpy as np
import numpy.typing as npt

from camsortxs.features.filters import block_means, smoothed
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
    image, valid = standard.image.astype(np.float64), ~standard.mask
    if valid.all():
        return image
    finer: list[tuple[Array, npt.NDArray[np.bool_]]] = []
    while image.size > 1:
        finer.append((image, valid))
        half = (image.shape[0] // 2,) * 2
        share = block_means(valid.astype(np.float64), half)
        image = block_means(image, half) / np.maximum(share, 0.25)  # 0 where bad: nothing is added by it
        valid = share > 0
    for level, valid in reversed(finer):
        image = np.where(valid, level, smoothed(image.repeat(2, axis=0).repeat(2, axis=1), 3))
    image.setflags(write=False)
    return image
