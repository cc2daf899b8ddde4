"""Method 6: how much structure there is at each length, as in `camsortxs.features.spectrum`."""

from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from camsortxs.device.fill import filled
from camsortxs.device.standard import Standards
from camsortxs.features.sizes import SIDE, SPECTRUM_FAINT, SPECTRUM_RINGS, WAVELET_LEVELS

Tensor = Any
Array = npt.NDArray[np.float32]


def radial(standards: Standards) -> Tensor:
    """Return the power in 32 rings of spatial frequency, log10 of it over the mean power; its slope; the rms."""
    window = np.zeros((SIDE, SIDE), np.float32)
    window[standards.rows, standards.columns] = np.outer(*(_hann(side) for side in standards.shape))
    squares = float((window.astype(np.float64) ** 2).sum())
    weight = ops.convert_to_tensor(window)
    image = filled(standards)
    for _ in range(2):  # once more, or what float32 leaves of the mean of a constant frame would count as a pattern
        image = image - ops.sum(image * weight, axis=(1, 2), keepdims=True) / float(window.sum(dtype=np.float64))
    image = image * weight
    real, imaginary = ops.fft2((image, ops.zeros_like(image)))
    power = (real * real + imaginary * imaginary) / (squares * SIDE**2)
    ring, share = _rings()
    where = ops.convert_to_tensor(ring)
    # Sums, not a matrix product: that may round the power (TF32).
    rings = ops.stack([ops.sum(ops.where(where == k, power, 0.0), axis=(1, 2)) for k in range(SPECTRUM_RINGS)], axis=1)
    rings = rings * ops.convert_to_tensor(share)
    total = ops.sum(power, axis=(1, 2))
    level = ops.log((rings + SPECTRUM_FAINT) / (total[:, None] + SPECTRUM_FAINT)) / log(10.0)
    frequency = np.log10(np.arange(SPECTRUM_RINGS) + 0.5)
    frequency -= frequency.mean()
    line = ops.convert_to_tensor((frequency / (frequency @ frequency)).astype(np.float32))
    slope = ops.sum(level * line, axis=1, keepdims=True)
    return ops.concatenate([level, slope, ops.sqrt(total)[:, None]], axis=1)


def wavelet(standards: Standards) -> Tensor:
    """Return the root mean square of the Haar details at lengths of 2, 4, ... 256 pixels, three ways each."""
    image, share = filled(standards), standards.valid
    row: list[Tensor] = []
    for _ in range(WAVELET_LEVELS):
        (a, b), (c, d) = ([image[:, i::2, j::2] for j in range(2)] for i in range(2))
        share = (share[:, ::2, ::2] + share[:, ::2, 1::2] + share[:, 1::2, ::2] + share[:, 1::2, 1::2]) / 4.0
        weight = share / ops.maximum(ops.sum(share, axis=(1, 2), keepdims=True), 1e-12)
        details = ((a + b) - (c + d), (a + c) - (b + d), (a + d) - (b + c))
        row += [ops.sqrt(ops.sum(weight * detail * detail, axis=(1, 2))) / 4.0 for detail in details]
        image = (a + b + c + d) / 4.0
    return ops.stack(row, axis=1)


def _hann(length: int) -> Array:
    return np.asarray(np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2, dtype=np.float32)


def _rings() -> tuple[npt.NDArray[np.int32], Array]:
    """Return the ring of each frequency (SIDE, SIDE), and what makes a sum over a ring a mean, as if over all."""
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    ring = (np.ceil(np.hypot(cycles[:, None], cycles) * SPECTRUM_RINGS * 2 / SIDE) - 1).astype(np.int32)
    count = [(ring == number).sum() for number in range(SPECTRUM_RINGS)]
    return ring, (SIDE**2 / np.array(count)).astype(np.float32)
