"""The cheap check that comes before the classifier: a frame with nothing in it is `no_signal`."""

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
    if sample.size and np.median(sample) > 0:
        return "flat" if _structure(counts, valid) < FLAT_STRUCTURE else None
    # Weak scattering beside an unstopped beam is a signal: real gratings put 97 % of their counts into the beam.
    lit = _with_lit_neighbour((counts > 0) & valid).sum() / valid.sum()
    return "empty" if lit < MIN_LIT else None


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
    whole = _blocks(valid, np.int32) == FLAT_BLOCK**2
    if whole.sum() < 9:
        return np.inf
    means = _blocks(counts, np.float32)[whole] / FLAT_BLOCK**2
    # Some rows tell the noise as well as all of them.
    rows = slice(None, None, max(1, counts.size // (2 * _SAMPLE)))
    beside = valid[rows, 1:] & valid[rows, :-1]
    noise = _spread(np.diff(counts[rows].astype(np.float32), axis=1)[beside]) / np.sqrt(2.0) / FLAT_BLOCK
    return _spread(means) / noise if noise > 0 else np.inf


def _blocks(pixels: npt.NDArray[Any], dtype: type) -> npt.NDArray[Any]:
    """Return the sums over blocks; what does not fill one is left out. Rows first: memory is read in order."""
    height, width = (side // FLAT_BLOCK for side in pixels.shape)
    cut = pixels[: height * FLAT_BLOCK, : width * FLAT_BLOCK]
    rows = cut.reshape(height, FLAT_BLOCK, -1).sum(axis=1, dtype=dtype)
    return np.asarray(rows.reshape(height, width, FLAT_BLOCK).sum(axis=2))


def _spread(values: npt.NDArray[Any]) -> float:
    """Return the standard deviation as the quartiles tell it: outliers do not matter."""
    low, high = np.percentile(values, (25.0, 75.0))
    return float(high - low) / 1.349
