"""What a technique draws: an ideal intensity on the detector, and how it came about."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`intensity` (height, width) before the instrument; `parameters` say what was drawn, `flags` as the labels do."""

    intensity: Array
    parameters: dict[str, float | str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


def on_detector(q: Array, grid: Array, curve: Array) -> Array:
    """Look a curve up at each pixel: `curve` is given on `grid`, both in 1/angstrom."""
    result: Array = np.interp(q, grid, curve)
    return result


def oriented(azimuth: Array, rng: np.random.Generator, *, strength: float, copies: int) -> Array:
    """Return an orientation distribution over the azimuth (radian), 1 on average: Maier-Saupe with `copies` maxima."""
    first = rng.uniform(0, np.pi)
    grid = np.linspace(-np.pi, np.pi, 721)
    density = np.zeros_like(grid)
    for copy in range(copies):
        density += np.exp(strength * (np.cos(grid - first - copy * np.pi / copies) ** 2 - 1))
    result: Array = np.interp(azimuth, grid, density / density.mean())
    return result


def grainy(azimuth: Array, rng: np.random.Generator, *, grains: float) -> Array:
    """Return the graininess of a ring of few crystals: gamma-distributed over 1440 azimuths, 1 on average."""
    values = rng.gamma(grains, 1 / grains, 1440)
    place = ((azimuth + np.pi) / (2 * np.pi) * len(values)).astype(np.int64) % len(values)
    result: Array = values[place]
    return result
