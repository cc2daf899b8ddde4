"""What stands between sample and detector: parasitic scatter, flight tube, windows, stops, shadows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.simulate import kernels
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup

Light = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]

QUARTERS = {0.0: 0.4, 90.0: 0.3, -1.0: 0.3}
"""Most things stand level or upright; -1 is any angle (degree)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How likely each part of an instrument is, and how bright its halo; SIMULATION.md section 3.5."""

    tube: float
    window: float
    stop: float
    shadow: float
    streaks: float
    halo: tuple[float, float]
    flat: tuple[float, float]


HABITS = {
    "SAXS": Habits(tube=0.45, window=0.12, stop=0.85, shadow=0.2, streaks=0.3, halo=(1e-2, 200.0), flat=(3e-3, 0.6)),
    "WAXS": Habits(tube=0.04, window=0.02, stop=0.6, shadow=0.2, streaks=0.03, halo=(1e-3, 10.0), flat=(3e-3, 0.6)),
    "GISAXS": Habits(tube=0.5, window=0.08, stop=0.7, shadow=0.15, streaks=0.2, halo=(1e-2, 1e4), flat=(1e-3, 0.2)),
    "GIWAXS": Habits(tube=0.05, window=0.03, stop=0.6, shadow=0.25, streaks=0.03, halo=(1e-3, 30.0), flat=(0.02, 0.6)),
}


def stand_between(light: Light, setup: Setup, habits: Habits, chance: Chance) -> None:
    """Add the parasitic light, then take away what tube, window, stops and shadows hold back; in place."""
    diagonal = float(np.hypot(*setup.shape))
    level = float(np.percentile(light[:: max(1, setup.shape[0] // 64), :: max(1, setup.shape[1] // 64)], 90))
    _halo(light, setup, habits, level, diagonal, chance)
    if chance.happens("tube", habits.tube):
        _tube(light, setup, diagonal, chance.of("tube"))
    if chance.happens("window", habits.window):
        _window(light, setup, chance.of("window"))
    if chance.happens("stop", habits.stop):
        _stop(light, setup.beam, diagonal, chance.of("stop"))
    if setup.incidence is not None and chance.happens("second_stop", 0.4):
        _second_stop(light, setup, diagonal, chance.of("second_stop"))
    if chance.happens("shadow", habits.shadow):
        _shadow(light, setup, diagonal, chance.of("shadow"))


def _halo(light: Light, setup: Setup, habits: Habits, level: float, diagonal: float, chance: Chance) -> None:
    """Parasitic scatter of slits and windows around the direct beam, slit streaks, and what is everywhere alike."""
    radius = np.arange(0, 3 * diagonal, 1.0)
    core = chance.log_uniform("halo_core", 0.002, 0.03) * diagonal
    fall = 1 / (1 + (radius / core) ** chance.uniform("halo_slope", 2.0, 4.2))
    halo = level * chance.log_uniform("halo", *habits.halo) * fall + level * chance.log_uniform("flat", *habits.flat)
    kernels.around(light, *setup.beam, 1.0, halo.astype(np.float32), False)
    if not chance.happens("streak", habits.streaks):
        return
    part = chance.of("streak")
    width, spare = part.uniform("width", 1, 4), np.zeros_like(light)
    kernels.around(spare, *setup.beam, 1.0, (1 / (1 + (radius / core) ** 1.8)).astype(np.float32), False)
    beside = np.exp(-((np.arange(-40, 41) * 0.5 / width) ** 2)) * (np.abs(np.arange(-40, 41)) < 40)
    _beside(spare, setup.beam, _angle(part), beside * level * part.log_uniform("strength", 1, 100), step=0.5)
    light += spare


def _tube(light: Light, setup: Setup, diagonal: float, chance: Chance) -> None:
    """The round end of a flight tube, seen as a disc; around it, now and then, a fainter ring."""
    towards = chance.uniform("towards_beam", 0.0, 0.6)
    row, column = (
        towards * beam + (1 - towards) * side * chance.uniform(name, 0.4, 0.6)
        for beam, side, name in zip(np.clip(setup.beam, 0, setup.shape), setup.shape, ("row", "column"), strict=True)
    )
    edge = chance.uniform("radius", 0.5, 1.05) * diagonal / 2
    through = chance.log_uniform("through", 0.003, 0.3)
    soft = chance.uniform("soft", 0.5, 6.0)
    radius = np.arange(0, 2.5 * diagonal, 0.5)
    curve = _step(edge - radius, soft, through)
    if chance.happens("ring", 0.4):
        ring = chance.uniform("ring_radius", 1.05, 1.3) * edge
        curve *= _step(ring - radius, soft, chance.uniform("beyond", 0.1, 0.8))
    kernels.around(light, row, column, 0.5, curve.astype(np.float32), True)


def _window(light: Light, setup: Setup, chance: Chance) -> None:
    """A window with straight edges before a camera that sees more than it lets through."""
    through, tilt = chance.log_uniform("through", 1e-4, 0.1), np.deg2rad(chance.normal("tilt", 0, 2))
    soft = chance.uniform("soft", 0.5, 4.0)
    for side, quarter in (("bottom", 0.0), ("left", 90.0), ("top", 180.0), ("right", 270.0)):
        inset = chance.uniform(side, -0.1, 0.35 if chance.happens(f"{side}_far_in", 0.15) else 0.15)
        middle = (setup.shape[0] / 2, setup.shape[1] / 2)
        reach = (0.5 - inset) * setup.shape[0 if quarter % 180 == 0 else 1]
        away = np.arange(-2 * max(setup.shape), 2 * max(setup.shape))
        _beside(light, middle, np.deg2rad(quarter) + tilt, _step(reach - away, soft, through))


def _stop(light: Light, beam: tuple[float, float], diagonal: float, chance: Chance) -> None:
    """The stop of the direct beam, with what holds it: an arm, a wire right across, or the two posts of a bracket."""
    size = chance.log_uniform("size", 0.006, 0.05) * diagonal
    through = chance.log_uniform("through", 1e-4, 3e-2) if chance.happens("see_through", 0.5) else 0.0
    soft, form = chance.uniform("soft", 0.3, 1.5), chance.choose("form", {"disc": 0.65, "plate": 0.25, "bracket": 0.1})
    if form == "disc":
        radius = np.arange(0, 2.5 * diagonal, 0.5)
        kernels.around(light, *beam, 0.5, _step(radius - size, soft, through).astype(np.float32), True)
        wide = size
    else:
        wide = size * (chance.uniform("wide", 1.5, 3.0) if form == "bracket" else chance.uniform("wide", 0.5, 2.0))
        _plate(light, beam, size * (0.5 if form == "bracket" else 1.0), wide, soft, through)
    angle = _angle(chance, {0.0: 0.2, 90.0: 0.2, 180.0: 0.15, 270.0: 0.15} | ({} if form == "bracket" else {-1.0: 0.3}))
    posts = {"bracket": (-wide, wide)}.get(form, (0.0,))
    if form == "bracket" or chance.happens("arm", 0.65):
        across = chance.log_uniform("arm_width", 0.4, 0.3 * size + 1)
        away = np.arange(-4 * across - 20, 4 * across + 21, 0.5)
        both_ways = form == "disc" and chance.happens("wire", 0.12)
        for post in posts:
            start = (beam[0] + post * np.cos(angle), beam[1] - post * np.sin(angle))
            _beside(light, start, angle, _step(np.abs(away) - across, 0.5, through), 0.5, one_way=not both_ways)


def _second_stop(light: Light, setup: Setup, diagonal: float, chance: Chance) -> None:
    """A small stop on the reflected beam."""
    size = chance.log_uniform("size", 0.004, 0.02) * diagonal
    radius = np.arange(0, 2.5 * diagonal, 0.5)
    kernels.around(light, *setup.specular, 0.5, _step(radius - size, 0.6, 0.0).astype(np.float32), True)


def _shadow(light: Light, setup: Setup, diagonal: float, chance: Chance) -> None:
    """Something in the way: its straight or frayed edge, or a pipe."""
    soft, through = chance.log_uniform("soft", 0.5, 20.0), chance.uniform("through", 0.0, 0.6)
    middle = (setup.shape[0] / 2, setup.shape[1] / 2)
    place = chance.uniform("place", 0.15, 0.5) * diagonal / 2
    away = np.arange(-1.5 * diagonal, 1.5 * diagonal)
    curve = _step(place - away, soft, through)
    if chance.happens("pipe", 0.3):
        curve = _step(np.abs(away - place) - chance.uniform("width", 0.02, 0.15) * diagonal, soft, through)
    edge = np.zeros(2)
    if chance.happens("frayed", 0.4):
        edge = chance.log_uniform("fray", 0.001, 0.02) * diagonal * _wander(chance, 96)
    angle = _angle(chance, {0.0: 0.15, 90.0: 0.15, 180.0: 0.15, 270.0: 0.15, -1.0: 0.4})
    _beside(light, middle, angle, curve, edge=edge)


def _plate(
    light: Light, centre: tuple[float, float], half_height: float, half_width: float, soft: float, through: float
) -> None:
    rows, columns = (np.arange(side) - middle for side, middle in zip(light.shape, centre, strict=True))
    near_rows = np.abs(rows) < half_height + 6 * soft
    near_columns = np.abs(columns) < half_width + 6 * soft
    high = _step(half_height - np.abs(rows[near_rows]), soft, 0.0)
    wide = _step(half_width - np.abs(columns[near_columns]), soft, 0.0)
    light[np.ix_(near_rows, near_columns)] *= 1 - (1 - through) * np.outer(high, wide)


def _beside(
    light: Light, point: tuple[float, float], angle: float, curve: Curve, step: float = 1.0, *,
    edge: Curve | None = None, one_way: bool = False,
) -> None:  # fmt: skip
    shift = np.zeros(2) if edge is None else edge
    kernels.beside(light, *point, angle, step, curve.astype(np.float32), shift.astype(np.float32), one_way)


def _angle(chance: Chance, odds: dict[float, float] = QUARTERS) -> float:
    """Draw an angle (radian) from the columns towards the rows."""
    chosen = chance.choose("upright", odds)
    return float(np.deg2rad(chance.uniform("angle", 0, 360) if chosen == -1.0 else chosen))


def _step(inside: Curve, soft: float, through: float) -> Curve:
    """Return 1 where `inside` is positive and `through` where it is negative, over `soft` pixels between."""
    return np.asarray(through + (1 - through) / (1 + np.exp(-np.clip(inside / max(soft, 0.1), -50, 50))))


def _wander(chance: Chance, nodes: int) -> Curve:
    """Return an uneven edge: a random walk with its slope taken out, of unit spread."""
    walk = np.cumsum(chance.rng.normal(size=nodes))
    walk -= np.linspace(walk[0], walk[-1], nodes)
    return np.asarray(walk / max(float(walk.std()), 1e-9))
