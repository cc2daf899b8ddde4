"""Where the detector stands, so that the label policy on q90 holds."""

from functools import partial

import numpy as np

from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.labels import q90
from camsortxs.techniques import Technique, regime

_EDGE = {"SAXS": (0.06, 0.5), "WAXS": (1.7, 5.2), "GISAXS": (0.07, 0.45), "GIWAXS": (1.5, 3.6)}
"""The q (1/angstrom) at the edge of the detector, log-uniform; SIMULATION.md section 4."""
_DISTANCE = {"SAXS": (0.4, 12.0), "WAXS": (0.04, 2.5), "GISAXS": (0.8, 10.0), "GIWAXS": (0.06, 1.0)}
_TRIES = 50


def draw_setup(chance: Chance, technique: Technique, shape: tuple[int, int], pixel: float) -> Setup:
    """Draw a set-up whose q90 is small for SAXS and GISAXS, wide for WAXS and GIWAXS; never `mid`."""
    wanted, before = "wide" if technique.wide else "small", dict(chance.drawn)
    for _ in range(_TRIES):
        setup = _any_setup(chance, technique, shape, pixel)
        if regime(q90(setup)) == wanted:
            return setup
        chance.back_to(before)
    raise RuntimeError(f"no {technique} set-up in {_TRIES} tries on {shape}")


def _any_setup(chance: Chance, technique: Technique, shape: tuple[int, int], pixel: float) -> Setup:
    energy = _energy(chance, technique)
    wavelength = 12.39842e-10 / energy
    quarter = 0.0
    if technique.grazing:
        quarter = chance.choose("hanging", {0.0: 0.8, 90.0: 0.08, -90.0: 0.08, 180.0: 0.04})
        foot = _grazing_foot(chance, shape, quarter)
    else:
        foot = _foot(chance, technique, shape)
    corners = np.array([(r, c) for r in (0, shape[0]) for c in (0, shape[1])])
    reach = np.hypot(*(corners - foot).T).max() * pixel
    edge = chance.log_uniform("q_edge", *_EDGE[technique])
    # q = 4 pi / lambda sin(theta): the distance that puts `edge` at the farthest corner.
    sine = min(edge * wavelength * 1e10 / (4 * np.pi), 0.6)
    distance = float(np.clip(reach / np.tan(2 * np.arcsin(sine)), *_DISTANCE[technique]))
    setup = partial(Setup, shape=shape, pixel=pixel, wavelength=wavelength)
    if technique.grazing:
        critical = 0.18 * 10 / energy
        incidence = (
            chance.log_uniform("incidence", 0.08, 0.6)
            if chance.happens("incidence_at_will", 0.5)
            else chance.keep("incidence", critical * chance.uniform("over_critical", 0.7, 2.0))
        )
        roll = quarter + chance.normal("roll", 0, 0.3 if chance.happens("well_aligned", 0.8) else 1.5)
        return setup(distance=distance, foot=foot, incidence=incidence, roll=roll)
    if technique is Technique.WAXS and chance.happens("on_arm", 0.15):
        # The detector faces the sample, on an arm that puts its outer edge at the wanted q.
        outer = 2 * float(np.rad2deg(np.arcsin(sine)))
        half = chance.uniform("half_opening", 3.0, max(4.0, min(0.45 * outer, 25.0)))
        arm = chance.keep("arm", (outer - half) * (1 if chance.happens("arm_right", 0.7) else -1))
        distance = max(shape) * pixel / 2 / float(np.tan(np.deg2rad(half)))
        return setup(distance=distance, foot=(shape[0] * chance.uniform("foot_row", 0.2, 0.8), shape[1] / 2), arm=arm)
    return setup(distance=distance, foot=foot)


def _energy(chance: Chance, technique: Technique) -> float:
    """Draw a photon energy in keV: 10.0 of ALS 7.3.3, usual synchrotron energies, copper, 13.5; high for powders."""
    if technique is Technique.WAXS and chance.happens("high_energy", 0.15):
        return chance.uniform("energy", 40, 100)
    chosen = chance.choose("usual_energy", {10.0: 0.45, 0.0: 0.35, 8.048: 0.12, 13.5: 0.08})
    return chance.keep("energy", chosen or chance.uniform("other_energy", 7, 18))


def _foot(chance: Chance, technique: Technique, shape: tuple[int, int]) -> tuple[float, float]:
    """Draw the beam's (row, column): the middle, an edge or corner, or off the detector."""
    odds = {"middle": 0.74, "edge": 0.22, "off": 0.04}
    strip = max(shape) > 1.8 * min(shape)
    if technique is Technique.WAXS:
        odds = {"middle": 0.05, "edge": 0.15, "off": 0.80} if strip else {"middle": 0.38, "edge": 0.22, "off": 0.40}
    elif strip:
        odds = {"middle": 0.45, "edge": 0.50, "off": 0.05}
    where = chance.choose("beam_at", odds)
    place = [chance.normal(f"beam_{axis}", 0.5, 0.13) for axis in ("row", "column")]
    longer = int(np.argmax(shape))
    if where == "edge":
        first = longer if strip or chance.happens("along_longer", 0.5) else 1 - longer
        place[first] = _near_edge(chance, "edge_place", 0.12)
        if not strip and chance.happens("corner", 0.4):
            place[1 - first] = _near_edge(chance, "corner_place", 0.15)
    elif where == "off":
        away = chance.uniform("off_by", 0.05, 1.5)
        first = longer if chance.happens("off_along_longer", 0.7) else 1 - longer
        place[first] = -away if chance.happens("off_before", 0.5) else 1 + away
    return float(place[0] * shape[0]), float(place[1] * shape[1])


def _near_edge(chance: Chance, name: str, within: float) -> float:
    inset = chance.uniform(name, -0.02, within)
    return inset if chance.happens(f"{name}_first", 0.5) else 1 - inset


def _grazing_foot(chance: Chance, shape: tuple[int, int], quarter: float) -> tuple[float, float]:
    """Draw (row, column) of the direct beam, close to the side that the sample normal points away from.

    The normal points up, or, where the sample hangs sideways (`quarter` of 90 or -90 degree), left or right: the
    detector and its gaps stay where they are.
    """
    low = chance.uniform("beam_low", *((0.02, 0.3) if chance.happens("beam_at_edge", 0.6) else (0.2, 0.55)))
    across = chance.uniform("beam_across", *((0.3, 0.7) if chance.happens("central", 0.75) else (0.0, 1.0)))
    row, column = {0.0: (1 - low, across), 180.0: (low, across), 90.0: (across, 1 - low), -90.0: (across, low)}[quarter]
    return float(row * shape[0]), float(column * shape[1])
