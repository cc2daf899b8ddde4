"""The cheap check that comes before the classifier: a frame with nothing in it is `no_signal`."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.flags import Flag
from camsortxs.frames import Frame

MIN_LIT = 0.02
"""Darks of photon-counting detectors have 0.1-0.6 % lit pixels, the weakest useful frame known to us 2.3 %."""
FLAT_BLOCK = 16
FLAT_STRUCTURE = 1.5
"""Means over blocks of 16 x 16 pixels that scatter less than this many times what noise alone explains are flat."""
MIN_VALID = FLAT_BLOCK**2
"""Fewer valid pixels than one block has, an image of 16 x 16, tell nothing of scattering."""
BEAM_SHARE, BEAM_RADIUS, BEAM_PIXELS = 0.9, 20, 9
"""The direct beam: this share of the counts within so many pixels of the brightest one, and so many of them bright."""
_BRIGHT, _COUNTS = 0.01, 50
"""A pixel is bright with this share of the brightest one's counts, and so many: a particle leaves a few."""
_SAMPLE = 25_000
_BLOCKS = 1_000
_ROWS = 64


def no_signal(frame: Frame) -> Flag | None:
    """Say why the frame carries no scattering, or None when it does carry some.

    A photon counter's frame is `dark` when hardly a pixel is lit (shutter closed); a lit pixel without a lit neighbour
    is a cosmic hit or a hot pixel and does not count. It is `direct_beam` when nearly all counts lie in one spot. Where
    the median is above zero, a frame without structure beyond the noise of its pixels is `flat`: a flat field, or the
    dark of an integrating detector; so is one of a single value, a test pattern or a readout that hangs. Of too few
    valid pixels nobody can say.

    Source: `SIMULATION.md` section 6 (policy, and the figures above).
    """
    valid = frame.mask.size - np.count_nonzero(frame.mask)
    if valid < MIN_VALID:
        return Flag.FEW_PIXELS
    # Bad pixels of a float image may be infinite; those of counts are left out further down, at no cost.
    counts = np.where(frame.mask, 0, frame.image) if frame.image.dtype.kind == "f" else frame.image
    thin = max(1, round(float(np.sqrt(frame.mask.size / _SAMPLE))))
    good = ~frame.mask[::thin, ::thin]
    if 2 * np.count_nonzero((counts[::thin, ::thin] > 0) & good) > np.count_nonzero(good):
        return Flag.FLAT if _structure(counts, frame.mask) < FLAT_STRUCTURE else None
    # Weak scattering beside an unstopped beam is a signal: real gratings put 97 % of their counts into the beam.
    if _lit(counts, frame.mask, MIN_LIT * valid):
        return None
    return Flag.DIRECT_BEAM if _one_spot(counts, frame.mask) else Flag.DARK


def _lit(counts: npt.NDArray[Any], mask: npt.NDArray[np.bool_], enough: float) -> bool:
    """Say whether `enough` pixels are lit beside a lit one; most frames show it in their first rows."""
    seen = 0
    for first in range(0, len(counts), _ROWS):
        # One row more on either side: neighbours of those that are counted.
        above = min(first, 1)
        rows = slice(first - above, first + _ROWS + 1)
        seen += np.count_nonzero(_with_lit_neighbour((counts[rows] > 0) & ~mask[rows])[above : above + _ROWS])
        if seen >= enough:
            return True
    return False


def _one_spot(counts: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> bool:
    """Say whether nearly all counts lie around the brightest pixel, in a spot and not in a hot pixel."""
    rows, columns = np.nonzero(_with_lit_neighbour((counts > 0) & ~mask))
    if rows.size < BEAM_PIXELS:
        return False
    values = counts[rows, columns].astype(np.float64)
    brightest = values.argmax()
    near = values[np.hypot(rows - rows[brightest], columns - columns[brightest]) <= BEAM_RADIUS]
    # A hot pixel outshines a dark, too, but stands alone.
    spot = np.count_nonzero(near >= max(_COUNTS, _BRIGHT * near.max())) >= BEAM_PIXELS
    return bool(spot and near.sum() > BEAM_SHARE * values.sum())


def _with_lit_neighbour(lit: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep the lit pixels with at least one lit pixel among the eight around them."""
    padded = np.pad(lit, 1).view(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    around = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    kept: npt.NDArray[np.bool_] = lit & (around > 1)
    return kept


def _structure(counts: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> float:
    """Return the spread of block means in units of what the noise between neighbouring pixels explains."""
    down, across = (side // FLAT_BLOCK for side in counts.shape)
    # Some bands of blocks tell the spread as well as all of them.
    every = max(1, down * across // _BLOCKS)
    height, width = down * FLAT_BLOCK, across * FLAT_BLOCK
    pixels, bad = (each[:height, :width].reshape(down, FLAT_BLOCK, width)[::every] for each in (counts, mask))
    pixels = pixels.astype(np.float32)
    whole = ~bad.any(axis=1).reshape(-1, FLAT_BLOCK).any(axis=1)
    if np.count_nonzero(whole) < 9:
        # Too few blocks for a spread, but pixels that are all the same show nothing in any number.
        seen = counts[~mask]
        return 0.0 if seen.min() == seen.max() else np.inf
    means = pixels.sum(axis=1).reshape(-1, FLAT_BLOCK).sum(axis=1)[whole] / FLAT_BLOCK**2
    steps = np.diff(pixels[:, 0], axis=1)[~(bad[:, 0, 1:] | bad[:, 0, :-1])]
    noise = _spread(steps) / np.sqrt(2.0) / FLAT_BLOCK if steps.size else 0.0
    if noise > 0:
        return _spread(means) / noise
    # Without noise any block that differs shows something, but a hot pixel or two on a constant frame do not count. The
    # quartiles would not see peaks on a constant background.
    differ = np.count_nonzero(means != np.median(means))
    return np.inf if differ > MIN_LIT * means.size else 0.0


def _spread(values: npt.NDArray[np.float32]) -> float:
    """Return the standard deviation as the quartiles tell it: outliers do not matter."""
    places = 0.25 * (values.size - 1), 0.75 * (values.size - 1)
    # Not a whole sort: five times as long on a Zen 4, whose AVX-512 numpy's sort does not suit.
    around = sorted({min(int(place) + beyond, values.size - 1) for place in places for beyond in (0, 1)})
    low, high = np.interp(places, around, np.partition(values, around)[around])
    return float(high - low) / 1.349
