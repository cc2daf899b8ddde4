"""Wide-angle scattering in transmission: powders, spotty and textured rings, single crystals, halos, calibrants."""

import numpy as np

from camsortxs.simulate import curves
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Array, Through, grainy, halos, oriented

_SAMPLES = {
    "few_lines": 0.16, "powder": 0.20, "cubic": 0.24, "amorphous": 0.10, "semicrystalline": 0.12, "agbh": 0.12,
    "crystal": 0.06,
}  # fmt: skip
_ANGLES = 1441


def pattern(chance: Chance, setup: Setup) -> Through:
    """Draw a sample and its scattering. Ranges: SIMULATION.md sections 3.2, 4 and 5 (real rings are few and smooth)."""
    top = float(setup.q(glance=True).max()) * 1.001
    grid = np.linspace(top / 1500, top, 1800)
    sample = chance.choose("sample", _SAMPLES)
    halo = halos(chance, grid, most=3, centres=(0.5, 3.2), widths=(0.1, 0.45))
    smooth = halo / max(float(halo.max()), 1e-12)
    air = np.exp(-0.15 * grid**2) * chance.uniform("air", 0.05, 1.0)
    core = chance.log_uniform("core", 1e-3, 5.0) * (grid / 0.1 + 1) ** -chance.uniform("core_slope", 1.5, 3.5)
    background = (air + core) * chance.uniform("background", 0.1, 1.0)
    table = (smooth * chance.log_uniform("halo", 0.01, 0.6) + background)[:, None]
    contrast = chance.log_uniform("contrast", 0.3, 100.0)
    if sample == "crystal":
        table = table + contrast * _spots(chance, grid)
    elif sample != "amorphous":
        table = table + contrast * _powder(chance, sample, grid)
    return Through(table=table, q_max=top, flags=("calibrant",) if sample in ("cubic", "agbh") else ())


def _powder(chance: Chance, sample: str, q: Array) -> Array:
    """Return the rings, over |q| or over |q| and azimuth, 1 at the strongest."""
    positions, heights = _lines(chance, sample, float(q[-1]))
    widths = chance.log_uniform("width", 0.003, 0.03) * (1 + 0.15 * positions)
    if sample == "semicrystalline":
        widths = 2 * widths
    if chance.happens("is_textured", 0.35):
        lines = curves.peaks(q, positions, heights, widths)[:, None]
        strength, share = chance.log_uniform("texture", 0.3, 30.0), chance.uniform("isotropic_share", 0.1, 0.8)
        lines = lines * (share + (1 - share) * oriented(chance.uniform("director", 0, np.pi), strength=strength))
    elif chance.happens("is_spotty", 0.3):
        # Each ring has grains of its own; Gaussian profiles, for Lorentzian tails would make radial streaks of spots.
        profiles = np.exp(-np.log(2) * ((q[:, None] - positions) / widths) ** 2) * heights
        grains = grainy(chance.rng, chance.log_uniform("grains", 0.05, 8.0), rings=len(positions), nodes=_ANGLES)
        lines = (profiles.astype(np.float32) @ grains.astype(np.float32)).astype(np.float64)
        return np.asarray(lines / max(float(np.percentile(lines.max(axis=0), 90)), 1e-12))
    else:
        lines = curves.peaks(q, positions, heights, widths)[:, None]
    return np.asarray(lines / max(float(lines.max()), 1e-12))


def _lines(chance: Chance, sample: str, top: float) -> tuple[Array, Array]:
    """Return positions (1/angstrom) below `top` and heights of the powder lines."""
    if sample == "cubic":
        standard = chance.choose("standard", {"LaB6": 0.4, "CeO2": 0.35, "Si": 0.25})
        positions, multiplicity = curves.cubic_powder(standard, top)
        factors = chance.several("factors", chance.rng.uniform(0.3, 1, len(positions)))
        return positions, multiplicity * factors / positions**2
    if sample == "agbh":
        orders = np.arange(1.0, 18)
        positions = np.concatenate([2 * np.pi / curves.AGBH_D001 * orders, [1.37, 1.63, 1.87]])
        side = chance.several("side_lines", chance.rng.uniform(0.05, 0.5, 3))
        heights = np.concatenate([np.exp(-orders * chance.uniform("decay", 0.1, 0.4)), side])
        return positions[positions < top], heights[positions < top]
    count = chance.whole("lines", 8, 50) if sample == "powder" else chance.whole("lines", 1, 9)
    positions = np.sort(chance.several("positions", chance.rng.uniform(min(0.6, top / 2), top, count)))
    # Wilson statistics: the intensities of a general structure are exponentially distributed.
    heights = chance.several("heights", chance.rng.exponential(1.0, count))
    return positions, heights * np.exp(-((positions / top) ** 2) * chance.uniform("disorder", 0, 2))


def _spots(chance: Chance, q: Array) -> Array:
    """Return the reflections (|q|, azimuth) of few large crystals: spots, with thermal streaks towards the centre."""
    azimuth = np.linspace(-np.pi, np.pi, _ANGLES)
    count = chance.whole("spots", 4, 80)
    place = chance.several("positions", chance.rng.uniform(min(0.5, q[-1] / 3), q[-1], count))
    angle = chance.several("azimuths", chance.rng.uniform(-np.pi, np.pi, count))
    width, turn = chance.log_uniform("width", 0.006, 0.04), np.deg2rad(chance.log_uniform("mosaic", 0.3, 5.0))
    away = np.abs((azimuth[None, :] - angle[:, None] + np.pi) % (2 * np.pi) - np.pi)
    radial = np.exp(-(((q[:, None] - place) / width) ** 2) / 2)
    if chance.happens("streaks", 0.4):
        radial += 0.03 / (1 + ((q[:, None] - place) / (8 * width)) ** 2)
    strong = chance.several("heights", np.minimum(chance.rng.exponential(1.0, count), 4.0))
    spots = (radial * strong).astype(np.float32) @ np.exp(-((away / turn) ** 2) / 2).astype(np.float32)
    return np.asarray(spots / max(float(spots.max()), 1e-12), dtype=np.float64)
