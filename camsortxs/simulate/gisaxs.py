"""Small-angle scattering at grazing incidence: the distorted-wave Born approximation for bodies of revolution."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Array, Pattern

Complex = npt.NDArray[np.complex128]

_SUBSTRATES = [(("Si", 4.888e-6, 7.39e-8), 0.6), (("glass", 4.6e-6, 3e-8), 0.25), (("Au", 2.971e-5, 2.08e-6), 0.15)]
"""Name, delta and beta at 10 keV (xraydb); delta scales with E^-2, beta with E^-4 between edges."""
_ORDER = [("none", 0.15), ("paracrystal", 0.4), ("lattice", 0.2), ("grating", 0.08), ("roughness", 0.17)]
_TABLE = (420, 360)


def pattern(rng: np.random.Generator, setup: Setup) -> Pattern:
    """Draw islands, cylinders or rough films on a substrate. Ranges: SIMULATION.md sections 3.3 and 4."""
    q_par, _, sin_af = setup.grazing()
    (name, delta, beta) = choose(rng, _SUBSTRATES)
    energy = 12.39842 / (setup.wavelength * 1e10)
    delta, beta = delta * (10 / energy) ** 2, beta * (10 / energy) ** 4
    order = choose(rng, _ORDER)
    radius = log_uniform(rng, 12.0, 150.0)
    table_q = np.linspace(0, float(q_par.max()) * 1.001 + 1e-6, _TABLE[0])
    table_a = np.linspace(0, max(float(sin_af.max()), 1e-3) * 1.001, _TABLE[1])
    ai = np.deg2rad(setup.incidence or 0.2)
    parameters: dict[str, float | str] = {"substrate": name, "order": order}
    if order == "roughness":
        table = _roughness(rng, table_q, table_a, ai, delta, beta)
    else:
        height = radius * log_uniform(rng, 0.4, 2.2)
        shape = choose(rng, [("cylinder", 0.45), ("hemispheroid", 0.35), ("spheroid", 0.2)])
        table = born_table(table_q, table_a, setup.k, ai, delta, beta, radius=radius, height=height, shape=shape,
                           spread=log_uniform(rng, 0.04, 0.35))  # fmt: skip
        table = table * _structure(rng, order, table_q, radius)[:, None]
        parameters |= {"radius": radius, "height": height, "shape": shape}
        table = table / np.percentile(table, 99) + log_uniform(rng, 1e-4, 0.05) * _unit(
            _roughness(rng, table_q, table_a, ai, delta, beta)
        )
    # Rough interfaces and a spread of heights let real rods fade upwards.
    table = table * np.exp(-((setup.k * table_a * log_uniform(rng, 2.0, 30.0)) ** 2))[None, :] + 1e-6 * table.max()
    above = _look_up(table / np.percentile(table, 99), q_par, sin_af, table_q, table_a)
    intensity = above * _horizon(rng, sin_af) + _specular(rng, setup, sin_af, q_par)
    return Pattern(intensity=intensity, parameters=parameters)


def born_table(
    q_par: Array, sin_af: Array, k: float, ai: float, delta: float, beta: float, *,
    radius: float, height: float, shape: str, spread: float, slices: int = 24, sizes: int = 7,
) -> Array:  # fmt: skip
    """Return |A|^2 on (q_par, sin alpha_f), averaged over sizes: bodies of revolution on a substrate.

    A = sum over slices of B(q_par, z) psi(ai, z) psi(af, z) dz with B = 2 pi R_z^2 J1(q R_z)/(q R_z) and
    psi = exp(-i k_z z) + r exp(+i k_z z): one complex matrix product holds the four terms.

    Source: Renaud, Lazzari & Leroy, Surf. Sci. Rep. 64, 255 (2009); Lazzari, J. Appl. Cryst. 35, 406 (2002).
    """
    total = np.zeros((len(q_par), len(sin_af)))
    nodes = np.linspace(-2, 2, sizes) if sizes > 1 else np.zeros(1)
    for node in nodes:
        scale = max(0.2, 1 + spread * node)
        z = (np.arange(slices) + 0.5) * height * scale / slices
        r = radius * scale * _profile(shape)(z / (height * scale))
        x = np.maximum(q_par[:, None] * r[None, :], 1e-6)
        body = 2 * np.pi * r**2 * special.j1(x) / x
        waves = _wave(np.sin(ai), z, k, delta, beta)[None, :] * _wave(sin_af[:, None], z[None, :], k, delta, beta)
        amplitude = (body.astype(np.complex128) @ waves.T) * (z[1] - z[0])
        total += np.exp(-(node**2) / 2) * np.abs(amplitude) ** 2
    return total


def reflectivity(sin_a: Array | float, delta: float, beta: float) -> Complex:
    """Return the Fresnel amplitude of a smooth substrate at the sine of a grazing angle."""
    s = np.asarray(sin_a, dtype=np.complex128)
    inside = np.sqrt(s**2 - 2 * delta + 2j * beta)
    result: Complex = (s - inside) / (s + inside + 1e-30)
    return result


def _wave(sin_a: Array | float, z: Array, k: float, delta: float, beta: float) -> Complex:
    s = np.asarray(sin_a)
    result: Complex = np.exp(-1j * k * s * z) + reflectivity(s, delta, beta) * np.exp(1j * k * s * z)
    return result


def _profile(shape: str) -> Callable[[Array], Array]:
    if shape == "cylinder":
        return np.ones_like
    if shape == "hemispheroid":
        return lambda t: np.sqrt(np.maximum(1 - t**2, 0))
    return lambda t: np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))


def _structure(rng: np.random.Generator, order: str, q: Array, radius: float) -> Array:
    """Return the interference of the islands along q_par (Hosemann's paracrystal; powder of a 2-D lattice; grating)."""
    if order == "none":
        return np.ones_like(q)
    spacing = 2 * radius * rng.uniform(1.05, 3.5)
    if order == "paracrystal":
        x = np.maximum(q, 1e-2 / spacing)
        f = np.exp(-((x * spacing * rng.uniform(0.08, 0.4)) ** 2) / 2)
        return np.asarray((1 - f**2) / (1 + f**2 - 2 * f * np.cos(x * spacing)))
    if order == "grating":
        first, ratios = 2 * np.pi / log_uniform(rng, 300, 3000), np.arange(1, 40.0)
    else:
        first, ratios = 2 * np.pi / spacing, np.sqrt([1, 3, 4, 7, 9, 12, 13, 16, 19, 21])
    width = first * log_uniform(rng, 0.01, 0.12)
    lines = sum(1 / (1 + ((q - first * ratio) / width) ** 2) / ratio for ratio in ratios)
    return np.asarray(0.02 + lines)


def _roughness(rng: np.random.Generator, q: Array, sin_af: Array, ai: float, delta: float, beta: float) -> Array:
    """Return the diffuse scattering of a rough surface with its Yoneda band (Sinha et al., PRB 38, 2297, 1988)."""
    ti = np.abs(1 + reflectivity(np.sin(ai), delta, beta)) ** 2
    tf = np.abs(1 + reflectivity(sin_af, delta, beta)) ** 2
    xi, hurst = log_uniform(rng, 50, 2000), rng.uniform(0.2, 0.9)
    damping = np.exp(-((sin_af / max(sin_af[-1], 1e-6)) ** 2) * rng.uniform(1, 6))
    return np.asarray(ti * (tf * damping)[None, :] / (1 + (q[:, None] * xi) ** 2) ** (1 + hurst))


def _unit(table: Array) -> Array:
    return np.asarray(table / np.percentile(table, 99))


def _look_up(table: Array, q_par: Array, sin_af: Array, table_q: Array, table_a: Array) -> Array:
    places = [q_par / table_q[-1] * (len(table_q) - 1), np.clip(sin_af, 0, None) / table_a[-1] * (len(table_a) - 1)]
    result: Array = ndimage.map_coordinates(table, places, order=1, mode="nearest")
    return result


def _horizon(rng: np.random.Generator, sin_af: Array) -> Array:
    """Return what passes below the horizon: nothing, a leak, or a thin sample's own scattering."""
    leak = choose(rng, [(0.0, 0.5), (log_uniform(rng, 1e-3, 0.05), 0.4), (rng.uniform(0.05, 0.3), 0.1)])
    width = log_uniform(rng, 1e-5, 2e-3)
    return np.asarray(leak + (1 - leak) * special.expit(np.clip(sin_af / width, -50, 50)))


def _specular(rng: np.random.Generator, setup: Setup, sin_af: Array, q_par: Array) -> Array:
    """Return the reflected beam, where it is not stopped, and the specular rod."""
    sigma = setup.pixel / setup.distance * rng.uniform(0.8, 3.0)
    ai = np.deg2rad(setup.incidence or 0.2)
    spot = np.exp(-((sin_af - np.sin(ai)) ** 2 + (q_par / setup.k) ** 2) / (2 * sigma**2))
    rod = np.exp(-((q_par / setup.k / sigma) ** 2) / 2) * np.exp(-np.clip(sin_af, 0, None) / (3 * np.sin(ai)))
    strength = log_uniform(rng, 1e-2, 1e5) if rng.random() < 0.6 else 0.0
    return np.asarray(strength * spot + log_uniform(rng, 1e-2, 3.0) * rod * (sin_af > 0))
