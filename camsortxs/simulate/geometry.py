"""Where each pixel looks: q and azimuth in transmission, in-plane q and exit angle at grazing incidence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Geometry
from camsortxs.simulate import kernels

Array = npt.NDArray[np.float64]
Places = slice | npt.NDArray[np.int64]
_GLANCE = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A flat detector: `shape` in pixel, lengths in metre, `foot` (row, column) where the sample's normal meets it.

    Its arm may stand at an angle `arm` (degree) to the beam, to the right; at 0 the foot is the direct beam.
    `incidence` (degree) and `roll` (degree, of the sample about the beam) matter at grazing incidence only.
    """

    shape: tuple[int, int]
    pixel: float
    distance: float
    wavelength: float
    foot: tuple[float, float]
    arm: float = 0.0
    incidence: float | None = None
    roll: float = 0.0

    @property
    def k(self) -> float:
        """The wave number 2 pi / wavelength, in 1/angstrom."""
        return 2 * np.pi / (self.wavelength * 1e10)

    @property
    def y(self) -> Array:
        """Where the columns are, to the right of the foot, in metre."""
        return np.asarray((np.arange(self.shape[1]) - self.foot[1]) * self.pixel)

    @property
    def z(self) -> Array:
        """Where the rows are, above the foot, in metre."""
        return np.asarray((self.foot[0] - np.arange(self.shape[0])) * self.pixel)

    @property
    def beam(self) -> tuple[float, float]:
        """Where the direct beam meets the plane of the detector (row, column)."""
        return self.foot[0], self.foot[1] - self.distance * float(np.tan(np.deg2rad(self.arm))) / self.pixel

    @property
    def specular(self) -> tuple[float, float]:
        """Where the beam that the sample reflects meets the detector (row, column); the arm is taken as 0."""
        away = self.distance * float(np.tan(2 * np.deg2rad(self.incidence or 0.0))) / self.pixel
        roll = np.deg2rad(self.roll)
        return self.foot[0] - away * float(np.cos(roll)), self.foot[1] - away * float(np.sin(roll))

    @property
    def geometry(self) -> Geometry:
        """The same, as the rest of the project says it, which knows no arm: with one, there is no distance to tell."""
        return Geometry(
            distance=None if self.arm else self.distance,
            wavelength=self.wavelength,
            pixel_size=self.pixel,
            beam_centre=None if self.arm else self.foot,
            incidence_angle=self.incidence,
        )

    def q(self, *, glance: bool = False) -> Array:
        """Return |q| of each pixel in 1/angstrom, or (`glance`) of up to 65 x 65 of them, the corners among them."""
        rows, columns = self._glance() if glance else (slice(None), slice(None))
        return self.q_at(rows, columns)

    def q_at(self, rows: Places, columns: Places) -> Array:
        """Return |q| in 1/angstrom at some rows and columns."""
        y, z = np.ascontiguousarray(self.y[columns]), np.ascontiguousarray(self.z[rows])
        q: Array = kernels.q_of_pixels(y, z, self.distance, float(np.deg2rad(self.arm)), self.k)
        return q

    def grazing(self, *, glance: bool = False) -> tuple[Array, Array]:
        """Return in-plane |q| (1/angstrom) and the sine of the exit angle, of each pixel or of a `glance`.

        Source: SIMULATION.md section 2; Liu & Yager, IUCrJ 5, 737 (2018).
        """
        rows, columns = self._glance() if glance else (slice(None), slice(None))
        incidence, roll, arm = (float(np.deg2rad(angle or 0.0)) for angle in (self.incidence, self.roll, self.arm))
        q_par, sin_exit = kernels.in_plane_and_exit(
            self.y[columns], self.z[rows], self.distance, arm, self.k, incidence, roll
        )
        return q_par, sin_exit

    def _glance(self) -> tuple[Places, Places]:
        rows, columns = (np.linspace(0, side - 1, min(side, _GLANCE)).astype(int) for side in self.shape)
        return rows, columns
