"""Point and mirror symmetry at the best place, for all places at once."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from camsortxs.compiled import compiled
from camsortxs.features.filters import block_means, gaussian
from camsortxs.features.once import once
from camsortxs.features.reflections import Array, Complex, mirrored, row_spectra, spectrum, turned
from camsortxs.features.sizes import MIN_OVERLAP, SIDE, SYMMETRY_FAINT, SYMMETRY_SIDE
from camsortxs.features.standard import Standard
from camsortxs.features.valid import Valid, shares

_CELLS = SIDE // SYMMETRY_SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """The correlation of the image with its own reflection at the best place `at` (row, column; standardised)."""

    score: float
    at: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of pixels, (128, 128), and how much of them meets what is valid in each reflection."""

    values: Array

    @cached_property
    def total(self) -> float:
        """The sum of all."""
        return float(self.values.sum())

    @cached_property
    def spectrum(self) -> Complex:
        """Their Fourier transform."""
        return spectrum(self.values)

    @cached_property
    def row_spectra(self) -> tuple[Complex, Complex]:
        """The Fourier transforms of their columns, and of their rows."""
        return row_spectra(self.values.T), row_spectra(self.values)

    @cached_property
    def turned(self) -> Array:
        """Their overlap with themselves turned about each place."""
        return _exact(turned(self.spectrum, self.spectrum, self.spectrum))

    @cached_property
    def mirrored(self) -> tuple[Array, Array]:
        """Their overlap with themselves mirrored up and down, and left and right, at each place."""
        down, across = (_exact(mirrored(spectra, spectra, spectra)) for spectra in self.row_spectra)
        return down, across


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contrast:
    """The image without its large-scale trend and the weights of its pixels, both (128, 128)."""

    values: Array
    weights: Weights
    made: dict[Any, Any] = field(default_factory=dict, repr=False)


@once
def contrast(standard: Standard, fine: bool = True) -> Contrast:
    """Return what symmetry is judged on: structure between 3 and 40 pixels (`fine`), or the whole image less its mean.

    Blurs are normalised by the blurred mask, so that bad pixels do not matter.
    """
    sharp, weights = _blurred(standard, 1.0), _weights(standard.valid)
    trend = _blurred(standard, 10.0) if fine else np.vdot(sharp, weights.values) / weights.total
    return Contrast(values=np.where(weights.values > 0, sharp - trend, np.float32(0)), weights=weights)


@once
def halved(standard: Standard) -> Array:
    """Return the image at half the resolution."""
    return block_means(standard.image, (SYMMETRY_SIDE, SYMMETRY_SIDE))


@once
def _blurred(standard: Standard, sigma: float) -> Array:
    return np.asarray(gaussian(halved(standard), sigma) / _near(standard.valid, sigma))


@once
def _near(valid: Valid, sigma: float) -> Array:
    return np.maximum(gaussian(shares(valid, SYMMETRY_SIDE, SYMMETRY_SIDE), sigma), np.float32(1e-3))


@once
def _weights(valid: Valid) -> Weights:
    share = shares(valid, SYMMETRY_SIDE, SYMMETRY_SIDE)
    weights = np.where(share > 0.4, share, np.float32(0))
    return Weights(weights if weights.any() else share)


@once
def _moments(image: Contrast) -> tuple[Array, Array]:
    """Return the weighted values, and the weighted squares of them."""
    light = image.weights.values * image.values
    return light, light * image.values


@once
def _turned(image: Contrast) -> Complex:
    light, bright = (spectrum(part) for part in _moments(image))
    return turned(light, bright, image.weights.spectrum)


@once
def _faint(image: Contrast) -> np.float32:
    _, bright = _moments(image)
    return np.float32(max(SYMMETRY_FAINT * float(bright.sum()), 1e-6))


@once
def friedel(image: Contrast) -> Symmetry:
    """Return the best point symmetry: the correlation with itself turned by 180 degree, over pixels valid in both."""
    w = image.weights
    best, score = _best(_turned(image), w.turned, np.float32(MIN_OVERLAP * w.total), _faint(image))
    row, column = divmod(best, 2 * SYMMETRY_SIDE)
    return Symmetry(score=score, at=(_place(row), _place(column)))


def friedel_at(image: Contrast, row: float, column: float) -> float:
    """Return the point symmetry about one place, 0 where too few pixels have a partner there."""
    place = tuple(round(2 * ((at + 0.5) / _CELLS - 0.5)) for at in (row, column))
    if not all(0 <= at <= 2 * SYMMETRY_SIDE - 2 for at in place):
        return 0.0
    if image.weights.turned[place] < 0.5 * MIN_OVERLAP * image.weights.total:
        return 0.0
    sums = _turned(image)[place]
    return min(max(float(sums.real / max(sums.imag, _faint(image))), -1.0), 1.0)


def mirror(image: Contrast, axis: int) -> Symmetry:
    """Return the best mirror symmetry along `axis` (1: left and right exchanged); `at` holds it in its place."""
    w = image.weights
    light, bright = (row_spectra(part if axis == 1 else part.T) for part in _moments(image))
    sums = mirrored(light, bright, w.row_spectra[axis])
    place, score = _best(sums, w.mirrored[axis], np.float32(2 * MIN_OVERLAP * w.total), _faint(image))
    middle = (SIDE - 1) / 2
    at = (middle, _place(place)) if axis == 1 else (_place(place), middle)
    return Symmetry(score=score, at=at)


@compiled
def _best(sums: Any, overlap: Any, least: Any, faint: Any) -> Any:
    """Return where the correlation is highest, flat, and how high; places of too little overlap count -1.

    An energy below `faint` counts as that much.
    """
    columns = sums.shape[1]
    # The best of each column, several at a time, and only then the best of all.
    highest, row = np.full(columns, np.float32(-2)), np.zeros(columns, np.int32)
    for i in range(sums.shape[0]):
        for j in range(columns):
            ratio = sums[i, j].real / max(sums[i, j].imag, faint)
            score = min(max(ratio, np.float32(-1)), np.float32(1))
            score = score if overlap[i, j] > least else np.float32(-1)
            row[j] = i if score > highest[j] else row[j]
            highest[j] = max(score, highest[j])
    best = 0
    for j in range(columns):
        if highest[j] > highest[best] or (highest[j] == highest[best] and row[j] < row[best]):
            best = j
    return row[best] * columns + best, float(highest[best])


def _exact(sums: Complex) -> Array:
    """Return overlaps less the rounding of the transforms: weights are quarters, so that they are whole sixteenths.

    Of a frame without bad pixels, some places share just as much as is asked for.
    """
    return np.asarray(np.rint(sums.real * np.float32(16)) / np.float32(16))


def _place(turned: float) -> float:
    """Convert the index of a self-convolution to pixels of the standardised frame."""
    return (turned / 2 + 0.5) * _CELLS - 0.5
