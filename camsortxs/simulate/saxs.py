"""Small-angle scattering in transmission: particles, polymers, ordered phases, fibres, calibrants, solutions."""

import numpy as np

from camsortxs.simulate import curves
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Array, Through, grainy, oriented

_SAMPLES = {
    "power_law": 0.16, "spheres": 0.12, "packed": 0.08, "coil": 0.10, "glassy_carbon": 0.08, "broad_peak": 0.10,
    "ordered": 0.15, "agbh": 0.18, "fibre": 0.08, "solution": 0.13,
}  # fmt: skip


def pattern(chance: Chance, setup: Setup) -> Through:
    """Draw a sample and its scattering. Ranges: SIMULATION.md sections 3.1 and 4."""
    top = float(setup.q(glance=True).max()) * 1.001
    q = np.linspace(top / 2000, top, 1500)
    sample = chance.choose("sample", _SAMPLES)
    if sample in ("agbh", "ordered"):
        table = _rings(chance, sample, q)
    elif sample == "fibre":
        table = _fibre(chance, q)
    else:
        table = _curve(chance, sample, q)[:, None] * _orientation(chance)
    level = table.mean(axis=1)
    # Real frames are mostly a steep background with the sample's own scattering on top of it.
    steep = (q / top + 0.01) ** -chance.uniform("background_slope", 1.8, 4.0)
    steep *= np.percentile(level, 90) / np.percentile(steep, 60)
    background = steep * chance.log_uniform("background", 1e-3, 0.5)
    background = background + chance.log_uniform("background_flat", 1e-2, 5.0) * np.median(level)
    return Through(table=table + background[:, None], q_max=top, flags=("calibrant",) if sample == "agbh" else ())


def _curve(chance: Chance, sample: str, q: Array) -> Array:
    """Return I(q) of a sample without sharp rings."""
    top = float(q[-1])
    if sample == "power_law":
        return np.asarray((q + top / 200) ** -chance.uniform("slope", 1.0, 4.2))
    if sample == "spheres":
        radius, spread = chance.log_uniform("radius", 1.5 / top, 25 / top), chance.log_uniform("spread", 0.03, 0.3)
        return curves.polydisperse_sphere(q, radius, spread) + 1e-5
    if sample == "packed":
        radius, fraction = chance.log_uniform("radius", 4 / top, 20 / top), chance.uniform("fraction", 0.1, 0.45)
        return curves.polydisperse_sphere(q, radius, 0.15) * curves.hard_spheres(q, radius, fraction) + 1e-4
    if sample == "glassy_carbon":
        rg, slope = chance.log_uniform("rg", 8.0, 15.0), chance.uniform("porod", 2.5, 3.5)
        return curves.guinier_porod(q, rg, slope) + 0.02 * (top / 30 / q) ** 3
    if sample == "broad_peak":
        q0, width = chance.uniform("q0", 0.1, 0.8) * top, chance.uniform("width", 0.1, 0.6)
        return curves.broad_peak(q, q0, width * q0) + 0.05 * (q / q0) ** -3
    rg, flat = chance.log_uniform("rg", 2 / top, 20 / top), chance.log_uniform("solvent", 1e-3, 0.2)
    if sample == "coil":
        return curves.debye_coil(q, rg) + flat
    return curves.guinier_porod(q, rg, chance.uniform("porod", 2.5, 4.0)) + flat


def _rings(chance: Chance, sample: str, q: Array) -> Array:
    """Silver behenate, or an ordered phase with its first peak where it can be seen, over the slope of its grains."""
    top = float(q[-1])
    if sample == "agbh":
        first = 2 * np.pi / curves.AGBH_D001
        positions = curves.lattice_positions("lamellar", first, max(2, min(14, int(top / first) + 1)))
        heights = np.exp(-positions / first * chance.uniform("decay", 0.1, 0.7))
        width, eta = chance.log_uniform("width", 0.008, 0.05), 0.5
        slope, level = chance.uniform("slope", 1, 3), chance.log_uniform("level", 0.003, 0.1)
    else:
        odds = {"lamellar": 0.4, "hexagonal": 0.3, "bcc": 0.12, "gyroid": 0.08, "fcc": 0.1}
        first = chance.uniform("first", 0.08, 0.6) * top
        positions = curves.lattice_positions(chance.choose("phase", odds), first, chance.whole("peaks", 1, 6))
        heights = chance.several("heights", chance.rng.exponential(1.0, len(positions)))
        heights = heights * np.exp(-((positions / first - 1) * chance.uniform("decay", 0.2, 1.0)))
        heights[0] = max(heights[0], 1.0)
        width, eta = chance.log_uniform("width", 0.01, 0.15), 0.8
        slope, level = chance.uniform("slope", 2, 4), chance.log_uniform("level", 0.01, 0.3)
    rings = curves.peaks(q, positions, heights, np.full(len(positions), width * first), eta=eta)[:, None]
    if sample == "ordered":
        if chance.happens("is_grainy", 0.15):
            rings = rings * grainy(chance.rng, chance.log_uniform("grains", 0.5, 20.0), rings=1)
        else:
            rings = rings * _orientation(chance)
    return np.asarray(rings + level * (q[:, None] / first) ** -slope)


def _orientation(chance: Chance) -> Array:
    """Return how the scattering is spread over the azimuth: evenly, mostly; or about one to three directions."""
    if not chance.happens("is_oriented", 0.2):
        return np.ones(1)
    strength, share = chance.log_uniform("orientation", 0.5, 60.0), chance.uniform("isotropic_share", 0.0, 0.7)
    copies = int(chance.choose("copies", {1.0: 0.8, 2.0: 0.12, 3.0: 0.08}))
    director = chance.uniform("director", 0, np.pi)
    return np.asarray(share + (1 - share) * oriented(director, strength=strength, copies=copies))


def _fibre(chance: Chance, q: Array) -> Array:
    """An equatorial streak of voids or fibrils and, in some, layer lines along the fibre."""
    rg, slope = chance.log_uniform("rg", 2 / q[-1], 12 / q[-1]), chance.uniform("porod", 2.0, 3.5)
    strength, director = chance.log_uniform("orientation", 3.0, 200.0), chance.uniform("director", 0, np.pi)
    share = chance.uniform("isotropic_share", 0.0, 0.3)
    fibre = curves.guinier_porod(q, rg, slope)[:, None] * (share + oriented(director, strength=strength))
    if not chance.happens("layer_lines", 0.4):
        return np.asarray(fibre)
    first = chance.uniform("layer_distance", 0.06, 0.35) * q[-1]
    azimuth = np.linspace(-np.pi, np.pi, fibre.shape[1]) - director
    along, across = np.abs(np.outer(q, np.sin(azimuth))), np.outer(q, np.cos(azimuth))
    width, high = chance.log_uniform("layer_width", 0.01, 0.05) * first, chance.log_uniform("layer_strength", 0.01, 1.0)
    for order in range(1, 6):
        fibre += high * np.exp(-order * 0.4 - ((along - order * first) / width) ** 2 - (across / first) ** 2)
    return np.asarray(fibre)
