"""The standardised frame: what every featurizer looks at (DESIGN.md section 5)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled
from camsortxs.features.once import once
from camsortxs.features.pooling import pool
from camsortxs.features.sizes import MIN_SHARE, SIDE
from camsortxs.features.valid import Valid, valid
from camsortxs.frames import Frame
from camsortxs.ranks import percentile


@dataclass(frozen=True, eq=False, kw_only=True)
class Standard:
    """One standardised frame, all arrays (SIDE, SIDE).

    `image` float32 in [0, 1] and `grey` its uint8 copy, both 0 where `mask` (True = bad pixel or padding); the frame
    itself lies centred in `rows`, `columns`. `decades` is the log10 of the range that was scaled to [0, 1].
    What representations derive from it and share is kept in `made` (`camsortxs.features.once`).
    """

    image: npt.NDArray[np.float32]
    grey: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    rows: slice
    columns: slice
    decades: float
    made: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def valid(self) -> Valid:
        """Its valid pixels, and what follows from them."""
        return _valid(self)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame within the padding."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@once
def _valid(standard: Standard) -> Valid:
    return valid(standard.mask)


def standardise(frame: Frame) -> Standard:
    """Pool `frame` to 256 x 256, its aspect kept, and scale its logarithm to [0, 1].

    Area means of the valid pixels, exact for any ratio (a pixel on a border is shared out); a frame smaller than
    256 is enlarged by the same rule, so that a length in the result is always a fraction of the frame. Negative
    pixels count as 0, pixels that are not finite as bad. log1p, then the 1st percentile of the positive pixels
    becomes 0 and the 99.9th percentile 1. Source: DESIGN.md section 5.

    >>> from camsortxs.frames import FrameKey
    >>> key = FrameKey(run="r", stream="s", data_key="d", index=0)
    >>> counts = np.arange(200).reshape(10, 20)
    >>> standard = standardise(Frame(key=key, image=counts, mask=np.zeros((10, 20), bool)))
    >>> standard.shape, float(standard.image.max()), bool(standard.mask[0, 0])
    ((128, 256), 1.0, True)
    """
    pooled, bad = _pool(frame.image, frame.mask)
    level = np.log1p(pooled)
    low, high = _range(level[~bad])
    height, width = pooled.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    rows, columns = slice(top, top + height), slice(left, left + width)
    mask = np.ones((SIDE, SIDE), np.bool_)
    mask[rows, columns] = bad
    image, grey = _scaled(level, bad, top, left, np.float32(low), np.float32(high - low))
    return Standard(
        image=image,
        grey=grey,
        mask=mask,
        rows=rows,
        columns=columns,
        decades=float((high - low) / np.log(10.0)),
    )


def _pool(
    image: npt.NDArray[Any], mask: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the mean of the valid pixels of each cell, and which cells have too few."""
    height, width = image.shape
    scale = SIDE / max(height, width)
    total, share = pool(image, mask, (max(1, round(height * scale)), max(1, round(width * scale))))
    return _means(total, share, np.float32(MIN_SHARE * share.max()))  # type: ignore[no-any-return]


@compiled
def _means(total: Any, area: Any, least: Any) -> Any:
    """Return the means, 0 where less than `least` is valid, and where that is."""
    means, few = np.empty(total.shape, np.float32), np.empty(total.shape, np.bool_)
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            few[i, j] = area[i, j] < least
            mean = total[i, j] / max(area[i, j], np.float32(1e-12))
            means[i, j] = np.float32(0) if few[i, j] else mean
    return means, few


@compiled
def _scaled(level: Any, bad: Any, top: int, left: int, low: Any, reach: Any) -> Any:
    """Return the image and its grey levels, padded."""
    image, grey = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.uint8)
    for i in range(level.shape[0]):
        # A loop for each result: the processor runs several pixels at a time of one that writes to little.
        scaled = image[top + i, left : left + level.shape[1]]
        for j in range(scaled.size):
            value = min(max((level[i, j] - low) / reach, np.float32(0)), np.float32(1))
            scaled[j] = np.float32(0) if bad[i, j] else value
        for j in range(scaled.size):
            grey[top + i, left + j] = np.uint8(np.rint(scaled[j] * np.float32(255)))
    return image, grey


def _range(level: npt.NDArray[np.float32]) -> tuple[float, float]:
    positive = level[level > 0]
    if positive.size == 0:
        return 0.0, 1.0
    low, high = percentile(positive, 1.0), percentile(level, 99.9)
    if high - low < 1e-4 * (1.0 + high):  # constant, or nearly all pixels dark: the few bright ones are the range
        low, high = 0.0, float(level.max())
    return low, high
