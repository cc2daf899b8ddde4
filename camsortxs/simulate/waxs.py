"""Wide-angle scattering in transmission: powders, spotty and textured rings, amorphous halos, calibrants."""

import numpy as np

from camsortxs.simulate import curves
from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Array, Pattern, grainy, on_detector, oriented

_SAMPLES = [
    ("few_lines", 0.18), ("powder", 0.16), ("cubic", 0.22), ("amorphous", 0.14), ("semicrystalline", 0.18),
    ("agbh", 0.12),
]  # fmt: skip


def pattern(rng: np.random.Generator, setup: Setup) -> Pattern:
    """Draw a sample and its scattering. Ranges: SIMULATION.md sections 3.2, 4 and 5 (real rings are few and smooth)."""
    q = setup.q()
    top = float(q.max())
    grid = np.linspace(top / 1500, top, 1800)
    sample = choose(rng, _SAMPLES)
    lines, halo, parameters = _lines(rng, sample, grid)
    smooth = halo / max(halo.max(), 1e-12)
    lines = lines / max(lines.max(), 1e-12)
    air = np.exp(-0.15 * grid**2) * rng.uniform(0.05, 1.0)
    background = air + log_uniform(rng, 1e-2, 10.0) * (grid / 0.1 + 1) ** -rng.uniform(1.5, 3.5)
    rings = on_detector(q, grid, lines)
    if rng.random() < 0.35:
        strength, share = log_uniform(rng, 0.3, 30.0), rng.uniform(0.1, 0.8)
        rings = rings * (share + (1 - share) * oriented(setup.azimuth(), rng, strength=strength, copies=1))
        parameters |= {"orientation": strength}
    elif rng.random() < 0.3:
        rings = rings * _spotty(rng, setup, q, top)
        parameters |= {"grains": "spotty"}
    contrast = log_uniform(rng, 0.1, 20.0) if sample not in ("amorphous",) else 0.0
    intensity = contrast * rings + on_detector(q, grid, smooth + background * rng.uniform(0.1, 1.0))
    flags = ("calibrant",) if sample in ("cubic", "agbh") else ()
    return Pattern(intensity=intensity, parameters={"sample": sample, **parameters}, flags=flags)


def _lines(rng: np.random.Generator, sample: str, q: Array) -> tuple[Array, Array, dict[str, float | str]]:
    """Return the sharp and the smooth part of I(q)."""
    top = q[-1]
    halo = _halos(rng, q)
    if sample == "amorphous":
        return np.zeros_like(q), halo, {}
    width = log_uniform(rng, 0.004, 0.03)
    parameters: dict[str, float | str] = {"width": width}
    if sample == "cubic":
        name = choose(rng, [("LaB6", 0.4), ("CeO2", 0.35), ("Si", 0.25)])
        positions, heights = curves.cubic_powder(name, top)
        heights = heights * rng.uniform(0.3, 1.0, len(heights)) / positions**2
        parameters["standard"] = name
        halo = halo * 0.1
    elif sample == "agbh":
        first = 2 * np.pi / curves.AGBH_D001
        orders = np.arange(1, 18)
        positions = np.concatenate([first * orders, [1.37, 1.63, 1.87]])
        heights = np.concatenate([np.exp(-orders * rng.uniform(0.1, 0.4)), rng.uniform(0.05, 0.5, 3)])
        halo = halo * 0.1
    else:
        count = int(rng.integers(8, 50)) if sample == "powder" else int(rng.integers(1, 8))
        positions = np.sort(rng.uniform(min(0.6, top / 2), top, count))
        # Wilson statistics: the intensities of a general structure are exponentially distributed.
        heights = rng.exponential(1.0, count) * np.exp(-((positions / top) ** 2) * rng.uniform(0, 2))
        if sample == "semicrystalline":
            width *= 2
    keep = positions < top
    widths = width * (1 + 0.15 * positions[keep])
    return curves.peaks(q, positions[keep], heights[keep], widths), halo * log_uniform(rng, 0.03, 1.0), parameters


def _halos(rng: np.random.Generator, q: Array) -> Array:
    total = np.zeros_like(q)
    for _ in range(int(rng.integers(1, 4))):
        centre, width = rng.uniform(0.5, 3.2), rng.uniform(0.1, 0.45)
        total += rng.uniform(0.2, 1.0) * np.exp(-(((q - centre) / width) ** 2) / 2)
    return total


def _spotty(rng: np.random.Generator, setup: Setup, q: Array, top: float) -> Array:
    """Give each ring grains of its own: few crystals make spots."""
    azimuth = setup.azimuth()
    grains = log_uniform(rng, 0.05, 8.0)
    shells = (q / top * 40).astype(np.int64)
    # One azimuthal pattern a shell of q: rings of different radius do not share their spots.
    shifted = np.mod(azimuth + shells * 2.399963 + np.pi, 2 * np.pi) - np.pi
    return grainy(shifted, rng, grains=grains)
