"""Small-angle scattering at grazing incidence: islands, particles in films, superlattices, lamellae, rough surfaces."""

import numpy as np

from camsortxs.simulate import curves
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.dwba import Body, Layers, Matter, born_table, reflectivity, rough_table
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.horizon import horizon
from camsortxs.simulate.pattern import Array, Reflected

_SUBSTRATES = {"Si": (4.888e-6, 7.39e-8), "glass": (4.6e-6, 3e-8), "Au": (2.971e-5, 2.08e-6)}
_FILMS = {"PS": (2.347e-6, 1.87e-9), "MAPbI3": (7.1e-6, 2.0e-7), "oxide": (6.5e-6, 1.5e-7)}
"""Delta and beta at 10 keV (xraydb); delta scales with E^-2, beta with E^-4 between edges."""
_SAMPLES = {
    "islands": 0.33, "in_film": 0.17, "superlattice": 0.14, "lamellae": 0.08, "grating": 0.06, "rough": 0.22,
}  # fmt: skip
_HEXAGONAL = np.array([0, 1, 3, 4, 7, 9, 12])
_TABLE = (420, 360)


def pattern(chance: Chance, setup: Setup) -> Reflected:
    """Draw a sample on a substrate. Ranges: SIMULATION.md sections 3.3 and 4."""
    q_par, sin_exit = setup.grazing(glance=True)
    incidence = float(np.deg2rad(setup.incidence or 0.2))
    first_max, second_max = float(q_par.max()) * 1.001 + 1e-6, max(float(sin_exit.max()), 1e-3) * 1.001
    q, exits = np.linspace(0, first_max, _TABLE[0]), np.linspace(0, second_max, _TABLE[1])
    sample = chance.choose("sample", _SAMPLES)
    layers = _layers(chance, setup, in_film=sample in ("in_film", "lamellae", "superlattice"))
    table = _unit(_rough(chance, q, exits, incidence, layers.substrate))
    if sample in ("islands", "in_film", "grating"):
        table = chance.log_uniform("rough_part", 1e-4, 0.05) * table + _unit(
            _bodies(chance, sample, q, exits, incidence, setup.k, layers)
        )
    elif sample in ("superlattice", "lamellae"):
        spots = _superlattice if sample == "superlattice" else _lamellae
        table = chance.log_uniform("rough_part", 1e-3, 1.0) * table + _unit(
            spots(chance, q, exits, incidence, setup.k, layers)
        )
    # Rough interfaces and a spread of heights let real rods fade upwards.
    fade = np.exp(-((setup.k * exits * chance.log_uniform("fade", 2.0, 30.0)) ** 2))
    ends = (float(sin_exit.min()) - 1e-4, float(sin_exit.max()) + 1e-4)
    nodes = np.linspace(*ends, 8000)
    return Reflected(
        table=table * fade + 1e-6, first_max=first_max, second_max=second_max, exits=ends,
        surface=horizon(chance, nodes), rods=_specular(chance, setup, first_max, nodes),
    )  # fmt: skip


def _layers(chance: Chance, setup: Setup, *, in_film: bool) -> Layers:
    energy = 12.39842 / (setup.wavelength * 1e10)

    def matter(values: tuple[float, float]) -> Matter:
        return Matter(delta=values[0] * (10 / energy) ** 2, beta=values[1] * (10 / energy) ** 4)

    substrate = matter(_SUBSTRATES[chance.choose("substrate", {"Si": 0.6, "glass": 0.25, "Au": 0.15})])
    if not in_film:
        return Layers(substrate=substrate)
    film = matter(_FILMS[chance.choose("film", {"PS": 0.7, "MAPbI3": 0.15, "oxide": 0.15})])
    return Layers(
        substrate=substrate, film=film, thickness=chance.log_uniform("thickness", 120, 2500),
        roughness=chance.uniform("roughness", 0, 15),
    )  # fmt: skip


def _bodies(chance: Chance, sample: str, q: Array, exits: Array, incidence: float, k: float, layers: Layers) -> Array:
    """Islands on the substrate or particles in the film, and how they lie beside each other."""
    radius = chance.log_uniform("radius", 12.0, 150.0)
    height = radius * chance.log_uniform("height_to_radius", 0.4, 2.2)
    if layers.thickness:
        height = min(height, layers.thickness)
    shape = chance.choose("shape", {"cylinder": 0.45, "hemispheroid": 0.35, "spheroid": 0.2})
    body = Body(shape=shape, radius=radius, height=height, spread=chance.log_uniform("spread", 0.04, 0.35))
    table = born_table(q, exits, k=k, incidence=incidence, layers=layers, body=body)
    return table * _structure(chance, sample, q, radius)[:, None]


def _structure(chance: Chance, sample: str, q: Array, radius: float) -> Array:
    """Return the interference along the surface: Hosemann's paracrystal, a powder of a 2-D lattice, a grating, none."""
    odds = {"grating": 1.0} if sample == "grating" else {"none": 0.2, "paracrystal": 0.5, "lattice": 0.3}
    order = chance.choose("order", odds)
    if order == "none":
        return np.ones_like(q)
    spacing = 2 * radius * chance.uniform("spacing_to_diameter", 1.05, 3.5)
    if order == "paracrystal":
        return curves.paracrystal(q, spacing, spacing * chance.uniform("disorder", 0.08, 0.4))
    if order == "grating":
        first, ratios = 2 * np.pi / chance.log_uniform("period", 300, 3000), np.arange(1, 40.0)
    else:
        first, ratios = 2 * np.pi / spacing, np.sqrt([1, 3, 4, 7, 9, 12, 13, 16, 19, 21])
    width = first * chance.log_uniform("peak_width", 0.01, 0.12)
    return np.asarray(0.02 + (1 / (1 + ((q[:, None] - first * ratios) / width) ** 2) / ratios).sum(axis=1))


def _superlattice(chance: Chance, q: Array, exits: Array, incidence: float, k: float, layers: Layers) -> Array:
    """Particles stacked in three dimensions: spots along rods, each twice, by the direct and the reflected beam."""
    a, c = chance.log_uniform("a", 50, 350), chance.log_uniform("c", 50, 350)
    rods, orders = np.arange(0, chance.whole("rods", 2, 6)), np.arange(-1, chance.whole("layer_lines", 3, 8))
    ratios = np.sqrt(_HEXAGONAL[: len(rods)]) if chance.happens("hexagonal", 0.4) else rods
    first = 2 * np.pi / a
    across = 1 / (1 + ((q[:, None] / first - ratios) / chance.log_uniform("rod_width", 0.01, 0.1)) ** 2)
    inside = _inside(exits, k, layers)
    falling = _inside(np.array([np.sin(incidence)]), k, layers)[0]
    width = 2 * np.pi / c * chance.log_uniform("spot_width", 0.03, 0.25)
    along = np.zeros((len(rods), len(exits)))
    for rod in rods:
        shift = 0.5 * (rod % 2) if chance.happens(f"centred_{rod}", 0.4) else 0.0
        strength = chance.several(f"spots_{rod}", chance.rng.exponential(1.0, len(orders))) * np.exp(-0.3 * rod)
        for order, height in zip(orders, strength, strict=True):
            place = 2 * np.pi / c * (order + shift)
            along[rod] += height / (1 + ((inside + falling - place) / width) ** 2)
            along[rod] += 0.4 * height / (1 + ((inside - falling - place) / width) ** 2)
    leaves = np.abs(1 + reflectivity(exits, layers.film)) ** 2
    return np.asarray(across @ (along * leaves + 1e-3))


def _lamellae(chance: Chance, q: Array, exits: Array, incidence: float, k: float, layers: Layers) -> Array:
    """Layers along the surface: sheets of diffuse scattering at the orders of their spacing, with Kiessig fringes."""
    spacing = chance.log_uniform("spacing", 80, 600)
    width = 2 * np.pi / spacing * chance.log_uniform("order_width", 0.04, 0.2)
    q_z = _inside(exits, k, layers) + _inside(np.array([np.sin(incidence)]), k, layers)[0]
    sheets = sum(np.exp(-0.7 * n) / (1 + ((q_z - 2 * np.pi * n / spacing) / width) ** 2) for n in range(1, 6))
    fringes = 1 + chance.uniform("fringes", 0.0, 0.8) * np.cos(q_z * layers.thickness)
    bend = 1 / (1 + (q / (2 * np.pi / spacing * chance.log_uniform("lateral", 0.05, 1.5))) ** 2) ** 1.5
    leaves = np.abs(1 + reflectivity(exits, layers.film)) ** 2
    return np.asarray(np.outer(bend, (np.asarray(sheets) + 0.02) * fringes * leaves))


def _inside(sin_exit: Array, k: float, layers: Layers) -> Array:
    """Return the normal component of the wave vector inside the film (its real part, refracted)."""
    return np.asarray(k * np.sqrt(np.maximum(sin_exit**2 - 2 * layers.film.delta, 0.0)))


def _rough(chance: Chance, q: Array, exits: Array, incidence: float, matter: Matter) -> Array:
    """Return the diffuse scattering of the surface, fading upwards."""
    correlation, hurst = chance.log_uniform("correlation", 50, 20000), chance.uniform("hurst", 0.2, 0.9)
    table = rough_table(q, exits, incidence=incidence, matter=matter, correlation=correlation, hurst=hurst)
    return np.asarray(table * np.exp(-((exits / exits[-1]) ** 2) * chance.uniform("rough_fade", 1, 6)))


def _unit(table: Array) -> Array:
    return np.asarray(table / max(float(np.percentile(table[::4, ::4], 99)), 1e-30))


def _specular(chance: Chance, setup: Setup, first_max: float, nodes: Array) -> tuple[tuple[Array, Array], ...]:
    """Return the reflected beam, where it is not stopped, and the specular rod."""
    sigma = setup.pixel / setup.distance * chance.uniform("beam_size", 0.8, 3.0)
    sine = float(np.sin(np.deg2rad(setup.incidence or 0.2)))
    across = np.linspace(0, first_max, 8000)
    beam = np.where(across < 6 * sigma * setup.k, np.exp(-((across / setup.k / sigma) ** 2) / 2), 0.0)
    fall = np.exp(-np.clip(nodes, 0, None) / (chance.log_uniform("rod_length", 1.0, 6.0) * sine)) * (nodes > 0)
    along = chance.log_uniform("rod", 1e-2, 30.0) * fall
    if chance.happens("shows_reflected_beam", 0.6):
        spot = np.exp(-((nodes - sine) ** 2) / (2 * sigma**2))
        along = along + chance.log_uniform("reflected_beam", 1e-2, 1e5) * spot
    return ((beam, along),)
