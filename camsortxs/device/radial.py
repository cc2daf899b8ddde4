"""Method 5 of a batch: the images in polar coordinates about the beam, as `camsortxs.features.radial`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.centre import estimate_centre
from camsortxs.device.filters import blur, interpolated
from camsortxs.device.gradients import gradients
from camsortxs.device.order import percentile
from camsortxs.device.peaks import find_peaks
from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import (
    AZIMUTHAL_ORDERS,
    POLAR_RINGS,
    POLAR_SECTORS,
    PROFILE_RINGS,
    PROMINENT,
    SIDE,
    ZONES,
)

Tensor = Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Polar:
    """Means over cells of radius and azimuth: `level` and `weight` (B, rings, sectors); `profile` is I(r), (B, rings).

    `radius` (B, SIDE, SIDE) is that of each pixel; they are seen from `inner` to `outer`, and `span` (B,) is between.
    """

    level: Tensor
    weight: Tensor
    profile: Tensor
    radius: Tensor
    inner: Tensor
    outer: Tensor

    @property
    def span(self) -> Tensor:
        """From the innermost to the outermost radius, (B,)."""
        return self.outer - self.inner


@once
def polar(standards: Standards) -> Polar:
    """Return the images about their centres, as `camsortxs.features.radial.polar`."""
    down, across = _from_beam(standards)
    radius = ops.sqrt(down * down + across * across)
    there = standards.valid > 0
    some = ops.any(there, axis=(1, 2))
    inner = ops.where(some, ops.min(ops.where(there, radius, float("inf")), axis=(1, 2)), 0.0)
    flat = (-1, SIDE * SIDE)
    outer = percentile(ops.reshape(radius, flat), ops.reshape(standards.valid, flat), 990)
    ring = _zone(radius, inner, outer - inner, POLAR_RINGS)
    sector = _sector(down, across)
    cells = POLAR_RINGS * POLAR_SECTORS
    batch = ops.shape(radius)[0]
    ids = ring * POLAR_SECTORS + sector + ops.arange(batch, dtype="int32")[:, None, None] * cells
    pair = ops.reshape(ops.stack([standards.valid, standards.image], axis=3), (-1, 2))
    sums = ops.segment_sum(pair, ops.reshape(ids, (-1,)), num_segments=batch * cells)
    sums = ops.reshape(sums, (-1, POLAR_RINGS, POLAR_SECTORS, 2))
    weight, total = sums[..., 0], sums[..., 1]
    whole = ops.sum(weight, axis=2)
    profile = interpolated(ops.sum(total, axis=2) / ops.maximum(whole, 1.0), whole > 0)
    level = total / ops.maximum(weight, 1.0)
    return Polar(level=level, weight=weight, profile=profile, radius=radius, inner=inner, outer=outer)


def profile(standards: Standards) -> Tensor:
    """Return I(r) in 32 rings and what describes it, (B, columns), as `camsortxs.features.radial.profile`."""
    at, view = estimate_centre(standards), polar(standards)
    fine = view.profile
    coarse = ops.mean(ops.reshape(fine, (-1, PROFILE_RINGS, POLAR_RINGS // PROFILE_RINGS)), axis=2)
    peaks = find_peaks(blur(fine, 0.7), PROMINENT)
    outer = ops.maximum(view.outer, 1.0)
    centres = (ops.arange(POLAR_RINGS, dtype="float32") + 0.5) / POLAR_RINGS
    place = (view.inner[:, None] + centres * view.span[:, None]) / outer[:, None]
    width = peaks.width / POLAR_RINGS * (view.span / outer)[:, None]
    there = ops.cast(peaks.found, "float32")
    count = ops.sum(there, axis=1)
    places = ops.sort(ops.where(peaks.found, place, float("inf")), axis=1)
    between = ops.where(places[:, 1:] < float("inf"), places[:, 1:] - places[:, :-1], 0.0)
    between_there = ops.cast(places[:, 1:] < float("inf"), "float32")
    slope, curvature = _parabola(coarse)
    height, across = standards.shape
    content = ops.mean(standards.valid[:, standards.rows, standards.columns], axis=(1, 2))
    rows, columns = standards.rows, standards.columns
    borders = (rows.start - at.row, at.row - rows.stop, columns.start - at.column, at.column - columns.stop)
    middle = (SIDE - 1) / 2
    off = ops.stack([ops.abs(at.row - middle) / height, ops.abs(at.column - middle) / across], axis=1)
    single = [
        at.roundness,
        ops.min(off, axis=1),
        ops.max(off, axis=1),
        ops.max(ops.stack(borders, axis=1), axis=1) / SIDE,
        view.inner / outer,
        count,
        ops.max(ops.where(peaks.found, peaks.prominence, 0.0), axis=1),
        ops.where(count > 0, places[:, 0], 0.0),
        percentile(between, between_there, 500),
        percentile(width / ops.maximum(place, 0.02), there, 500),
        ops.std(fine - blur(fine, 12.0), axis=1),
        slope + curvature,
        curvature,
        ops.mean(coarse[:, :2], axis=1) - percentile(coarse, ops.ones_like(coarse), 500),
        standards.decades,
        ops.full_like(count, min(height, across) / max(height, across)),
        1.0 - content,
    ]
    return ops.concatenate([coarse, ops.stack(single, axis=1)], axis=1)


def harmonics(standards: Standards) -> Tensor:
    """Return how I(r, azimuth) departs from round, (B, columns), as `camsortxs.features.radial.harmonics`."""
    view = polar(standards)
    shape = (-1, ZONES, POLAR_RINGS // ZONES, POLAR_SECTORS)
    departure = ops.where(view.weight > 0, view.level - view.profile[:, :, None], 0.0)
    weight, here = ops.reshape(view.weight, shape), ops.reshape(departure, shape)
    total = ops.maximum(ops.sum(weight, axis=(2, 3)), 1.0)
    across, weights = ops.sum(weight * here, axis=2), ops.sum(weight, axis=2)
    azimuth = (np.arange(POLAR_SECTORS) + 0.5) / POLAR_SECTORS * 2 * np.pi
    waves = np.exp(1j * np.outer(AZIMUTHAL_ORDERS, azimuth))
    parts = [
        ops.sum(across[:, :, None, :] * ops.convert_to_tensor(wave.astype(np.float32)), axis=3)
        for wave in (waves.real, waves.imag)
    ]
    amplitudes = ops.sqrt(parts[0] ** 2 + parts[1] ** 2) / total[:, :, None]
    sector = across / ops.maximum(weights, 1.0)
    fine = here - sector[:, :, None, :]
    spread = ops.sqrt(ops.sum(weight * fine * fine, axis=(2, 3)) / total)
    cells = ops.reshape(fine, (-1, shape[2] * shape[3]))
    spots = ops.reshape(percentile(cells, ops.ones_like(cells), 990), (-1, ZONES)) / (spread + 0.01)
    others = [
        ops.sqrt(ops.sum(weights * sector * sector, axis=2) / total),
        spots,
        ops.mean(ops.cast(weights > 0, "float32"), axis=2),
        _aimed(standards, view),
    ]
    row = (ops.reshape(amplitudes, (-1, ZONES * len(AZIMUTHAL_ORDERS))), ops.stack(others, axis=2))
    return ops.concatenate([row[0], ops.reshape(row[1], (-1, ZONES * len(others)))], axis=1)


def _aimed(standards: Standards, view: Polar) -> Tensor:
    """Return how well the strong gradients of each zone aim at the beam, (B, zones); 0.5 where there is none."""
    found = gradients(standards)
    down, across = _from_beam(standards)
    along = (found.d_row * down + found.d_column * across) ** 2
    strength = found.d_row * found.d_row + found.d_column * found.d_column
    aim = along / ops.maximum(strength * view.radius * view.radius, 1e-12)
    zone = ops.where(found.strong, _zone(view.radius, view.inner, view.span, ZONES), -1)
    means = []
    for number in range(ZONES):
        count = ops.sum(ops.cast(zone == number, "float32"), axis=(1, 2))
        total = ops.sum(ops.where(zone == number, aim, 0.0), axis=(1, 2))
        means.append(ops.where(count > 0, total / ops.maximum(count, 1.0), 0.5))
    return ops.stack(means, axis=1)


def _from_beam(standards: Standards) -> tuple[Tensor, Tensor]:
    """Return the rows (B, SIDE, 1) and columns (B, 1, SIDE) counted from the beam."""
    at = estimate_centre(standards)
    place = ops.arange(SIDE, dtype="float32")
    return (place - at.row[:, None])[:, :, None], (place - at.column[:, None])[:, None, :]


def _sector(down: Tensor, across: Tensor) -> Tensor:
    """Return the sector of the azimuth of each pixel, int32.

    By the side of the nearest border that it lies on: the azimuth itself is rounded too coarsely for large frames.
    """
    border = ops.cast(ops.round((ops.arctan2(down, across) / (2.0 * np.pi) + 0.5) * POLAR_SECTORS), "int32")
    angle = (np.arange(POLAR_SECTORS + 1) / POLAR_SECTORS - 0.5) * 2 * np.pi
    # Rounded, so that a border along rows, columns or a diagonal goes exactly through the pixels on it.
    rise, run = (np.round(each, 15).astype(np.float32) for each in (np.sin(angle), np.cos(angle)))
    beyond = down * ops.take(ops.convert_to_tensor(run), border) - across * ops.take(
        ops.convert_to_tensor(rise), border
    )
    return (border - ops.cast(beyond < 0, "int32")) % POLAR_SECTORS


def _zone(radius: Tensor, inner: Tensor, span: Tensor, zones: int) -> Tensor:
    """Return which of so many equal parts of the radius each pixel is in, int32."""
    share = (radius - inner[:, None, None]) / ops.maximum(span, 1.0)[:, None, None]
    return ops.cast(ops.clip(share * zones, 0.0, zones - 1.0), "int32")


def _parabola(coarse: Tensor) -> tuple[Tensor, Tensor]:
    """Return slope and curvature of the parabola nearest to each profile, as `numpy.polyfit`, each (B,)."""
    x = (np.arange(PROFILE_RINGS) + 0.5) / PROFILE_RINGS
    curvature, slope, _ = np.linalg.pinv(np.vander(x, 3)).astype(np.float32)
    return ops.sum(coarse * ops.convert_to_tensor(slope), axis=1), ops.sum(
        coarse * ops.convert_to_tensor(curvature), axis=1
    )
