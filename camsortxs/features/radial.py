"""Method 5: the image in polar coordinates about the beam."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from camsortxs.features.centre import Centre, estimate_centre, gradients
from camsortxs.features.sizes import AZIMUTHAL_ORDERS as ORDERS
from camsortxs.features.sizes import POLAR_RINGS as RINGS
from camsortxs.features.sizes import POLAR_SECTORS as SECTORS
from camsortxs.features.sizes import PROFILE_RINGS as PROFILE
from camsortxs.features.sizes import PROMINENT, SIDE, ZONES
from camsortxs.features.standard import Standard

PROFILE_COLUMNS = (
    *(f"i{ring:02d}" for ring in range(PROFILE)),
    *("roundness", "row", "column", "outside", "inner_radius", "peaks", "strongest", "first", "spacing", "width"),
    *("ripple", "slope", "curvature", "core", "decades", "aspect", "bad"),
)
HARMONICS_COLUMNS = (
    *(f"z{zone}.c{order}" for zone in range(ZONES) for order in ORDERS),
    *(f"z{zone}.{name}" for zone in range(ZONES) for name in ("spread", "spots", "covered", "aimed")),
)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Polar:
    """Means over cells of radius and azimuth: `level` and `weight` (RINGS, SECTORS); `inner` and `outer` radius."""

    level: Array
    weight: Array
    inner: float
    outer: float

    @property
    def profile(self) -> Array:
        """I(r), (RINGS,), rings without a valid pixel interpolated."""
        weight = self.weight.sum(axis=1)
        mean = (self.level * self.weight).sum(axis=1) / np.maximum(weight, 1e-12)
        seen = np.nonzero(weight)[0]
        return np.interp(np.arange(RINGS), seen, mean[seen])


@lru_cache(maxsize=4)
def polar(standard: Standard, centre: Centre) -> Polar:
    """Return the image about `centre`, from the innermost valid pixel out to the 99th percentile of the radii."""
    rows, columns = np.nonzero(~standard.mask)
    radius = np.hypot(rows - centre.row, columns - centre.column)
    azimuth = np.arctan2(rows - centre.row, columns - centre.column)
    inner, outer = float(radius.min()), float(np.percentile(radius, 99.0))
    ring = np.clip((radius - inner) / max(outer - inner, 1.0) * RINGS, 0, RINGS - 1).astype(int)
    sector = ((azimuth / (2 * np.pi) + 0.5) * SECTORS).astype(int) % SECTORS
    cell = ring * SECTORS + sector
    weight = np.bincount(cell, minlength=RINGS * SECTORS).astype(np.float64)
    level = np.bincount(cell, standard.image[rows, columns], minlength=RINGS * SECTORS) / np.maximum(weight, 1.0)
    shape = (RINGS, SECTORS)
    return Polar(level=level.reshape(shape), weight=weight.reshape(shape), inner=inner, outer=outer)


def profile(standard: Standard, centre: Centre | None = None) -> Array:
    """Return I(r) in 32 rings between the innermost and the outermost radius, and what describes it.

    Radii are fractions of the outermost radius: nothing here knows the pixel size. Small-angle frames fall off
    steeply from the beam, wide-angle ones show rings or halos on little slope. `centre` is estimated unless given.
    """
    at = centre or estimate_centre(standard)
    view = polar(standard, at)
    fine = view.profile
    coarse = fine.reshape(PROFILE, -1).mean(axis=1)
    smooth = ndimage.gaussian_filter1d(fine, 12.0)
    peaks, found = signal.find_peaks(ndimage.gaussian_filter1d(fine, 0.7), prominence=PROMINENT, width=0)
    place = (view.inner + (peaks + 0.5) / RINGS * (view.outer - view.inner)) / max(view.outer, 1.0)
    width = found["widths"] / RINGS * (view.outer - view.inner) / max(view.outer, 1.0)
    strong = int(np.argmax(found["prominences"])) if peaks.size else -1
    x = (np.arange(PROFILE) + 0.5) / PROFILE
    curvature, slope, _ = np.polyfit(x, coarse, 2)
    height, across = standard.shape
    content = (~standard.mask[standard.rows, standard.columns]).mean()
    outside = max(
        standard.rows.start - at.row, at.row - standard.rows.stop, standard.columns.start - at.column,
        at.column - standard.columns.stop,
    )  # fmt: skip
    off = sorted((abs(at.row - (SIDE - 1) / 2) / height, abs(at.column - (SIDE - 1) / 2) / across))
    return np.array(
        [
            *coarse,
            at.roundness,
            *off,
            outside / SIDE,
            view.inner / max(view.outer, 1.0),
            float(peaks.size),
            float(found["prominences"][strong]) if peaks.size else 0.0,
            float(place[0]) if peaks.size else 0.0,
            float(np.median(np.diff(place))) if peaks.size > 1 else 0.0,
            float(np.median(width / np.maximum(place, 0.02))) if peaks.size else 0.0,
            float(np.std(fine - smooth)),
            slope + curvature,
            curvature,
            float(coarse[:2].mean() - np.median(coarse)),
            standard.decades,
            min(height, across) / max(height, across),
            1.0 - content,
        ]
    )


def harmonics(standard: Standard, centre: Centre | None = None) -> Array:
    """Return how I(r, azimuth) departs from round, in six zones of the radius.

    Amplitudes of the azimuthal harmonics about the ring means (their phases depend on the mounting); the spread over
    the azimuth; single bright spots; the share of the azimuth that is seen; and how well gradients aim at the beam.
    """
    at = centre or estimate_centre(standard)
    view = polar(standard, at)
    departure = (view.level - view.profile[:, None]) * (view.weight > 0)
    azimuth = (np.arange(SECTORS) + 0.5) / SECTORS * 2 * np.pi
    zones = np.arange(RINGS) * ZONES // RINGS
    rows, columns, d_row, d_column = gradients(standard)
    radius = np.hypot(rows - at.row, columns - at.column)
    along = (d_row * (rows - at.row) + d_column * (columns - at.column)) ** 2
    aim = along / np.maximum((d_row**2 + d_column**2) * radius**2, 1e-12)
    zone_of = np.clip((radius - view.inner) / max(view.outer - view.inner, 1.0) * ZONES, 0, ZONES - 1).astype(int)
    amplitudes: list[float] = []
    others: list[float] = []
    for zone in range(ZONES):
        weight, here = view.weight[zones == zone], departure[zones == zone]
        total = max(float(weight.sum()), 1.0)
        amplitudes += [float(abs((weight * here * np.exp(1j * n * azimuth)).sum())) / total for n in ORDERS]
        sector = (weight * here).sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)
        fine = here - sector
        spread = float(np.sqrt((weight * fine**2).sum() / total))
        seen = float((weight.sum(axis=0) > 0).mean())
        others += [
            float(np.sqrt((weight.sum(axis=0) * sector**2).sum() / total)),
            float(np.percentile(fine, 99.0)) / (spread + 0.01),
            seen,
            float(aim[zone_of == zone].mean()) if (zone_of == zone).any() else 0.5,
        ]
    return np.array([*amplitudes, *others])
