"""Method 5: the image in polar coordinates about the beam."""

from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from camsortxs.compiled import compiled, inlined
from camsortxs.features.centre import Centre, estimate_centre, gradients
from camsortxs.features.once import once
from camsortxs.features.sizes import AZIMUTHAL_ORDERS as ORDERS
from camsortxs.features.sizes import POLAR_RINGS as RINGS
from camsortxs.features.sizes import POLAR_SECTORS as SECTORS
from camsortxs.features.sizes import PROFILE_RINGS as PROFILE
from camsortxs.features.sizes import PROMINENT, SIDE, ZONES
from camsortxs.features.standard import Standard
from camsortxs.ranks import percentile

PROFILE_COLUMNS = (
    *(f"i{ring:02d}" for ring in range(PROFILE)),
    *("roundness", "row", "column", "outside", "inner_radius", "peaks", "strongest", "first", "spacing", "width"),
    *("ripple", "slope", "curvature", "core", "decades", "aspect", "bad"),
)
HARMONICS_COLUMNS = (
    *(f"z{zone}.c{order}" for zone in range(ZONES) for order in ORDERS),
    *(f"z{zone}.{name}" for zone in range(ZONES) for name in ("spread", "spots", "covered", "aimed")),
)

_SLOPES = tuple(1.0 if 8 * k == SECTORS else float(np.tan(2 * np.pi * k / SECTORS)) for k in range(1, SECTORS // 4))
"""Between the sectors of a quarter."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Polar:
    """Means over cells of radius and azimuth: `level` and `weight` (RINGS, SECTORS); `inner` and `outer` radius.

    `profile` is I(r), (RINGS,), rings without a valid pixel interpolated.
    """

    level: Array
    weight: Array
    inner: float
    outer: float
    profile: Array


@once
def polar(standard: Standard, centre: Centre) -> Polar:
    """Return the image about `centre`, from the innermost valid pixel out to the 99th percentile of the radii."""
    radius, sector, value = _seen_from(standard.image, standard.mask, centre.row, centre.column)
    inner, outer = float(radius.min()), percentile(radius, 99.0)
    sums, counts = _cells(radius, sector, value, inner, max(outer - inner, 1.0))
    weight = counts.sum(axis=1)
    seen = np.nonzero(weight)[0]
    profile = np.interp(np.arange(RINGS), seen, sums.sum(axis=1)[seen] / weight[seen])
    return Polar(level=sums / np.maximum(counts, 1.0), weight=counts, inner=inner, outer=outer, profile=profile)


@compiled
def _seen_from(image: Any, mask: Any, row: float, column: float) -> Any:
    """Return radius, sector and value of each valid pixel."""
    radius, sector, value = np.empty(image.size), np.empty(image.size, np.uint8), np.empty(image.size, np.float32)
    far, way = np.empty(image.shape[1]), np.empty(image.shape[1], np.int64)
    count = 0
    for i in range(image.shape[0]):
        down = i - row
        for j in range(far.size):
            far[j] = np.sqrt(down**2 + (j - column) ** 2)
        for j in range(far.size):
            way[j] = _sector(down, j - column)
        for j in range(far.size):
            radius[count], sector[count], value[count] = far[j], way[j], image[i, j]
            count += not mask[i, j]
    return radius[:count], sector[:count], value[:count]


@inlined
def _sector(down: float, right: float) -> int:
    """Return which of SECTORS the azimuth atan2(down, right), from -pi up, falls into: by slopes, without an angle."""
    if right < 0 and down <= 0:
        quarter, x, y = 0, -right, -down
    elif down < 0:
        quarter, x, y = 1, -down, right
    elif right > 0:
        quarter, x, y = 2, right, down
    else:
        quarter, x, y = 3, down, -right
    sector = quarter * (SECTORS // 4)
    for slope in _SLOPES:
        sector += y >= slope * x
    return sector


@compiled
def _cells(radius: Any, sector: Any, value: Any, inner: float, reach: float) -> Any:
    """Return the sum of the values and their number in each cell of (RINGS, SECTORS)."""
    ring, cells = np.empty(radius.size, np.uint8), np.zeros((RINGS, SECTORS, 2))
    for i in range(radius.size):
        ring[i] = min(int((radius[i] - inner) / reach * RINGS), RINGS - 1)
    for i in range(radius.size):
        here = cells[ring[i], sector[i]]
        here[0] += value[i]
        here[1] += 1
    return cells[:, :, 0].copy(), cells[:, :, 1].copy()


def profile(standard: Standard, centre: Centre | None = None) -> Array:
    """Return I(r) in 32 rings between the innermost and the outermost radius, and what describes it.

    Radii are fractions of the outermost radius: nothing here knows the pixel size. Small-angle frames fall off
    steeply from the beam, wide-angle ones show rings or halos on little slope. `centre` is estimated unless given.
    """
    at = centre or estimate_centre(standard)
    view = polar(standard, at)
    fine = view.profile
    coarse = fine.reshape(PROFILE, -1).mean(axis=1)
    smooth = _blurring(12.0) @ fine
    peaks, found = signal.find_peaks(_blurring(0.7) @ fine, prominence=PROMINENT, width=0)
    place = (view.inner + (peaks + 0.5) / RINGS * (view.outer - view.inner)) / max(view.outer, 1.0)
    width = found["widths"] / RINGS * (view.outer - view.inner) / max(view.outer, 1.0)
    strong = int(np.argmax(found["prominences"])) if peaks.size else -1
    _, slope, curvature = _parabola() @ coarse
    height, across = standard.shape
    bad = np.count_nonzero(standard.mask[standard.rows, standard.columns]) / (height * across)
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
            median(np.diff(place).tolist()) if peaks.size > 1 else 0.0,
            median((width / np.maximum(place, 0.02)).tolist()) if peaks.size else 0.0,
            float(np.std(fine - smooth)),
            slope + curvature,
            curvature,
            float(coarse[:2].mean() - np.median(coarse)),
            standard.decades,
            min(height, across) / max(height, across),
            bad,
        ]
    )


@lru_cache(maxsize=2)
def _blurring(sigma: float) -> Array:
    """Return `gaussian_filter1d` of RINGS numbers as a matrix."""
    return np.asarray(ndimage.gaussian_filter1d(np.eye(RINGS), sigma, axis=0))


@lru_cache(maxsize=1)
def _parabola() -> Array:
    """Return what gives the coefficients, the constant first, of the parabola nearest to PROFILE numbers."""
    x = (np.arange(PROFILE) + 0.5) / PROFILE
    return np.asarray(np.linalg.pinv(np.stack([np.ones(PROFILE), x, x**2], axis=1)))


def harmonics(standard: Standard, centre: Centre | None = None) -> Array:
    """Return how I(r, azimuth) departs from round, in six zones of the radius.

    Amplitudes of the azimuthal harmonics about the ring means (their phases depend on the mounting); the spread over
    the azimuth; single bright spots; the share of the azimuth that is seen; and how well gradients aim at the beam.
    """
    at = centre or estimate_centre(standard)
    view = polar(standard, at)
    by_zone = (ZONES, RINGS // ZONES, SECTORS)
    weight = view.weight.reshape(by_zone)
    here = ((view.level - view.profile[:, None]) * (view.weight > 0)).reshape(by_zone)
    seen = weight.sum(axis=1)
    total = np.maximum(seen.sum(axis=1), 1.0)
    bright = (weight * here).sum(axis=1)
    sector = bright / np.maximum(seen, 1.0)
    fine = here - sector[:, None]
    spread = np.sqrt((weight * fine**2).sum(axis=(1, 2)) / total)
    others = [
        np.sqrt((seen * sector**2).sum(axis=1) / total),
        np.array([percentile(each.ravel(), 99.0) for each in fine]) / (spread + 0.01),
        (seen > 0).mean(axis=1),
        _aims(standard, at, view),
    ]
    amplitudes = np.abs(bright @ _waves()) / total[:, None]
    return np.concatenate([amplitudes.ravel(), np.stack(others, axis=1).ravel()])


@lru_cache(maxsize=1)
def _waves() -> npt.NDArray[np.complex128]:
    """Return a wave around the azimuth for each of ORDERS, (SECTORS, ORDERS)."""
    azimuth = (np.arange(SECTORS) + 0.5) / SECTORS * 2 * np.pi
    return np.asarray(np.exp(1j * np.outer(azimuth, ORDERS)))


def _aims(standard: Standard, at: Centre, view: Polar) -> Array:
    """Return the mean squared cosine between gradients and the line to the beam, in each zone."""
    wide = ZONES / max(view.outer - view.inner, 1.0)
    sums, counts = _cosines(*gradients(standard), at.row, at.column, view.inner, wide)
    # Not within the loop: numba takes two seconds to compile a `where`.
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1.0), 0.5))


@compiled
def _cosines(
    rows: Any, columns: Any, d_row: Any, d_column: Any, row: float, column: float, inner: float, wide: float
) -> Any:
    zone, aim = np.empty(rows.size, np.uint8), np.empty(rows.size)
    for i in range(rows.size):
        down, right = rows[i] - row, columns[i] - column
        square = down**2 + right**2
        along = (d_row[i] * down + d_column[i] * right) ** 2
        aim[i] = along / max((d_row[i] ** 2 + d_column[i] ** 2) * square, 1e-12)
        zone[i] = np.uint8(min(max((np.sqrt(square) - inner) * wide, 0.0), ZONES - 1.0))
    sums, counts = np.zeros(ZONES), np.zeros(ZONES)
    for i in range(rows.size):
        sums[zone[i]] += aim[i]
        counts[zone[i]] += 1
    return sums, counts
