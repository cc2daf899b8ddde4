"""Wide-angle scattering at grazing incidence: oriented films, arcs about the normal, rings, halos, the horizon."""

import numpy as np

from camsortxs.simulate.chance import Chance
from camsortxs.simulate.dwba import Matter, reflectivity
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.horizon import horizon
from camsortxs.simulate.pattern import Array, Reflected, halos

_FILMS = {"polymer": 0.28, "lattice": 0.25, "crystalline": 0.15, "powder": 0.18, "amorphous": 0.14}
_TABLE = (1200, 360)


def pattern(chance: Chance, setup: Setup) -> Reflected:
    """Draw a film. Ranges: SIMULATION.md sections 3.4 and 4; kinematic, with refraction at the surface."""
    q_par, sin_exit = setup.grazing(glance=True)
    incidence = np.deg2rad(setup.incidence or 0.2)
    q_z = setup.k * (sin_exit + np.sin(incidence))
    top = float(np.hypot(q_par, q_z).max()) * 1.001
    exits = (float(sin_exit.min()) - 1e-3, float(sin_exit.max()) + 1e-3)
    film = chance.choose("film", _FILMS)
    grid, angle = np.linspace(0, top, _TABLE[0]), np.linspace(0, np.pi / 2, _TABLE[1])
    smooth = halos(chance, grid, most=2, centres=(0.8, 2.2), widths=(0.12, 0.5)) * chance.log_uniform("halo", 0.05, 1.0)
    table = (smooth + _core(chance, grid))[:, None]
    if film != "amorphous":
        table = table + chance.log_uniform("contrast", 0.1, 10.0) * _arcs(chance, film, grid, angle)
    nodes = np.linspace(*exits, 8000)
    delta = 3e-6 * (setup.wavelength / 1.24e-10) ** 2
    transmitted = np.abs(1 + reflectivity(np.clip(nodes, 0, None), Matter(delta=delta, beta=delta / 60))) ** 2
    # The Yoneda line is often less than a pixel high at wide angle, and films are rough.
    strength = chance.uniform("yoneda", 0.05, 1.0)
    surface = (1 - strength + strength * transmitted) * horizon(chance, nodes)
    return Reflected(
        table=np.broadcast_to(table, _TABLE), first_max=top, second_max=np.pi / 2, by_angle=True, surface=surface,
        exits=exits, rods=_streak(chance, setup, top, nodes),
    )  # fmt: skip


def _core(chance: Chance, q: Array) -> Array:
    """Return the small-angle scattering around the beam, and the air."""
    core = chance.log_uniform("core", 0.05, 5.0) * (q / 0.1 + 1) ** -chance.uniform("core_slope", 1.0, 3.0)
    return np.asarray(core + chance.log_uniform("air", 0.01, 0.5) * np.exp(-0.15 * q**2))


def _arcs(chance: Chance, film: str, q: Array, angle: Array) -> Array:
    """Return the reflections over |q| and the angle from the normal, 1 at the strongest.

    A fibre average about the normal spreads each over a circle: the arc is brighter near the pole (Baker 2010).
    """
    mosaic = float(np.deg2rad(chance.log_uniform("mosaic", 0.8, 40.0)))
    if film == "polymer":
        positions, tilts, heights = _polymer(chance)
        isotropic = chance.uniform("isotropic", 0.0, 0.5)
    elif film == "lattice":
        positions, tilts, heights = _lattice(chance, float(q[-1]))
        mosaic = float(np.deg2rad(chance.log_uniform("lattice_mosaic", 0.5, 8.0)))
        isotropic = chance.uniform("isotropic", 0.0, 0.15)
    else:
        few = film == "powder"
        count = chance.whole("lines", 2, 14) if few else chance.whole("lines", 3, 60)
        positions = np.sort(chance.several("positions", chance.rng.uniform(0.4, q[-1], count)))
        tilts = np.arccos(chance.several("tilts", chance.rng.uniform(0, 1, count)))
        heights = chance.several("heights", chance.rng.exponential(1.0, count))
        isotropic = chance.uniform("isotropic", 0.5, 1.0) if few else chance.uniform("isotropic", 0.0, 0.15)
        if not few:
            mosaic = float(np.deg2rad(chance.log_uniform("crystal_mosaic", 0.6, 12.0)))
    width = chance.log_uniform("width", 0.008, 0.06)
    radial = 1 / (1 + ((q[:, None] - positions) / width) ** 2) ** 1.5
    spread = np.exp(-((angle - tilts[:, None]) ** 2) / (2 * mosaic**2)) / np.maximum(np.sin(angle), np.sin(mosaic))
    spread = isotropic / 2 + (1 - isotropic) * spread / spread.max(axis=1, keepdims=True)
    table = (radial * heights).astype(np.float32) @ spread.astype(np.float32)
    return np.asarray(table / max(float(table.max()), 1e-12))


def _polymer(chance: Chance) -> tuple[Array, Array, Array]:
    """Lamellar orders along one direction, pi-stacking across it: edge-on (60 %) or face-on."""
    orders = np.arange(1.0, chance.whole("orders", 2, 4) + 1)
    lamellae = 0.0 if chance.happens("edge_on", 0.6) else np.pi / 2
    positions = np.append(2 * np.pi / chance.uniform("spacing", 14, 32) * orders, chance.uniform("stacking", 1.6, 1.78))
    tilts = np.append(np.full(len(orders), lamellae), np.pi / 2 - lamellae)
    heights = np.append(np.exp(-orders * chance.uniform("decay", 0.3, 1.2)), chance.uniform("stack_height", 0.05, 0.6))
    return positions, tilts, heights


def _lattice(chance: Chance, top: float) -> tuple[Array, Array, Array]:
    """Crystals with one axis along the normal, turned at random about it, as perovskites grow: spots in columns.

    Layered ones have a long axis, along the normal or in the plane, and many orders of it.
    """
    a = chance.uniform("a", 4.5, 9.0)
    c = chance.uniform("c", 12.0, 30.0) if chance.happens("layered", 0.5) else a * chance.uniform("c_over_a", 0.9, 1.6)
    most = int(np.ceil(top * max(a, c) / (2 * np.pi)))
    h, k, l = (axis.ravel() for axis in np.meshgrid(*[np.arange(0, most + 1)] * 3))  # noqa: E741 - Miller indices
    across, along = 2 * np.pi * np.hypot(h, k) / a, 2 * np.pi * l / c
    if c > 1.7 * a and chance.happens("layers_upright", 0.3):
        across, along = 2 * np.pi * np.hypot(h / a, l / c), 2 * np.pi * k / a
    q = np.hypot(across, along)
    keep = np.flatnonzero((q > 0.15) & (q < top))
    # Wilson statistics, and a third of the reflections extinct.
    heights = chance.rng.exponential(1.0, len(keep)) * (chance.rng.random(len(keep)) < 0.67)
    heights = heights * np.exp(-((q[keep] / top) ** 2) * chance.uniform("disorder", 0.5, 3.0))
    strongest = np.argsort(heights)[-120:]
    keep, heights = keep[strongest], chance.several("heights", heights[strongest])
    return q[keep], np.arctan2(across[keep], along[keep]), heights


def _streak(chance: Chance, setup: Setup, top: float, nodes: Array) -> tuple[tuple[Array, Array], ...]:
    """Return the truncation rod of the surface, where it shows: along the normal at no in-plane q."""
    if chance.happens("no_streak", 0.4):
        return ()
    across = np.linspace(0, top, 8000)
    q_z = setup.k * (nodes + np.sin(np.deg2rad(setup.incidence or 0.2)))
    along = 1 / (1 + (q_z / chance.uniform("streak_length", 0.1, 0.6)) ** 2) * (nodes > 0)
    width = chance.log_uniform("streak_width", 0.005, 0.03)
    # Cut off, so that pixels beside the streak are not asked about it.
    beam = np.where(across < 5 * width, np.exp(-((across / width) ** 2) / 2), 0.0)
    return ((beam, along * chance.log_uniform("streak", 0.3, 20.0)),)
