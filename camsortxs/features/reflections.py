"""An image against its own reflections at every place at once, by way of Fourier transforms.

Of an image of so many pixels a side, turned by 180 degree or mirrored, pixels meet whose places add up to an index:
twice as many indices a side.

Source: D. Padfield, IEEE Trans. Image Process. 21 (2012) 2706 (masked correlation), applied to reflected images.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled

Array = npt.NDArray[np.float32]
Complex = npt.NDArray[np.complex64]


def spectrum(image: Array) -> Complex:
    """Return the Fourier transform of an image, of twice as many pixels a side, for `turned`."""
    padded = np.zeros((2 * len(image), 2 * len(image)), np.float32)
    padded[: len(image), : len(image)] = image
    return _whole(cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT, nonzeroRows=len(image)))


def row_spectra(image: Array) -> Complex:
    """Return the Fourier transform of each row of an image, of twice as many pixels, for `mirrored`."""
    padded = np.zeros((len(image), 2 * len(image)), np.float32)
    padded[:, : len(image)] = image
    return _whole(cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT | cv2.DFT_ROWS))


def turned(light: Complex, bright: Complex, weights: Complex) -> Complex:
    """Return what the image turned about each place has to do with itself, given what is the `spectrum` of each.

    `light` is of weights x values, `bright` of weights x values squared. The sums over the pairs of pixels of products
    of their values are the real part; the imaginary part is their energy, the largest sum that there could be.
    """
    return _back(_met(light, bright, weights))


def mirrored(light: Complex, bright: Complex, weights: Complex) -> Complex:
    """Return the same of the image with left and right exchanged at each place, (1, twice the pixels a side).

    Given are the `row_spectra`.
    """
    return _back(_met(light, bright, weights).sum(axis=0, keepdims=True))


@compiled
def _met(light: Any, bright: Any, weights: Any) -> Any:
    # Both sums are real numbers: one transform brings them back, as its real and its imaginary part.
    met = np.empty_like(light)
    for i in range(light.shape[0]):
        for j in range(light.shape[1]):
            met[i, j] = light[i, j] * light[i, j] + np.complex64(1j) * bright[i, j] * weights[i, j]
    return met


def _back(spectrum: Complex) -> Complex:
    return _whole(cv2.dft(spectrum.view(np.float32).reshape(*spectrum.shape, 2), flags=cv2.DFT_INVERSE | cv2.DFT_SCALE))


def _whole(parts: Any) -> Complex:
    """Return as complex numbers what OpenCV holds as pairs of real ones."""
    return np.asarray(parts).view(np.complex64)[..., 0]
