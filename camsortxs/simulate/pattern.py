"""What a sample scatters: small tables that each pixel looks its intensity up in (SIMULATION.md section 2)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.simulate import kernels
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup

Array = npt.NDArray[np.float64]
Light = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """Transmission: `table` over |q| from 0 to `q_max` (1/angstrom) and, unless isotropic, azimuth from -pi to pi."""

    table: Array
    q_max: float
    flags: tuple[str, ...] = ()

    def light(self, setup: Setup, polarised: float) -> Light:
        """Return the intensity at each pixel; `polarised` is the share of the beam that is so horizontally."""
        light = np.empty(setup.shape, np.float32)
        kernels.light_through(
            light, setup.y, setup.z, setup.distance, np.deg2rad(setup.arm), setup.k, polarised, _single(self.table),
            self.q_max,
        )  # fmt: skip
        return light


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflected:
    """Grazing incidence: `table` over in-plane |q| from 0 to `first_max` (1/angstrom) and the sine of the exit angle
    from 0 to `second_max`, or (`by_angle`) over |q| and the angle from the film's normal, in radian.

    `surface` (n,) is what refraction and horizon leave, over the sine of the exit angle within `exits`. `rods` are
    pairs of curves, over in-plane |q| up to `first_max` and over `exits`, whose product is added: streaks and spots.
    """  # noqa: D205 - one sentence, two axes

    table: Array
    first_max: float
    second_max: float
    surface: Array
    exits: tuple[float, float]
    by_angle: bool = False
    rods: tuple[tuple[Array, Array], ...] = ()
    flags: tuple[str, ...] = ()

    def light(self, setup: Setup, polarised: float) -> Light:
        """Return the intensity at each pixel; `polarised` is the share of the beam that is so horizontally."""
        light = np.empty(setup.shape, np.float32)
        across, along = (
            _single(np.array([rod[part] for rod in self.rods]) if self.rods else np.zeros((1, 2))) for part in (0, 1)
        )
        kernels.light_reflected(
            light, setup.y, setup.z, setup.distance, np.deg2rad(setup.arm), setup.k, polarised,
            np.deg2rad(setup.incidence or 0.0), np.deg2rad(setup.roll), _single(self.table), self.first_max,
            self.second_max, self.by_angle, _single(self.surface), *self.exits, across, along,
        )  # fmt: skip
        return light


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """Light that no sample made, in counts: (height, width)."""

    counts: Array
    flags: tuple[str, ...] = ()

    def light(self, setup: Setup, polarised: float) -> Light:
        """Return it as it is."""
        return _single(self.counts)


Pattern = Through | Reflected | Bare


def _single(table: Array) -> Light:
    return np.ascontiguousarray(table, dtype=np.float32)


def oriented(director: float, *, strength: float, copies: int = 1, nodes: int = 721) -> Array:
    """Return an orientation distribution over -pi to pi, 1 on average: Maier-Saupe with `copies` maxima in a half.

    The first maximum is at the azimuth `director` (radian).
    """
    azimuth = np.linspace(-np.pi, np.pi, nodes)
    density = np.zeros_like(azimuth)
    for copy in range(copies):
        density += np.exp(strength * (np.cos(azimuth - director - copy * np.pi / copies) ** 2 - 1))
    return np.asarray(density / density[:-1].mean())


def grainy(rng: np.random.Generator, grains: float, rings: int, nodes: int = 1441) -> Array:
    """Return the graininess (rings, nodes) of rings of few crystals over -pi to pi, 1 on average: gamma-distributed."""
    values = rng.gamma(grains, 1 / grains, (rings, nodes))
    values[:, -1] = values[:, 0]
    return values


def halos(chance: Chance, q: Array, *, most: int, centres: tuple[float, float], widths: tuple[float, float]) -> Array:
    """Return the smooth scattering of what has no order (glass, water, polymers): one to `most` broad rings."""
    total = np.zeros_like(q)
    for number in range(chance.whole("halos", 1, most)):
        part = chance.of(f"halo_{number}")
        centre, width = part.uniform("centre", *centres), part.uniform("width", *widths)
        total += part.uniform("height", 0.2, 1.0) * np.exp(-(((q - centre) / width) ** 2) / 2)
    return total
