"""Small-angle scattering in transmission: particles, polymers, ordered phases, fibres, calibrants, solutions."""

import numpy as np

from camsortxs.simulate import curves
from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Array, Pattern, grainy, on_detector, oriented

_SAMPLES = [
    ("power_law", 0.18), ("spheres", 0.14), ("packed", 0.10), ("coil", 0.10), ("glassy_carbon", 0.06),
    ("broad_peak", 0.10), ("ordered", 0.16), ("agbh", 0.16), ("fibre", 0.08), ("solution", 0.10),
]  # fmt: skip


def pattern(rng: np.random.Generator, setup: Setup) -> Pattern:
    """Draw a sample and its scattering. Ranges: SIMULATION.md sections 3.1 and 4."""
    q = setup.q()
    top = float(q.max())
    grid = np.linspace(top / 2000, top, 1500)
    sample = choose(rng, _SAMPLES)
    curve, parameters, widths = _curve(rng, sample, grid)
    # Real frames are mostly a steep background with the sample's own scattering on top of it.
    steep = (grid / top + 0.01) ** -rng.uniform(1.8, 4.0)
    curve = curve / np.percentile(curve, 90)
    background = log_uniform(rng, 1e-3, 0.5) * steep / np.percentile(steep, 60)
    background = background + log_uniform(rng, 1e-3, 1.0) * np.median(curve)
    intensity = on_detector(q, grid, curve)
    if sample == "fibre" or (sample in ("ordered", "coil", "broad_peak", "power_law") and rng.random() < 0.25):
        strength = log_uniform(rng, 0.5, 60.0)
        share = rng.uniform(0.0, 0.7)
        copies = choose(rng, [(1, 0.8), (2, 0.12), (3, 0.08)])
        intensity = intensity * (share + (1 - share) * oriented(setup.azimuth(), rng, strength=strength, copies=copies))
        parameters |= {"orientation": strength, "isotropic_share": share}
    elif widths and rng.random() < 0.15:
        intensity = intensity * grainy(setup.azimuth(), rng, grains=log_uniform(rng, 0.5, 20.0))
    return Pattern(
        intensity=intensity + on_detector(q, grid, background),
        parameters={"sample": sample, **parameters},
        flags=("calibrant",) if sample == "agbh" else (),
    )


def _curve(rng: np.random.Generator, sample: str, q: Array) -> tuple[Array, dict[str, float | str], bool]:
    """Return the curve, its parameters, and whether it has sharp rings."""
    top = q[-1]
    if sample == "power_law":
        slope = rng.uniform(1.0, 4.2)
        return (q + top / 200) ** -slope, {"slope": slope}, False
    if sample == "spheres":
        radius, spread = log_uniform(rng, 1.5 / top, 25 / top), log_uniform(rng, 0.03, 0.3)
        return curves.polydisperse_sphere(q, radius, spread) + 1e-5, {"radius": radius, "spread": spread}, False
    if sample == "packed":
        radius, fraction = log_uniform(rng, 4 / top, 20 / top), rng.uniform(0.1, 0.45)
        curve = curves.polydisperse_sphere(q, radius, 0.15) * curves.hard_spheres(q, radius, fraction)
        return curve + 1e-4, {"radius": radius, "fraction": fraction}, False
    if sample in ("coil", "solution"):
        rg = log_uniform(rng, 2 / top, 20 / top)
        curve = curves.debye_coil(q, rg) if sample == "coil" else curves.guinier_porod(q, rg, rng.uniform(2.5, 4.0))
        return curve + log_uniform(rng, 1e-3, 0.2), {"rg": rg}, False
    if sample == "glassy_carbon":
        rg, slope = log_uniform(rng, 8.0, 15.0), rng.uniform(2.5, 3.5)
        return curves.guinier_porod(q, rg, slope) + 0.02 * (top / 30 / q) ** 3, {"rg": rg}, False
    if sample == "broad_peak":
        q0, width = rng.uniform(0.1, 0.8) * top, rng.uniform(0.1, 0.6)
        return curves.broad_peak(q, q0, width * q0) + 0.05 * (q / q0) ** -3, {"q0": q0}, False
    if sample == "agbh":
        first = 2 * np.pi / curves.AGBH_D001
        orders = np.arange(1, max(2, min(14, int(top / first) + 1)))
        heights = np.exp(-orders * rng.uniform(0.1, 0.7))
        curve = curves.peaks(q, first * orders, heights, np.full(len(orders), log_uniform(rng, 0.008, 0.05) * first))
        return curve + log_uniform(rng, 0.003, 0.1) * (q / first) ** -rng.uniform(1, 3), {"first": first}, True
    kind = choose(rng, [("lamellar", 0.4), ("hexagonal", 0.3), ("bcc", 0.12), ("gyroid", 0.08), ("fcc", 0.1)])
    first = rng.uniform(0.08, 0.6) * top
    positions = curves.lattice_positions(kind, first, int(rng.integers(1, 7)))
    heights = rng.exponential(1.0, len(positions)) * np.exp(-((positions / first - 1) * rng.uniform(0.2, 1.0)))
    heights[0] = max(heights[0], 1.0)
    curve = curves.peaks(q, positions, heights, np.full(len(positions), log_uniform(rng, 0.01, 0.15) * first), eta=0.8)
    return (
        curve + log_uniform(rng, 0.01, 0.3) * (q / first) ** -rng.uniform(2, 4),
        {"phase": kind, "first": first},
        True,
    )
