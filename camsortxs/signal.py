"""The cheap check that comes before the classifier: a frame with nothing in it is `no_signal`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Frame

MIN_LIT = 0.02
"""Darks of photon-counting detectors have 0.1-0.6 % lit pixels, the weakest useful frame known to us 2.3 %."""
FLAT_BLOCK = 16
FLAT_STRUCTURE = 1.5
"""Means over blocks of 16 x 16 pixels that scatter less than this many times what noise alone explains are flat."""
_SAMPLE = 100_000
_BLOCKS = 2_000
_ROWS = 64


def no_signal(frame: Frame) -> str | None:
    """Say why the frame carries no scattering: `empty`, `flat`, or None when it does carry some.

    A photon counter's frame is empty when hardly a pixel is lit (shutter closed, or the direct beam alone); a lit pixel
    without a lit neighbour is a cosmic hit or a hot pixel and does not count. Where the median is above zero, a frame
    without structure beyond the noise of its pixels is flat: a flat field, or the dark of an integrating detector.

    Source: `SIMULATION.md` section 6 (policy, and the figures above).
    """
    valid = ~frame.mask
    # Bad pixels of a float image may be infinite; those of counts are left out further down, at no cost.
    counts = np.where(valid, frame.image, 0) if frame.image.dtype.kind == "f" else frame.image
    thin = max(1, round(float(np.sqrt(valid.size / _SAMPLE))))
    sample = counts[::thin, ::thin][valid[::thin, ::thin]]
    if 2 * np.count_nonzero(sample > 0) > sample.size:
        return "flat" if _structure(counts, valid) < FLAT_STRUCTURE else None
    # Weak scattering beside an unstopped beam is a signal: real gratings put 97 % of their counts into the beam.
    return None if _lit(counts, valid, enough=MIN_LIT * np.count_nonzero(valid)) else "empty"


def _lit(counts: npt.NDArray[Any], valid: npt.NDArray[np.bool_], *, enough: float) -> bool:
    """Say whether `enough` pixels are lit beside a lit one; most frames show it in their first rows."""
    seen = 0
    for first in range(0, len(counts), _ROWS):
        # One row more on either side: neighbours of those that are counted.
        above = min(first, 1)
        rows = slice(first - above, first + _ROWS + 1)
        seen += np.count_nonzero(_with_lit_neighbour((counts[rows] > 0) & valid[rows])[above : above + _ROWS])
        if seen >= enough:
            return True
    return False


def _with_lit_neighbour(lit: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep the lit pixels with at least one lit pixel among the eight around them."""
    padded = np.pad(lit, 1)
    height, width = lit.shape
    near = np.zeros_like(lit)
    for row in range(3):
        for column in range(3):
            if (row, column) != (1, 1):
                near |= padded[row : row + height, column : column + width]
    kept: npt.NDArray[np.bool_] = lit & near
    return kept


def _structure(counts: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> float:
    """Return the spread of block means in units of what the noise between neighbouring pixels explains."""
    bands = [side // FLAT_BLOCK for side in counts.shape]
    # Some bands of blocks tell the spread as well as all of them.
    every = max(1, bands[0] * bands[1] // _BLOCKS)
    pixels, good = (_blocks(each, bands)[::every] for each in (counts, valid))
    whole = good.all(axis=1).all(axis=2)
    if whole.sum() < 9:
        return np.inf
    means = pixels.sum(axis=1, dtype=np.float32).sum(axis=2)[whole] / FLAT_BLOCK**2
    row, seen = (each[:, 0].reshape(len(each), -1) for each in (pixels, good))
    noise = _spread(np.diff(row.astype(np.float32), axis=1)[seen[:, 1:] & seen[:, :-1]]) / np.sqrt(2.0) / FLAT_BLOCK
    return _spread(means) / noise if noise > 0 else np.inf


def _blocks(pixels: npt.NDArray[Any], bands: Sequence[int]) -> npt.NDArray[Any]:
    """Return the pixels as (band, row, block, column); what does not fill a block is left out."""
    rows, columns = (count * FLAT_BLOCK for count in bands)
    return pixels[:rows, :columns].reshape(bands[0], FLAT_BLOCK, bands[1], FLAT_BLOCK)


def _spread(values: npt.NDArray[Any]) -> float:
    """Return the standard deviation as the quartiles tell it: outliers do not matter."""
    low, high = np.percentile(values, (25.0, 75.0))
    return float(high - low) / 1.349
