"""What the instrument adds: parasitic scatter, windows, stops and shadows, then the detector and its noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.detectors import Detector
from camsortxs.simulate.geometry import Setup

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How likely each part of an instrument is; SIMULATION.md section 3.5."""

    tube: float
    stop: float
    shadow: float
    streaks: float
    halo: tuple[float, float]


HABITS = {
    "SAXS": Habits(tube=0.45, stop=0.85, shadow=0.2, streaks=0.35, halo=(1e-3, 3.0)),
    "WAXS": Habits(tube=0.03, stop=0.6, shadow=0.3, streaks=0.05, halo=(1e-4, 0.3)),
    "GISAXS": Habits(tube=0.5, stop=0.75, shadow=0.15, streaks=0.25, halo=(1e-3, 1.0)),
    "GIWAXS": Habits(tube=0.05, stop=0.6, shadow=0.3, streaks=0.05, halo=(1e-4, 0.3)),
}


def optics(intensity: Array, setup: Setup, habits: Habits, rng: np.random.Generator) -> Array:
    """Add halo and slit streaks, attenuate by polarisation, flight tube, beam stop and shadows; same shape."""
    rows, columns = np.mgrid[: setup.shape[0], : setup.shape[1]]
    dy, dx = rows - setup.centre[0], columns - setup.centre[1]
    radius = np.hypot(dy, dx) + 0.5
    diagonal = float(np.hypot(*setup.shape))
    level = np.percentile(intensity, 90)
    q0 = rng.uniform(0.01, 0.04) * diagonal
    total = intensity + level * log_uniform(rng, *habits.halo) * 20 / (1 + (radius / q0) ** rng.uniform(2.4, 4.2))
    if rng.random() < habits.streaks:
        angle = choose(rng, [(0.0, 0.4), (np.pi / 2, 0.3), (rng.uniform(0, np.pi), 0.3)])
        across = np.abs(dy * np.cos(angle) - dx * np.sin(angle))
        streak = np.exp(-((across / rng.uniform(1, 4)) ** 2)) / (1 + (radius / q0) ** 1.8)
        total = total + level * log_uniform(rng, 1, 100) * streak
    total = total * setup.solid_angle_and_polarisation(float(choose(rng, [(0.98, 0.75), (0.5, 0.25)])))
    if rng.random() < habits.tube:
        total = total * _tube(rng, setup, rows, columns, diagonal)
    if rng.random() < habits.tube / 8:
        total = total * _window(rng, setup, rows, columns)
    if rng.random() < habits.stop:
        total = total * _stop(rng, dy, dx, diagonal)
    if rng.random() < habits.shadow:
        total = total * _shadow(rng, setup, rows, columns)
    return np.asarray(total)


def _tube(rng: np.random.Generator, setup: Setup, rows: Array, columns: Array, diagonal: float) -> Array:
    middle = (setup.shape[0] * rng.uniform(0.4, 0.6), setup.shape[1] * rng.uniform(0.4, 0.6))
    edge = rng.uniform(0.5, 1.05) * diagonal / 2
    inside = special.expit((edge - np.hypot(rows - middle[0], columns - middle[1])) / rng.uniform(0.5, 6.0))
    through = log_uniform(rng, 0.003, 0.3)
    return np.asarray(through + (1 - through) * inside)


def _window(rng: np.random.Generator, setup: Setup, rows: Array, columns: Array) -> Array:
    """Return a window with straight edges before a camera that sees more than the window lets through."""
    opened = np.ones(setup.shape)
    through = log_uniform(rng, 1e-4, 0.1)
    for axis, place in ((0, rows / setup.shape[0]), (1, columns / setup.shape[1])):
        low, high = rng.uniform(-0.1, 0.15), rng.uniform(0.85, 1.1)
        sharp = rng.uniform(0.5, 4.0) / setup.shape[axis]
        opened = opened * special.expit((place - low) / sharp) * special.expit((high - place) / sharp)
    return np.asarray(through + (1 - through) * opened)


def _stop(rng: np.random.Generator, dy: Array, dx: Array, diagonal: float) -> Array:
    size = rng.uniform(0.008, 0.05) * diagonal
    body = (
        np.hypot(dy, dx) < size
        if rng.random() < 0.7
        else (np.abs(dy) < size) & (np.abs(dx) < size * rng.uniform(0.5, 2))
    )
    if rng.random() < 0.6:
        angle = choose(rng, [(0.0, 0.3), (np.pi / 2, 0.3), (rng.uniform(0, 2 * np.pi), 0.4)])
        along = dx * np.cos(angle) + dy * np.sin(angle)
        across = np.abs(dy * np.cos(angle) - dx * np.sin(angle))
        body = body | ((along > 0) & (across < log_uniform(rng, 0.5, 0.3 * size + 1)))
    through = choose(rng, [(0.0, 0.5), (log_uniform(rng, 1e-4, 3e-2), 0.5)])
    soft = ndimage.gaussian_filter(body.astype(np.float64), rng.uniform(0.3, 1.5))
    return np.asarray(1 - (1 - through) * soft)


def _shadow(rng: np.random.Generator, setup: Setup, rows: Array, columns: Array) -> Array:
    """Return the shadow of something in the way: a straight edge, a pipe, a corner."""
    angle = choose(rng, [(0.0, 0.3), (np.pi / 2, 0.3), (rng.uniform(0, np.pi), 0.4)])
    place = (rows / setup.shape[0] - 0.5) * np.cos(angle) + (columns / setup.shape[1] - 0.5) * np.sin(angle)
    edge, width = rng.uniform(0.15, 0.5), rng.uniform(0.03, 0.3)
    dark = place > edge if rng.random() < 0.7 else np.abs(place - edge) < width / 2
    through = rng.uniform(0.0, 0.6)
    return np.asarray(1 - (1 - through) * ndimage.gaussian_filter(dark.astype(np.float64), rng.uniform(0.5, 3.0)))


def expose(
    rate: Array, detector: Detector, gaps: Mask, rng: np.random.Generator, *, counts: float | None = None
) -> tuple[npt.NDArray[Any], Mask]:
    """Return image (int32, uint16 or float32) and mask when the 99th percentile of `rate` gets `counts`.

    Without `counts`, `rate` is in counts already.

    A photon counter makes Poisson counts, with gaps of -1 (or 0, -2); an integrator blurs, adds offset and noise, and
    is dark outside its disc when it is round. Both have hot and dead pixels.
    """
    scale = 1.0 if counts is None else counts / max(float(np.percentile(rate[~gaps], 99)), 1e-30)
    expected = np.clip(rate * scale, 0, 4e6)
    expected = expected * rng.normal(1.0, log_uniform(rng, 0.002, 0.03), rate.shape).clip(0.5, 1.5)
    if detector.kind == "counter":
        return _count(expected, gaps, rng)
    return _integrate(expected, detector, rng)


def _count(expected: Array, gaps: Mask, rng: np.random.Generator) -> tuple[npt.NDArray[np.int32], Mask]:
    image = rng.poisson(expected).astype(np.int32)
    hot = rng.random(image.shape) < log_uniform(rng, 1e-6, 3e-5)
    image[hot] = np.exp(rng.uniform(np.log(10), np.log(2e6), int(hot.sum()))).astype(np.int32)
    dead = rng.random(image.shape) < log_uniform(rng, 1e-6, 2e-4)
    image[dead] = -2
    mask = gaps | dead
    if rng.random() < 0.08:  # modules that are switched off: CMS has an L of them
        height, width = image.shape
        corner = (slice(height // 2, None), slice(width // 2, None)) if rng.random() < 0.5 else (
            slice(height // 2, None), slice(None, width // 2))  # fmt: skip
        image[corner], mask[corner] = -2, True
    # Some writers put 0 into the gaps, and say so nowhere.
    image[gaps] = choose(rng, [(-1, 0.7), (0, 0.2), (-2, 0.1)])
    return image, mask


def _integrate(expected: Array, detector: Detector, rng: np.random.Generator) -> tuple[npt.NDArray[Any], Mask]:
    gain = log_uniform(rng, 0.5, 20.0)
    blurred = ndimage.gaussian_filter(rng.poisson(expected).astype(np.float64) * gain, rng.uniform(0.4, 1.2))
    offset = log_uniform(rng, 5.0, 500.0)
    signal = blurred + offset + rng.normal(0, log_uniform(rng, 0.5, 8.0), expected.shape)
    mask = np.zeros(expected.shape, dtype=bool)
    if detector.round:
        rows, columns = np.mgrid[: expected.shape[0], : expected.shape[1]]
        away = np.hypot(rows - (expected.shape[0] - 1) / 2, columns - (expected.shape[1] - 1) / 2)
        mask = away > min(expected.shape) / 2
        signal[mask] = 0
    elif rng.random() < 0.2:
        return (signal - offset).astype(np.float32), mask  # dark-subtracted: negatives are noise
    image = np.clip(signal, 0, 65535).astype(np.uint16)
    return image, mask | (image == 65535)
