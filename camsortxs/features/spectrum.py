"""Method 6: how much structure there is at each length; scipy.fft and PyWavelets are the definition."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from camsortxs.compiled import compiled
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
    window, weight, squares = _hann(*standard.shape)
    light = filled(standard)[standard.rows, standard.columns] * window
    light -= float(light.sum()) / weight * window
    # Of real numbers: what is left out of the transform mirrors what is there.
    half = fft.rfft2(light, s=(SIDE, SIDE))
    ring, count = _rings()
    sums = _summed(half, ring) / squares
    rings, total = sums[:RINGS] / count, float(sums.sum()) / SIDE**2
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
        image, share, energy = _halved(image, share)
        row += [float(value) ** 0.5 / 4 for value in energy.sum(axis=1) / float(share.sum())]
    return np.array(row)


@compiled
def _halved(image: Any, share: Any) -> Any:
    """Return the means of 2 x 2 pixels, of their shares too, and the energies of the three differences, by share."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    means, shares, energy = np.empty((rows, columns)), np.empty((rows, columns)), np.zeros((3, columns))
    for i in range(rows):
        for j in range(columns):
            a, b = image[2 * i, 2 * j], image[2 * i, 2 * j + 1]
            c, d = image[2 * i + 1, 2 * j], image[2 * i + 1, 2 * j + 1]
            weight = (
                share[2 * i, 2 * j] + share[2 * i, 2 * j + 1] + share[2 * i + 1, 2 * j] + share[2 * i + 1, 2 * j + 1]
            ) / 4
            means[i, j], shares[i, j] = (a + b + c + d) / 4, weight
            energy[0, j] += weight * (a + b - c - d) ** 2
            energy[1, j] += weight * (a - b + c - d) ** 2
            energy[2, j] += weight * (a - b - c + d) ** 2
    return means, shares, energy


@compiled
def _summed(half: Any, ring: Any) -> Any:
    """Return the power in each ring, and beyond them all, of a spectrum of which half is left out."""
    sums = np.zeros(RINGS + 1)
    for i in range(half.shape[0]):
        for j in range(half.shape[1]):
            power = half[i, j].real ** 2 + half[i, j].imag ** 2
            sums[ring[i, j]] += power if j == 0 or j == half.shape[1] - 1 else 2 * power
    return sums


@lru_cache(maxsize=8)
def _hann(height: int, width: int) -> tuple[Array, float, float]:
    """Return the window, its sum and that of its squares; it is nowhere 0, so that one row is enough."""
    down, across = (np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2 for length in (height, width))
    window = np.outer(down, across)
    window.setflags(write=False)
    return window, float(window.sum()), float((window**2).sum())


@lru_cache(maxsize=1)
def _rings() -> tuple[npt.NDArray[np.intp], Array]:
    """Return the ring of each frequency of half a plane (RINGS = none) and how many of the whole each has."""
    f = np.hypot(fft.fftfreq(SIDE, 1 / SIDE)[:, None], fft.rfftfreq(SIDE, 1 / SIDE))
    ring = np.ceil(f * RINGS * 2 / SIDE).astype(np.intp) - 1
    ring[(ring < 0) | (ring >= RINGS)] = RINGS
    there = np.full(ring.shape, 2.0)
    there[:, [0, -1]] = 1.0
    return ring, np.asarray(np.bincount(ring.ravel(), there.ravel(), minlength=RINGS + 1)[:RINGS], dtype=np.float64)
