"""The distorted-wave Born approximation for bodies of revolution, on a substrate or inside a film.

First order in the contrast of the bodies, exact in the layers around them: Renaud, Lazzari & Leroy, Surf. Sci. Rep. 64,
255 (2009); Lazzari, J. Appl. Cryst. 35, 406 (2002). Lengths in angstrom, wave vectors in 1/angstrom.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
_MOST_SLICES = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Refractive index 1 - `delta` + i `beta`."""

    delta: float
    beta: float


VACUUM = Matter(delta=0.0, beta=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What the bodies stand on, or, with a `film` of a `thickness` around them, lie in.

    `roughness` (root mean square) is that of the interface between film and substrate, after Nevot & Croce.
    """

    substrate: Matter
    film: Matter = VACUUM
    thickness: float = 0.0
    roughness: float = 0.0

    def wave(self, sin_a: Array, z: Array, k: float) -> Complex:
        """Return the wave (angles, heights) of unit strength that falls in, or leaves, at an angle of this sine.

        Heights are counted from the substrate upwards. In a film the wave goes to and fro between its two sides, which
        makes its resonances: SIMULATION.md section 3.3.
        """
        outside, inside = (_normal(sin_a, matter, k)[:, None] for matter in (VACUUM, self.film))
        below = _normal(sin_a, self.substrate, k)[:, None]
        back = _fresnel(inside, below) * np.exp(-2 * inside * below * self.roughness**2)
        there = 2 * outside / (outside + inside + 1e-30) * np.exp(1j * inside * self.thickness)
        there = there / (1 + _fresnel(outside, inside) * back * np.exp(2j * inside * self.thickness))
        phase = np.exp(1j * inside * z)
        result: Complex = there * (1 / phase + back * phase)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A `cylinder`, `hemispheroid` or `spheroid` of mean `radius` and `height`, both spread by the share `spread`."""

    shape: str
    radius: float
    height: float
    spread: float = 0.0

    def profile(self) -> Callable[[Array], Array]:
        """Return the radius over the height, both as shares of the whole."""
        if self.shape == "cylinder":
            return np.ones_like
        if self.shape == "hemispheroid":
            return lambda t: np.sqrt(np.maximum(1 - t**2, 0))
        return lambda t: np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))


def born_table(
    q_par: Array, sin_exit: Array, *, k: float, incidence: float, layers: Layers, body: Body,
    slices: int | None = None, sizes: int = 7,
) -> Array:  # fmt: skip
    """Return |A|^2 over (in-plane |q|, sine of the exit angle) at an `incidence` in radian, averaged over sizes.

    A = sum over slices of B(q_par, z) psi(incidence, z) psi(exit, z) dz with B = 2 pi R_z^2 J1(q R_z)/(q R_z): the
    product of the two waves holds the four terms of the theory, the sum is one matrix product. Without `slices` there
    are enough for the largest q_z.
    """
    total = np.zeros((len(q_par), len(sin_exit)))
    nodes = np.linspace(-2, 2, sizes) if sizes > 1 and body.spread else np.zeros(1)
    q_z = k * (float(np.abs(sin_exit).max()) + float(np.sin(incidence)))
    for node in nodes:
        scale = max(0.2, 1 + body.spread * node)
        height = body.height * scale
        # Gauss-Legendre heights: a dozen, and two for each turn of the phase, are as good as hundreds of even slices.
        count = slices or min(12 + int(q_z * height / 2), _MOST_SLICES)
        part, share = _heights(count)
        radius = np.maximum(body.radius * scale * body.profile()(part), 1e-3)
        x = np.maximum(np.outer(q_par, radius), 1e-6)
        disc = (2 * np.pi * radius**2 * special.j1(x) / x * (height * share)).astype(np.float32)
        both = layers.wave(np.array([np.sin(incidence)]), part * height, k) * layers.wave(sin_exit, part * height, k)
        real, imaginary = (disc @ np.ascontiguousarray(side.T, dtype=np.float32) for side in (both.real, both.imag))
        total += np.exp(-(node**2) / 2) * (real * real + imaginary * imaginary)
    return total


@cache
def _heights(count: int) -> tuple[Array, Array]:
    """Return where to cut a body of height 1, and what each cut stands for."""
    place, weight = special.roots_legendre(count)
    return (place + 1) / 2, weight / 2


def rough_table(
    q_par: Array, sin_exit: Array, *, incidence: float, matter: Matter, correlation: float, hurst: float
) -> Array:
    """Return the diffuse scattering of a rough surface over (in-plane |q|, sine of the exit angle), without its scale.

    It has its maximum, the Yoneda band, where the exit angle is the critical one. `correlation` is the lateral
    correlation length, `hurst` the exponent of its jaggedness: Sinha et al., PRB 38, 2297 (1988).
    """
    falls, leaves = (np.abs(1 + reflectivity(side, matter)) ** 2 for side in (np.array([np.sin(incidence)]), sin_exit))
    result: Array = np.outer(1 / (1 + (q_par * correlation) ** 2) ** (1 + hurst), falls * leaves)
    return result


def reflectivity(sin_a: Array, matter: Matter) -> Complex:
    """Return the Fresnel amplitude of a smooth surface at the sine of a grazing angle."""
    return _fresnel(_normal(sin_a, VACUUM, 1.0), _normal(sin_a, matter, 1.0))


def _normal(sin_a: Array, matter: Matter, k: float) -> Complex:
    """Return the component of the wave vector along the normal, in matter."""
    result: Complex = k * np.sqrt(np.asarray(sin_a, dtype=np.complex128) ** 2 - 2 * matter.delta + 2j * matter.beta)
    return result


def _fresnel(above: Complex, below: Complex) -> Complex:
    result: Complex = (above - below) / (above + below + 1e-30)
    return result
