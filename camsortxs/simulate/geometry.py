"""Where each pixel looks: q and azimuth in transmission, in-plane q and exit angle at grazing incidence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Geometry

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A flat detector across the beam: `shape` in pixel, `centre` (row, column) in pixel, lengths in metre.

    `incidence` (degree) and `roll` (degree, of the sample about the beam) matter at grazing incidence only.
    """

    shape: tuple[int, int]
    pixel: float
    distance: float
    wavelength: float
    centre: tuple[float, float]
    incidence: float | None = None
    roll: float = 0.0

    @property
    def k(self) -> float:
        """The wave number 2 pi / wavelength, in 1/angstrom."""
        return 2 * np.pi / (self.wavelength * 1e10)

    @property
    def geometry(self) -> Geometry:
        """The same, as the rest of the project says it."""
        return Geometry(
            distance=self.distance,
            wavelength=self.wavelength,
            pixel_size=self.pixel,
            beam_centre=self.centre,
            incidence_angle=self.incidence,
        )

    def directions(self) -> tuple[Array, Array, Array]:
        """Return the unit vector to each pixel: along the beam, to the right, up; each of `shape`."""
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
        y = (columns - self.centre[1]) * self.pixel
        z = (self.centre[0] - rows) * self.pixel
        r = np.sqrt(self.distance**2 + y**2 + z**2)
        return self.distance / r, y / r, z / r

    def q(self) -> Array:
        """Return |q| of each pixel in 1/angstrom: k sqrt(2 (1 - cos 2 theta)), without cancellation."""
        ux, uy, uz = self.directions()
        result: Array = self.k * np.sqrt(2 * (uy**2 + uz**2) / (1 + ux))
        return result

    def azimuth(self) -> Array:
        """Return the azimuth of each pixel about the beam in radian, zero to the right, counter-clockwise."""
        _, uy, uz = self.directions()
        result: Array = np.arctan2(uz, uy)
        return result

    def grazing(self) -> tuple[Array, Array, Array]:
        """Return in-plane |q| and out-of-plane q (1/angstrom) and the sine of the exit angle, of each pixel.

        Source: SIMULATION.md section 2; Liu & Yager, IUCrJ 5, 737 (2018).
        """
        ux, uy, uz = self.directions()
        roll, ai = np.deg2rad(self.roll), np.deg2rad(self.incidence or 0.0)
        uy, uz = uy * np.cos(roll) + uz * np.sin(roll), uz * np.cos(roll) - uy * np.sin(roll)
        sin_af = -ux * np.sin(ai) + uz * np.cos(ai)
        qx = self.k * (ux * np.cos(ai) + uz * np.sin(ai) - np.cos(ai))
        qy = self.k * uy
        return np.hypot(qx, qy), self.k * (sin_af + np.sin(ai)), sin_af

    def solid_angle_and_polarisation(self, fraction: float) -> Array:
        """Return the factor (L/R)^3 times the polarisation for a horizontal `fraction` (0.99 synchrotron, 0.5 tube)."""
        ux, uy, uz = self.directions()
        result: Array = ux**3 * (1 - fraction * uy**2 - (1 - fraction) * uz**2)
        return result
