"""Scattering curves I(q), q in 1/angstrom, in arbitrary units: form factors, structure factors, peaks, powders."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

AGBH_D001 = 58.380
"""Angstrom; silver behenate, Huang et al., J. Appl. Cryst. 26, 180 (1993)."""
CUBIC = {"LaB6": (4.15689, "P"), "CeO2": (5.41165, "F"), "Si": (5.43123, "D")}
"""Lattice constants (angstrom) and lattice types of the usual standards (NIST SRM 660, 674, 640)."""


def sphere(q: Array, radius: float) -> Array:
    """Return the form factor of a sphere (Rayleigh 1911), 1 at q = 0; `radius` in angstrom."""
    x = np.maximum(q * radius, 1e-3)
    result: Array = (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2
    return result


def polydisperse_sphere(q: Array, radius: float, spread: float) -> Array:
    """Average the sphere over a Gaussian of sizes with relative width `spread`, weighted by volume squared."""
    sizes = radius * (1 + spread * np.linspace(-2.5, 2.5, 25))
    sizes = sizes[sizes > 0]
    weights = np.exp(-(((sizes / radius - 1) / spread) ** 2) / 2) * sizes**6
    result: Array = (weights[:, None] * sphere(q[None, :], sizes[:, None])).sum(axis=0) / weights.sum()  # type: ignore[arg-type]
    return result


def guinier_porod(q: Array, rg: float, slope: float) -> Array:
    """Guinier up to q1, q^-slope beyond (Hammouda, J. Appl. Cryst. 43, 716, 2010); `rg` in angstrom."""
    q1 = np.sqrt(1.5 * slope) / rg
    porod = np.exp(-((q1 * rg) ** 2) / 3) * q1**slope
    return np.where(q <= q1, np.exp(-((q * rg) ** 2) / 3), porod * np.maximum(q, 1e-6) ** -slope)


def debye_coil(q: Array, rg: float) -> Array:
    """Return the Debye function of a Gaussian chain; `rg` in angstrom."""
    x = np.maximum((q * rg) ** 2, 1e-4)
    result: Array = 2 * (np.exp(-x) + x - 1) / x**2
    return result


def broad_peak(q: Array, q0: float, width: float) -> Array:
    """Return a Teubner-Strey-like correlation peak."""
    result: Array = 1 / (1 + ((q - q0) / width) ** 2)
    return result


def hard_spheres(q: Array, radius: float, fraction: float) -> Array:
    """Return the Percus-Yevick structure factor of hard spheres at volume `fraction`; `radius` in angstrom."""
    x = np.maximum(2 * q * radius, 0.05)
    alpha = (1 + 2 * fraction) ** 2 / (1 - fraction) ** 4
    beta = -6 * fraction * (1 + fraction / 2) ** 2 / (1 - fraction) ** 4
    gamma = fraction * alpha / 2
    s, c = np.sin(x), np.cos(x)
    g = alpha * (s - x * c) / x**2 + beta * (2 * x * s + (2 - x**2) * c - 2) / x**3
    g += gamma * (-(x**4) * c + 4 * ((3 * x**2 - 6) * c + (x**3 - 6 * x) * s + 6)) / x**5
    result: Array = 1 / (1 + 24 * fraction * g / x)
    return result


def paracrystal(q: Array, spacing: float, spread: float) -> Array:
    """Return the structure factor of a row whose distances vary by `spread` (angstrom), and so lose count.

    Source: Hosemann, Z. Phys. 128, 465 (1950); Lazzari, J. Appl. Cryst. 35, 406 (2002).
    """
    x = np.maximum(q, 1e-2 / spacing)
    f = np.exp(-((x * spread) ** 2) / 2)
    result: Array = (1 - f**2) / (1 + f**2 - 2 * f * np.cos(x * spacing))
    return result


def peaks(q: Array, positions: Array, heights: Array, widths: Array, eta: float = 0.5) -> Array:
    """Sum pseudo-Voigt peaks with half widths `widths`; `eta` is the Lorentzian share."""
    total = np.zeros_like(q)
    for position, height, width in zip(positions, heights, widths, strict=True):
        x = (q - position) / width
        total += height * (eta / (1 + x**2) + (1 - eta) * np.exp(-np.log(2) * x**2))
    return total


def lattice_positions(kind: str, first: float, count: int) -> Array:
    """Return the positions of the first reflections of an ordered phase with its first peak at `first`."""
    ratios = {
        "lamellar": np.arange(1, 9.0),
        "hexagonal": np.sqrt([1, 3, 4, 7, 9, 12, 13]),
        "bcc": np.sqrt(np.arange(1, 8.0)),
        "gyroid": np.sqrt(np.array([6, 8, 14, 16, 20, 22]) / 6),
        "fcc": np.sqrt(np.array([3, 4, 8, 11, 12]) / 3),
    }[kind]
    result: Array = first * ratios[:count]
    return result


def cubic_powder(name: str, q_max: float) -> tuple[Array, Array]:
    """Return positions (1/angstrom) and multiplicities of the powder lines of a cubic standard up to `q_max`."""
    a, lattice = CUBIC[name]
    top = int(q_max * a / (2 * np.pi)) + 1
    h, k, l = (axis.ravel() for axis in np.meshgrid(*[np.arange(-top, top + 1)] * 3))  # noqa: E741 - Miller indices
    same = (h % 2 == k % 2) & (k % 2 == l % 2)
    allowed = {"P": np.ones_like(h, dtype=bool), "F": same, "D": same & ((h % 2 == 1) | ((h + k + l) % 4 == 0))}[
        lattice
    ]
    squares, multiplicity = np.unique((h**2 + k**2 + l**2)[allowed], return_counts=True)
    positions = 2 * np.pi / a * np.sqrt(squares)
    keep = (positions > 0) & (positions <= q_max)
    return positions[keep], multiplicity[keep].astype(np.float64)
