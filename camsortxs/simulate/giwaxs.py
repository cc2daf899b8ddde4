"""Wide-angle scattering at grazing incidence: oriented films, arcs about the normal, rings, halos, the horizon."""

import numpy as np
from scipy import ndimage, special

from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.gisaxs import reflectivity
from camsortxs.simulate.pattern import Array, Pattern

_FILMS = [("polymer", 0.35), ("crystalline", 0.3), ("powder", 0.2), ("amorphous", 0.15)]
_TABLE = (1200, 360)


def pattern(rng: np.random.Generator, setup: Setup) -> Pattern:
    """Draw a film. Ranges: SIMULATION.md sections 3.4 and 4; kinematic, with refraction at the surface."""
    q_par, q_z, sin_af = setup.grazing()
    q = np.hypot(q_par, q_z)
    top = float(q.max())
    film = choose(rng, _FILMS)
    grid_q = np.linspace(0, top * 1.001, _TABLE[0])
    grid_c = np.linspace(0, np.pi / 2, _TABLE[1])  # polar angle from the film normal
    positions, angles, heights, mosaic, isotropic = _reflections(rng, film, top)
    width = log_uniform(rng, 0.008, 0.06)
    radial = 1 / (1 + ((grid_q[:, None] - positions[None, :]) / width) ** 2) ** 1.5
    # A fibre average about the normal spreads each reflection over a circle: the arc is brighter near the pole.
    spread = np.exp(-((grid_c[None, :] - angles[:, None]) ** 2) / (2 * mosaic[:, None] ** 2))
    spread = spread / np.maximum(np.sin(grid_c)[None, :], np.sin(mosaic)[:, None])
    spread = isotropic / 2 + (1 - isotropic) * spread / spread.max(axis=1, keepdims=True)
    table = (radial * heights) @ spread
    table = table / max(float(table.max()), 1e-12) * log_uniform(rng, 0.1, 10.0)
    halo = np.zeros_like(grid_q)
    for _ in range(int(rng.integers(1, 3))):
        halo += rng.uniform(0.2, 1.0) * np.exp(-(((grid_q - rng.uniform(0.8, 2.2)) / rng.uniform(0.12, 0.45)) ** 2) / 2)
    core = log_uniform(rng, 0.05, 5.0) * (grid_q / 0.1 + 1) ** -rng.uniform(1.5, 3.0)
    table = table + (halo * log_uniform(rng, 0.1, 1.0) + core)[:, None]
    polar = np.arctan2(q_par, np.abs(q_z))
    places = [q / grid_q[-1] * (_TABLE[0] - 1), polar / (np.pi / 2) * (_TABLE[1] - 1)]
    above = ndimage.map_coordinates(table, places, order=1, mode="nearest")
    delta = 3e-6 * (setup.wavelength / 1.24e-10) ** 2
    yoneda = 0.3 + np.abs(1 + reflectivity(np.clip(sin_af, 0, None), delta, delta / 60)) ** 2
    intensity = above * yoneda * _shadow(rng, sin_af) + _streak(rng, q_par, q_z, sin_af)
    return Pattern(intensity=intensity, parameters={"film": film, "width": width})


def _reflections(rng: np.random.Generator, film: str, top: float) -> tuple[Array, Array, Array, Array, float]:
    """Return q, angle from the normal, height and mosaic spread (radian) of each reflection; the isotropic share."""
    mosaic = np.deg2rad(log_uniform(rng, 0.8, 40.0))
    if film == "polymer":
        first = 2 * np.pi / rng.uniform(14, 32)
        stack = 0.0 if rng.random() < 0.6 else np.pi / 2  # edge-on: lamellae along the normal; face-on: in the plane
        orders = np.arange(1, int(rng.integers(2, 5)) + 1)
        positions = np.append(first * orders, rng.uniform(1.6, 1.78))
        angles = np.append(np.full(len(orders), stack), np.pi / 2 - stack)
        heights = np.append(np.exp(-orders * rng.uniform(0.3, 1.2)), rng.uniform(0.05, 0.6))
        return positions, angles, heights, np.full(len(positions), mosaic), rng.uniform(0.0, 0.5)
    if film == "amorphous":
        return np.array([1.4]), np.zeros(1), np.array([1e-3]), np.array([mosaic]), 1.0
    count = int(rng.integers(3, 60)) if film == "crystalline" else int(rng.integers(2, 14))
    positions = np.sort(rng.uniform(0.4, top, count))
    angles = np.arccos(rng.uniform(0, 1, count))
    heights = rng.exponential(1.0, count)
    isotropic = rng.uniform(0.5, 1.0) if film == "powder" else rng.uniform(0.0, 0.15)
    sharp = np.deg2rad(log_uniform(rng, 0.6, 12.0)) if film == "crystalline" else mosaic
    return positions, angles, heights, np.full(count, sharp), isotropic


def _shadow(rng: np.random.Generator, sin_af: Array) -> Array:
    """Return what passes below the horizon: rings of the sample's edge leak through in real frames."""
    leak = choose(rng, [(0.0, 0.45), (log_uniform(rng, 1e-3, 0.05), 0.35), (rng.uniform(0.05, 0.3), 0.2)])
    width = log_uniform(rng, 1e-4, 4e-3)
    return np.asarray(leak + (1 - leak) * special.expit(np.clip(sin_af / width, -50, 50)))


def _streak(rng: np.random.Generator, q_par: Array, q_z: Array, sin_af: Array) -> Array:
    if rng.random() < 0.4:
        return np.zeros_like(q_par)
    width, length = log_uniform(rng, 0.005, 0.03), rng.uniform(0.1, 0.6)
    streak = np.exp(-((q_par / width) ** 2) / 2) / (1 + (q_z / length) ** 2) * (sin_af > 0)
    return np.asarray(log_uniform(rng, 0.3, 20.0) * streak)
