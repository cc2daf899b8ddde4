"""What the detector makes of the light: counts with gaps, dead modules and tracks, or a blurred image."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camsortxs.simulate import kernels
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.detectors import Detector

Light = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
BRIGHTEST = 4e6
"""Counts at which real counters stop (SIMULATION.md section 4)."""


def expose(
    light: Light, detector: Detector, chance: Chance, *, counts: float | None = None
) -> tuple[npt.NDArray[Any], Mask]:
    """Return image (int32, uint16 or float32) and mask when the 99th percentile of `light` gets `counts`.

    Without `counts`, `light` is in counts already. A photon counter makes Poisson counts, with gaps of -1 (or 0, -2);
    an integrator blurs, adds offset and noise, and is dark outside its disc when it is round. Both have hot pixels.
    """
    gaps = detector.gaps(light.shape)
    expected = _scaled(light, gaps, counts)
    gain = chance.log_uniform("flat_field", 0.002, 0.03)
    expected *= np.maximum(1 + gain * chance.rng.standard_normal(light.shape, dtype=np.float32), 0.5)
    _share_at_edges(expected, detector, chance)
    np.clip(expected, 0, BRIGHTEST, out=expected)
    counted = kernels.counts(expected, chance.rng.random(light.shape, dtype=np.float32))
    _cosmic_tracks(counted, chance)
    _hot_pixels(counted, chance)
    if detector.kind == "counter":
        return _counter(counted, gaps, detector, chance)
    return _integrator(counted, detector, chance)


def _scaled(light: Light, gaps: Mask, counts: float | None) -> Light:
    """Scale by a glance at up to 512 x 512 pixels: a percentile of all would take as long as their noise."""
    if counts is None:
        return light.copy()
    rows, columns = (slice(None, None, max(1, side // 512)) for side in light.shape)
    glance = light[rows, columns][~gaps[rows, columns]]
    return light * np.float32(counts / max(float(np.percentile(glance, 99)), 1e-30))


def _share_at_edges(expected: Light, detector: Detector, chance: Chance) -> None:
    """Pixels beside a gap are larger on some detectors, and lose charge on others."""
    if detector.module is None or not chance.happens("edge_pixels", 0.4):
        return
    # A drawn pixel stands for several of the detector, of which one lies at the edge.
    binned = max(detector.shape) / max(expected.shape)
    factor = np.float32(1 + (chance.uniform("edge_gain", 0.85, 1.5) - 1) / binned)
    rows, columns = detector.modules(expected.shape)
    expected[_at_edge(rows)] *= factor
    expected[:, _at_edge(columns)] *= factor


def _at_edge(modules: npt.NDArray[np.int64]) -> Mask:
    beside = np.zeros(len(modules), dtype=bool)
    beside[:-1] |= modules[1:] < 0
    beside[1:] |= modules[:-1] < 0
    return beside & (modules >= 0)


def _cosmic_tracks(image: npt.NDArray[np.int32], chance: Chance) -> None:
    """Short straight lines of a few counts; long exposures have many."""
    tracks = min(int(chance.rng.poisson(chance.log_uniform("tracks", 1e-7, 3e-5) * image.size)), 200)
    for _ in range(tracks):
        length, angle = chance.rng.exponential(4) + 1, chance.rng.uniform(0, 2 * np.pi)
        along = np.arange(0, length, 0.5)
        rows = (chance.rng.uniform(0, image.shape[0]) + along * np.sin(angle)).astype(int)
        columns = (chance.rng.uniform(0, image.shape[1]) + along * np.cos(angle)).astype(int)
        inside = (rows >= 0) & (rows < image.shape[0]) & (columns >= 0) & (columns < image.shape[1])
        image[rows[inside], columns[inside]] += 1 + int(chance.rng.exponential(20))


def _hot_pixels(image: npt.NDArray[np.int32], chance: Chance) -> None:
    places = _scattered(chance, chance.log_uniform("hot", 3e-7, 3e-5), image.size)
    image.ravel()[places] = np.exp(chance.rng.uniform(np.log(10), np.log(2e6), len(places))).astype(np.int32)


def _scattered(chance: Chance, share: float, pixels: int) -> npt.NDArray[np.int64]:
    """Return where a random share of the pixels lie, counted through."""
    return np.asarray(chance.rng.integers(pixels, size=chance.rng.poisson(share * pixels)))


def _counter(
    image: npt.NDArray[np.int32], gaps: Mask, detector: Detector, chance: Chance
) -> tuple[npt.NDArray[np.int32], Mask]:
    mask = gaps.copy()
    places = _scattered(chance, chance.log_uniform("dead", 1e-6, 2e-4), image.size)
    mask.ravel()[places] = True
    image.ravel()[places] = -2
    if chance.happens("dead_modules", 0.1):
        dead = _dead_modules(image.shape, detector, chance)
        image[dead] = int(chance.choose("dead_value", {-2.0: 0.45, -1.0: 0.35, 0.0: 0.2}))
        mask |= dead
    # Some writers put 0 into the gaps, and say so nowhere.
    image[gaps] = int(chance.choose("gap_value", {-1.0: 0.7, 0.0: 0.2, -2.0: 0.1}))
    return image, mask


def _dead_modules(shape: tuple[int, ...], detector: Detector, chance: Chance) -> Mask:
    """Return the pixels of modules that are switched off: a corner of the detector, as two at CMS, or one alone."""
    dead = np.zeros(shape, dtype=bool)
    rows, columns = detector.modules(shape)
    if max(rows.max(), columns.max()) == 0 or chance.happens("dead_corner", 0.6):
        half_rows, half_columns = shape[0] // 2, shape[1] // 2
        below = slice(half_rows, None) if chance.happens("dead_below", 0.7) else slice(None, half_rows)
        right = slice(half_columns, None) if chance.happens("dead_right", 0.5) else slice(None, half_columns)
        dead[below, right] = True
        return dead
    row, column = (chance.rng.choice(np.unique(places[places >= 0])) for places in (rows, columns))
    return np.asarray((rows == row)[:, None] & (columns == column)[None, :])


def _integrator(counted: npt.NDArray[np.int32], detector: Detector, chance: Chance) -> tuple[npt.NDArray[Any], Mask]:
    gain, blur = chance.log_uniform("gain", 0.5, 20.0), chance.uniform("blur", 0.4, 1.2)
    middle, bright = np.maximum(np.percentile(counted[::4, ::4], (50, 99.9)), 1.0)
    # Somebody chose the exposure: the brightest spots saturate in one frame of ten, half the frame in none.
    fits = 40000 / middle if chance.happens("overexposed", 0.1) else 30000 / bright
    gain = chance.keep("gain", float(min(gain, fits)))
    signal = ndimage.gaussian_filter(counted.astype(np.float32) * np.float32(gain), blur)
    offset, noise = chance.log_uniform("offset", 5.0, 500.0), chance.log_uniform("read_noise", 0.5, 8.0)
    signal += np.float32(offset) + np.float32(noise) * chance.rng.standard_normal(signal.shape, dtype=np.float32)
    mask = np.zeros(signal.shape, dtype=bool)
    if detector.round:
        height, width = signal.shape
        rows, columns = (np.arange(side) - (side - 1) / 2 for side in signal.shape)
        mask = rows[:, None] ** 2 + columns[None, :] ** 2 > (min(height, width) / 2) ** 2
        signal[mask] = 0
    elif chance.happens("dark_subtracted", 0.2):
        return signal - np.float32(offset), mask  # negatives are noise
    image = np.clip(signal, 0, 65535).astype(np.uint16)
    return image, mask | (image == 65535)
