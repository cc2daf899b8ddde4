"""Where the detector stands, so that the label policy on q90 holds."""

import numpy as np

from camsortxs.evidence import q90
from camsortxs.simulate.chance import choose, log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.techniques import Technique, regime

_EDGE = {"SAXS": (0.06, 0.5), "WAXS": (1.7, 5.2), "GISAXS": (0.07, 0.45), "GIWAXS": (1.5, 3.6)}
"""The q (1/angstrom) at the edge of the detector, log-uniform; SIMULATION.md section 4."""
_DISTANCE = {"SAXS": (0.4, 12.0), "WAXS": (0.04, 2.5), "GISAXS": (0.8, 10.0), "GIWAXS": (0.06, 1.0)}
_TRIES = 50


def draw_setup(rng: np.random.Generator, technique: Technique, shape: tuple[int, int], pixel: float) -> Setup:
    """Draw a set-up whose q90 is small for SAXS and GISAXS, wide for WAXS and GIWAXS; never `mid`."""
    wanted = "wide" if technique.wide else "small"
    mask = np.zeros(shape, dtype=bool)
    for _ in range(_TRIES):
        setup = _any_setup(rng, technique, shape, pixel)
        reach = q90(setup.geometry, mask)
        if reach is not None and regime(reach) == wanted:
            return setup
    raise RuntimeError(f"no {technique} set-up in {_TRIES} tries on {shape}")


def _any_setup(rng: np.random.Generator, technique: Technique, shape: tuple[int, int], pixel: float) -> Setup:
    energy = choose(rng, [(10.0, 0.45), (rng.uniform(7, 18), 0.35), (8.048, 0.12), (13.5, 0.08)])
    if technique is Technique.WAXS and rng.random() < 0.15:
        energy = rng.uniform(40, 100)
    wavelength = 12.39842e-10 / energy
    quarter = choose(rng, [(0.0, 0.8), (90.0, 0.08), (-90.0, 0.08), (180.0, 0.04)]) if technique.grazing else 0.0
    centre = _grazing_centre(rng, technique, shape, quarter) if technique.grazing else _centre(rng, technique, shape)
    corners = np.array([(r, c) for r in (0, shape[0]) for c in (0, shape[1])])
    reach = np.hypot(*(corners - centre).T).max() * pixel
    edge = log_uniform(rng, *_EDGE[technique])
    # q = 4 pi / lambda sin(theta): the distance that puts `edge` at the farthest corner.
    sine = min(edge * wavelength * 1e10 / (4 * np.pi), 0.6)
    distance = float(np.clip(reach / np.tan(2 * np.arcsin(sine)), *_DISTANCE[technique]))
    incidence = None
    if technique.grazing:
        critical = 0.18 * 10 / energy
        incidence = log_uniform(rng, 0.08, 0.6) if rng.random() < 0.5 else critical * rng.uniform(0.7, 2.0)
    roll = quarter + float(rng.normal(0, 0.3 if rng.random() < 0.8 else 1.5)) if technique.grazing else 0.0
    return Setup(
        shape=shape,
        pixel=pixel,
        distance=distance,
        wavelength=wavelength,
        centre=centre,
        incidence=incidence,
        roll=roll,
    )


def _centre(rng: np.random.Generator, technique: Technique, shape: tuple[int, int]) -> tuple[float, float]:
    """Draw (row, column): the middle, an edge or corner, or off the detector."""
    weights = [("middle", 0.74), ("edge", 0.22), ("off", 0.04)]
    if technique is Technique.WAXS:
        weights = [("middle", 0.38), ("edge", 0.22), ("off", 0.40)]
    if max(shape) > 1.8 * min(shape) and technique is Technique.WAXS:
        weights = [("middle", 0.05), ("edge", 0.15), ("off", 0.80)]
    where = choose(rng, weights)
    place = rng.normal(0.5, 0.13, 2)
    if where == "edge":
        place[rng.integers(2)] = choose(rng, [(rng.uniform(-0.02, 0.12), 0.5), (rng.uniform(0.88, 1.02), 0.5)])
        if rng.random() < 0.4:
            place = np.array(
                [choose(rng, [(rng.uniform(0, 0.15), 0.5), (rng.uniform(0.85, 1), 0.5)]) for _ in range(2)]
            )
    elif where == "off":
        away = rng.uniform(0.1, 1.5)
        place[int(np.argmax(shape)) if rng.random() < 0.7 else rng.integers(2)] = choose(
            rng, [(-away, 0.5), (1 + away, 0.5)]
        )
    return float(place[0] * shape[0]), float(place[1] * shape[1])


def _grazing_centre(
    rng: np.random.Generator, technique: Technique, shape: tuple[int, int], quarter: float
) -> tuple[float, float]:
    """Draw (row, column) of the direct beam, close to the side that the sample normal points away from.

    The normal points up, or, where the sample hangs sideways (`quarter` of 90 or -90 degree), left or right: the
    detector and its gaps stay where they are.
    """
    low = rng.uniform(0.02, 0.55) if technique.wide else rng.uniform(0.05, 0.45)
    across = rng.uniform(0.3, 0.7) if rng.random() < 0.75 else rng.uniform(0.0, 1.0)
    row, column = {0.0: (1 - low, across), 180.0: (low, across), 90.0: (across, 1 - low), -90.0: (across, low)}[quarter]
    return float(row * shape[0]), float(column * shape[1])
