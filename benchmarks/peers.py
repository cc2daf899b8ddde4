"""The bank of features as a user would write it today: scikit-image, NumPy, PyWavelets, SciPy and pyFAI, of any size.

What no library computes (the search for the beam, point and mirror symmetry, the sample horizon) stands in `plain`.
Bad pixels are not left out: this bank does less.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pywt
from plain import beam_and_horizon
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator
from scipy import fft, ndimage, stats
from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern
from skimage.transform import resize

Array = npt.NDArray[Any]
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
CIRCLES = ((8, 1), (16, 2), (24, 3))
_NO_SPLIT = ("no", "csr", "cython")


class Bank:
    """The peers' features of frames of one shape; the integrator is set up here, outside of what is timed."""

    def __init__(self, shape: tuple[int, int]) -> None:
        detector = Detector(172e-6, 172e-6, max_shape=shape)
        poni1, poni2 = (side / 2 * 172e-6 for side in shape)
        self._integrator = AzimuthalIntegrator(dist=2.0, poni1=poni1, poni2=poni2, detector=detector, wavelength=1e-10)
        self.radial(np.ones(shape, np.float32))

    def __call__(self, counts: Array) -> list[Array]:
        """Return everything about the logarithm of `counts`, scaled to [0, 1]."""
        image = scaled(counts)
        grey = np.rint(image * 255).astype(np.uint8)
        return [
            *histogram(image, grey),
            *(glcm(grey, (distance,)) for distance in (1, 2, 4)),
            *(lbp(grey, *circle) for circle in CIRCLES),
            *(hogs(grey, cell) for cell in (16, 32)),
            *self.radial(image),
            *gradients(image),
            spectrum(image),
            *wavelets(image),
        ]

    def whole(self, counts: Array) -> list[Array]:
        """Return the same, and what no library computes; the longer side has 256 pixels."""
        image = scaled(counts)
        frame, mask = np.zeros((256, 256)), np.ones((256, 256), bool)
        here = tuple(slice((256 - side) // 2, (256 - side) // 2 + side) for side in image.shape)
        frame[here], mask[here] = image, False
        return [*self(counts), np.array(list(beam_and_horizon(frame, mask).values()))]

    def radial(self, image: Array) -> tuple[Array, Array]:
        """Return I(r) and I(r, azimuth)."""
        profile = self._integrator.integrate1d(image, 96, unit="r_mm", method=_NO_SPLIT)
        polar = self._integrator.integrate2d(image, 96, 32, unit="r_mm", method=_NO_SPLIT)
        return profile.intensity, polar.intensity


def scaled(counts: Array) -> Array:
    """Return the logarithm of counts between the 1st percentile and the 99.9th, in [0, 1]."""
    level = np.log1p(np.maximum(counts, 0).astype(np.float32))
    low, high = np.percentile(level[level > 0], 1.0), np.percentile(level, 99.9)
    return np.clip((level - low) / (high - low), 0, 1)


def resized(counts: Array) -> Array:
    """Return counts with the longer side of 256 pixels."""
    scale = 256 / max(counts.shape)
    shape = tuple(round(side * scale) for side in counts.shape)
    return np.asarray(resize(counts.astype(np.float32), shape, anti_aliasing=True))


def histogram(image: Array, grey: Array) -> tuple[Array, ...]:
    """Return the histograms of 64 and 256 bins, the latter summed up, and statistics of the levels."""
    share = np.histogram(grey, 256, (0, 256))[0] / grey.size
    flat = image.ravel()
    numbers = [stats.entropy(share, base=2), share @ share, flat.mean(), flat.var(), stats.skew(flat)]
    return np.array([*numbers, stats.kurtosis(flat)]), np.histogram(grey, 64, (0, 256))[0], np.cumsum(share)


def glcm(grey: Array, distances: tuple[int, ...]) -> Array:
    """Return six properties of the co-occurrence matrices of 32 levels at four angles."""
    pairs = graycomatrix(grey // 8, distances, ANGLES, levels=32, symmetric=True)
    names = ("contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation")
    return np.array([graycoprops(pairs, name) for name in names])


def lbp(grey: Array, points: int, radius: int) -> Array:
    """Return how often each uniform code occurs."""
    codes = local_binary_pattern(grey, points, radius, "uniform")
    return np.bincount(codes.astype(np.intp).ravel(), minlength=points + 2)


def hogs(grey: Array, cell: int) -> Array:
    """Return the blocks of 2 x 2 cells."""
    return np.asarray(hog(grey, 9, (cell, cell), cells_per_block=(2, 2), block_norm="L2-Hys"))


def gradients(image: Array) -> list[Array]:
    """Return the gradients of the smoothed image."""
    return [ndimage.gaussian_filter1d(ndimage.gaussian_filter(image, 2.0), 2.0, axis, order=1) for axis in (0, 1)]


def spectrum(image: Array) -> Array:
    """Return the power in 32 rings of frequency."""
    window = np.outer(*(np.hanning(side) for side in image.shape))
    power = np.abs(fft.fft2((image - image.mean()) * window)) ** 2
    cycles = np.hypot(*np.meshgrid(*(fft.fftfreq(side) for side in image.shape), indexing="ij"))
    return np.bincount(np.minimum(cycles * 64, 32).astype(np.intp).ravel(), power.ravel(), minlength=33)


def wavelets(image: Array) -> list[Array]:
    """Return the energy of the Haar details."""
    levels = pywt.wavedec2(image, "haar", level=pywt.dwtn_max_level(image.shape, "haar"))
    return [np.array([(each**2).mean() for each in ways]) for ways in levels[1:]]
