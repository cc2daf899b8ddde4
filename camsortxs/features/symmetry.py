"""Point and mirror symmetry at the best place, for all places at once by Fourier transforms."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from camsortxs.features.sizes import MIN_OVERLAP, SIDE, SYMMETRY_SIDE
from camsortxs.features.standard import Standard

_CELLS = SIDE // SYMMETRY_SIDE

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """The correlation of the image with its own reflection at the best place `at` (row, column; standardised)."""

    score: float
    at: tuple[float, float]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contrast:
    """The image without its large-scale trend and the weights of its pixels, both (128, 128)."""

    values: Array
    weights: Array


@lru_cache(maxsize=4)
def contrast(standard: Standard, fine: bool = True) -> Contrast:
    """Return what symmetry is judged on: structure between 3 and 40 pixels (`fine`), or the whole image less its mean.

    Blurs are normalised by the blurred mask, so that bad pixels do not matter.
    """
    shape = (SIDE // _CELLS, _CELLS, SIDE // _CELLS, _CELLS)
    valid = (~standard.mask).astype(np.float64)
    share = valid.reshape(shape).mean(axis=(1, 3))
    level = (standard.image * valid).reshape(shape).mean(axis=(1, 3))
    sharp = _blur(level, share, 1.0)
    weights = np.where(share > 0.4, share, 0.0)
    if weights.sum() <= 0:
        weights = share
    if fine:
        values = sharp - _blur(level, share, 10.0)
    else:
        values = sharp - float((sharp * weights).sum() / weights.sum())
    return Contrast(values=values * (weights > 0), weights=weights)


def _blur(level: Array, share: Array, sigma: float) -> Array:
    blurred: Array = ndimage.gaussian_filter(level, sigma) / np.maximum(ndimage.gaussian_filter(share, sigma), 1e-3)
    return blurred


@lru_cache(maxsize=4)
def friedel(image: Contrast) -> Symmetry:
    """Return the best point symmetry: transmission patterns have it about the beam, grazing ones do not.

    The normalised correlation of the image with itself turned by 180 degree, over the pixels valid in both.
    Source: D. Padfield, IEEE Trans. Image Process. 21 (2012) 2706 (masked correlation), applied to the turned image.
    """
    size = 2 * image.values.shape[0]
    w = image.weights
    f = fft.rfft2(w * image.values, (size, size))
    g = fft.rfft2(w * image.values**2, (size, size))
    v = fft.rfft2(w, (size, size))
    score = _score(
        fft.irfft2(f * f, (size, size)), fft.irfft2(g * v, (size, size)), fft.irfft2(v * v, (size, size)), w.sum()
    )
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return Symmetry(score=float(score[row, column]), at=(_place(float(row)), _place(float(column))))


def friedel_at(image: Contrast, row: float, column: float) -> float:
    """Return the point symmetry about one place, 0 where too few pixels have a partner there."""
    turned = [round(2 * ((place + 0.5) / _CELLS - 0.5)) for place in (row, column)]
    size = image.values.shape[0]
    overlap = [slice(max(0, s - size + 1), min(size, s + 1)) for s in turned]
    if any(part.stop <= part.start for part in overlap):
        return 0.0
    a, w = image.values[overlap[0], overlap[1]], image.weights[overlap[0], overlap[1]]
    pair = w * w[::-1, ::-1]
    if pair.sum() < 0.5 * MIN_OVERLAP * image.weights.sum():
        return 0.0
    return float((pair * a * a[::-1, ::-1]).sum() / max((pair * a**2).sum(), 1e-9))


def mirror(image: Contrast, axis: int) -> Symmetry:
    """Return the best mirror symmetry along `axis` (1: left and right exchanged); `at` holds it in its place."""
    size = 2 * image.values.shape[axis]
    w = image.weights
    f = fft.rfft(w * image.values, size, axis=axis)
    g = fft.rfft(w * image.values**2, size, axis=axis)
    v = fft.rfft(w, size, axis=axis)
    across = 1 - axis
    back = [fft.irfft((a * b).sum(axis=across), size) for a, b in ((f, f), (g, v), (v, v))]
    score = _score(back[0], back[1], back[2], 2 * w.sum())
    place = int(np.argmax(score))
    middle = (SIDE - 1) / 2
    at = (middle, _place(place)) if axis == 1 else (_place(place), middle)
    return Symmetry(score=float(score[place]), at=at)


def _score(products: Array, energy: Array, overlap: Array, weight: float) -> Array:
    enough = overlap > MIN_OVERLAP * weight
    score: Array = np.where(enough, products / np.maximum(energy, 1e-6), -1.0)
    return np.clip(score, -1.0, 1.0)


def _place(turned: float) -> float:
    """Convert the index of a self-convolution to pixels of the standardised frame."""
    return (turned / 2 + 0.5) * _CELLS - 0.5
