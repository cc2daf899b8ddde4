"""Method 6: how much structure there is at each length; scipy.fft and PyWavelets are the definition."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from camsortxs.features.fill import filled
from camsortxs.features.sizes import SIDE
from camsortxs.features.sizes import SPECTRUM_FAINT as _FAINT
from camsortxs.features.sizes import SPECTRUM_RINGS as RINGS
from camsortxs.features.sizes import WAVELET_LEVELS as LEVELS
from camsortxs.features.standard import Standard

RADIAL_COLUMNS = (*(f"f{ring:02d}" for ring in range(RINGS)), "slope", "rms")
WAVELET_COLUMNS = tuple(
    f"l{level}.{way}" for level in range(1, LEVELS + 1) for way in ("horizontal", "vertical", "diagonal")
)

Array = npt.NDArray[np.float64]


def radial(standard: Standard) -> Array:
    """Return the power in 32 rings of spatial frequency, log10 of it over the mean power; its slope; the rms.

    Ring k holds 4 k < f <= 4 k + 4 cycles in 256 pixels, so `f31` ends at the Nyquist frequency (the corners beyond are
    left out). `slope` is that of the line through the rings, log over log: 0 for noise, steep for a smooth pattern.
    `rms` is the standard deviation of the image under the window, in its own units: the rings tell the shape alone.

    The frame is weighted by a Hann window from edge to edge, whatever its aspect, lest the step from one edge to the
    opposite one dominate. Bad pixels are filled smoothly (`fill.filled`): left at any constant, the gaps of a
    detector would be most of the spectrum. Filled regions are smooth, so much bad area lowers `rms`.

    Source: A. van der Schaaf, J. H. van Hateren, Vision Research 36 (1996) 2759 (rotational average and slope).
    """
    image, window = filled(standard), np.zeros((SIDE, SIDE))
    window[standard.rows, standard.columns] = np.outer(*(_hann(side) for side in standard.shape))
    image = image - np.average(image, weights=window)
    power = np.abs(fft.fft2(image * window)) ** 2 / float((window**2).sum()) / SIDE**2
    ring, count = _rings()
    rings = np.bincount(ring, power.ravel(), minlength=RINGS + 1)[:RINGS] * SIDE**2 / count
    total = float(power.sum())
    level = np.log10((rings + _FAINT) / (total + _FAINT))
    frequency = np.log10(np.arange(RINGS) + 0.5)
    frequency -= frequency.mean()
    return np.array([*level, float(frequency @ level) / float(frequency @ frequency), total**0.5])


def wavelet(standard: Standard) -> Array:
    """Return the root mean square of the Haar details at lengths of 2, 4, ... 256 pixels, three ways each.

    Named as in PyWavelets: `horizontal` details are differences between rows (a horizon), `vertical` between columns
    (rods), `diagonal` both. In the units of the image: the squares sum to the variance of a frame without bad pixels.

    Bad pixels are filled smoothly (`fill.filled`), then each detail counts by the share of valid pixels that it was
    made from. Haar, because 256 pixels halve eight times without a rule for the borders, and because any longer filter
    reaches further across gaps.

    Source: S. Mallat, IEEE Trans. PAMI 11 (1989) 674.
    """
    image, share = filled(standard), (~standard.mask).astype(np.float64)
    row: list[float] = []
    for _ in range(LEVELS):
        (a, b), (c, d) = ([image[i::2, j::2] for j in range(2)] for i in range(2))
        share = (share[::2, ::2] + share[::2, 1::2] + share[1::2, ::2] + share[1::2, 1::2]) / 4
        weight = share / float(share.sum())
        row += [
            float((weight * detail**2).sum()) ** 0.5 / 4 for detail in (a + b - c - d, a - b + c - d, a - b - c + d)
        ]
        image = (a + b + c + d) / 4
    return np.array(row)


def _hann(length: int) -> Array:
    """Return the window at the centres of the pixels: nowhere 0, so that one row is enough."""
    return np.asarray(np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2)


@lru_cache(maxsize=1)
def _rings() -> tuple[npt.NDArray[np.intp], Array]:
    """Return the ring of each frequency (RINGS = none), flat, and how many frequencies each ring has."""
    cycles = fft.fftfreq(SIDE, 1 / SIDE)
    f = np.hypot(cycles[:, None], cycles)
    ring = np.ceil(f * RINGS * 2 / SIDE).astype(np.intp) - 1
    ring[(ring < 0) | (ring >= RINGS)] = RINGS
    return ring.ravel(), np.bincount(ring.ravel(), minlength=RINGS + 1)[:RINGS].astype(np.float64)
