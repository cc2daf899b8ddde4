"""The loops over pixels, compiled: where a pixel looks, what it finds in a table, what stands in its way, its counts.

All arrays are (height, width) float32 and, unless said otherwise, changed in place. Compiled once and kept on disk.
"""

from math import atan2, cos, exp, floor, log, sin, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import inlined, kept

Light = npt.NDArray[np.float32]


@inlined
def _length(a: float, b: float) -> Any:
    """Return the hypotenuse; no side here is near the limits that `math.hypot` takes its time to guard."""
    return sqrt(a * a + b * b)


@inlined
def _ray(y: float, z: float, distance: float, cos_arm: float, sin_arm: float) -> Any:
    """Return the unit vector (along the beam, to the right, up) to the point (y, z), in metre, of the detector."""
    along, right = distance * cos_arm - y * sin_arm, distance * sin_arm + y * cos_arm
    r = sqrt(along * along + right * right + z * z)
    return along / r, right / r, z / r


@inlined
def _grazing(ux: float, uy: float, uz: float, k: float, cos_i: float, sin_i: float, cos_r: float, sin_r: float) -> Any:
    """Return in-plane |q| and the sine of the exit angle of a ray; the sample is rolled about the beam."""
    right, up = uy * cos_r + uz * sin_r, uz * cos_r - uy * sin_r
    sin_exit = up * cos_i - ux * sin_i
    return _length(k * (ux * cos_i + up * sin_i - cos_i), k * right), sin_exit


@inlined
def _between(table: Any, x: float, y: float) -> Any:
    """Look a table up between its nodes, bilinearly; outside it, its edge holds."""
    x = min(max(x, 0.0), table.shape[0] - 1.0)
    y = min(max(y, 0.0), table.shape[1] - 1.0)
    i, j = int(x), int(y)
    i2, j2 = min(i + 1, table.shape[0] - 1), min(j + 1, table.shape[1] - 1)
    fx, fy = x - i, y - j
    low = table[i, j] + fy * (table[i, j2] - table[i, j])
    high = table[i2, j] + fy * (table[i2, j2] - table[i2, j])
    return low + fx * (high - low)


@inlined
def _on(curve: Any, x: float) -> Any:
    """Look a curve up between its nodes; outside it, its ends hold."""
    x = min(max(x, 0.0), curve.shape[0] - 1.0)
    i = int(x)
    return curve[i] + (x - i) * (curve[min(i + 1, curve.shape[0] - 1)] - curve[i])


@kept
def q_of_pixels(y: Any, z: Any, distance: float, arm: float, k: float) -> Any:
    """Return |q| (1/angstrom) at the columns `y` and rows `z`, in metre from the detector's foot."""
    q = np.empty((z.size, y.size), np.float64)
    cos_arm, sin_arm = cos(arm), sin(arm)
    for i in range(z.size):
        for j in range(y.size):
            ux, uy, uz = _ray(y[j], z[i], distance, cos_arm, sin_arm)
            across = uy * uy + uz * uz
            # k sqrt(2 (1 - cos 2 theta)), without the cancellation at small angles; backwards it does not arise.
            q[i, j] = k * sqrt(2 * across / (1 + ux)) if ux > 0 else k * sqrt(2 * (1 - ux))
    return q


@kept
def in_plane_and_exit(y: Any, z: Any, distance: float, arm: float, k: float, incidence: float, roll: float) -> Any:
    """Return in-plane |q| (1/angstrom) and the sine of the exit angle at the columns `y` and rows `z` (metre)."""
    q_par, sin_exit = np.empty((z.size, y.size), np.float64), np.empty((z.size, y.size), np.float64)
    cos_arm, sin_arm, cos_i, sin_i = cos(arm), sin(arm), cos(incidence), sin(incidence)
    cos_r, sin_r = cos(roll), sin(roll)
    for i in range(z.size):
        for j in range(y.size):
            ux, uy, uz = _ray(y[j], z[i], distance, cos_arm, sin_arm)
            q_par[i, j], sin_exit[i, j] = _grazing(ux, uy, uz, k, cos_i, sin_i, cos_r, sin_r)
    return q_par, sin_exit


@kept
def light_through(
    light: Light, y: Any, z: Any, distance: float, arm: float, k: float, polarised: float, table: Light, q_max: float
) -> None:
    """Fill in what a sample in transmission sends to each pixel: `table` is over |q| up to `q_max` and azimuth.

    Solid angle and polarisation (the share `polarised` lies horizontally) belong to it; SIMULATION.md section 2.
    """
    cos_arm, sin_arm = cos(arm), sin(arm)
    per_q, per_angle = (table.shape[0] - 1) / q_max, (table.shape[1] - 1) / (2 * np.pi)
    for i in range(z.size):
        for j in range(y.size):
            ux, uy, uz = _ray(y[j], z[i], distance, cos_arm, sin_arm)
            right, up = uy * uy, uz * uz
            q = k * sqrt(2 * (right + up) / (1 + ux)) if ux > 0 else k * sqrt(2 * (1 - ux))
            place = (atan2(uz, uy) + np.pi) * per_angle if table.shape[1] > 1 else 0.0
            facing = ux * cos_arm + uy * sin_arm
            weight = facing * facing * facing * (1 - polarised * right - (1 - polarised) * up)
            light[i, j] = weight * _between(table, q * per_q, place)


@kept
def light_reflected(
    light: Light, y: Any, z: Any, distance: float, arm: float, k: float, polarised: float, incidence: float,
    roll: float, table: Light, first_max: float, second_max: float, by_angle: bool, surface: Light, low: float,
    high: float, across: Light, along: Light,
) -> None:  # fmt: skip
    """Fill in what a sample at grazing incidence sends to each pixel.

    `table` is over in-plane |q| and the sine of the exit angle, or (`by_angle`) over |q| and the angle from the normal;
    `surface` (what its horizon and refraction leave) over the sine of the exit angle from `low` to `high`. Rods are
    added: products of `across` (rods, in-plane |q| up to `first_max`) and `along` (rods, sine of the exit angle).
    """
    cos_arm, sin_arm, cos_i, sin_i = cos(arm), sin(arm), cos(incidence), sin(incidence)
    cos_r, sin_r = cos(roll), sin(roll)
    per_first, per_second = (table.shape[0] - 1) / first_max, (table.shape[1] - 1) / second_max
    per_exit, per_along = (surface.size - 1) / (high - low), (along.shape[1] - 1) / (high - low)
    per_across = (across.shape[1] - 1) / first_max
    for i in range(z.size):
        for j in range(y.size):
            ux, uy, uz = _ray(y[j], z[i], distance, cos_arm, sin_arm)
            q_par, sin_exit = _grazing(ux, uy, uz, k, cos_i, sin_i, cos_r, sin_r)
            if by_angle:
                q_z = abs(k * (sin_exit + sin_i))
                found = _between(table, _length(q_par, q_z) * per_first, atan2(q_par, q_z) * per_second)
            else:
                found = _between(table, q_par * per_first, max(sin_exit, 0.0) * per_second)
            found *= _on(surface, (sin_exit - low) * per_exit)
            for rod in range(across.shape[0]):
                beside = _on(across[rod], q_par * per_across)
                if beside > 0:
                    found += beside * _on(along[rod], (sin_exit - low) * per_along)
            facing = ux * cos_arm + uy * sin_arm
            light[i, j] = facing * facing * facing * (1 - polarised * uy * uy - (1 - polarised) * uz * uz) * found


@kept
def around(light: Light, row: float, column: float, step: float, curve: Light, multiply: bool) -> None:
    """Multiply by, or add, a `curve` over the distance from a point, its nodes `step` pixels apart."""
    for i in range(light.shape[0]):
        for j in range(light.shape[1]):
            value = _on(curve, _length(i - row, j - column) / step)
            light[i, j] = light[i, j] * value if multiply else light[i, j] + value


@kept
def beside(
    light: Light, row: float, column: float, angle: float, step: float, curve: Light, edge: Light, one_way: bool
) -> None:
    """Multiply by a `curve` over the signed distance from a line through a point, its nodes `step` pixels apart.

    The middle of the curve is the line. The line runs at `angle` (radian) from the columns towards the rows; `edge`
    (pixel) shifts it along its run, over one diagonal to each side, so that edges may be uneven. `one_way` lets it
    begin at the point.
    """
    c, s = cos(angle), sin(angle)
    diagonal = _length(light.shape[0], light.shape[1])
    for i in range(light.shape[0]):
        for j in range(light.shape[1]):
            run = (j - column) * c + (i - row) * s
            if one_way and run < 0:
                continue
            away = (i - row) * c - (j - column) * s - _on(edge, (run / diagonal + 1) / 2 * (edge.size - 1))
            light[i, j] *= _on(curve, away / step + (curve.size - 1) / 2)


@kept
def counts(expected: Light, chance: Light) -> Any:
    """Return Poisson counts (int32): the quantile of each pixel's own distribution at `chance`, uniform in (0, 1).

    Inversion below 12, a Cornish-Fisher expansion above, whose mean and variance are right within 0.1 %.
    """
    result = np.empty(expected.shape, np.int32)
    for i in range(expected.shape[0]):
        for j in range(expected.shape[1]):
            mean, u = expected[i, j], chance[i, j]
            if mean >= 12:
                z = _normal_quantile(u)
                # Skewness and rounding add 1/18 and 1/12 to the variance.
                result[i, j] = int(max(floor(mean + sqrt(mean - 5 / 36) * z + (z * z - 1) / 6 + 0.5), 0.0))
                continue
            n, p = 0, exp(-mean)
            total = p
            while u > total and n < 60:
                n += 1
                p *= mean / n
                total += p
            result[i, j] = n
    return result


@inlined
def _normal_quantile(p: float) -> Any:
    """Return the quantile of the normal distribution, within 1.2e-9 (P. J. Acklam's rational approximation, 2003)."""
    p = min(max(p, 1e-8), 1 - 1e-8)
    if 0.02425 <= p <= 0.97575:
        x = p - 0.5
        r = x * x
        top = ((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.3577518672690) * r
               - 30.66479806614716) * r + 2.506628277459239  # fmt: skip
        bottom = ((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r
                  - 13.28068155288572) * r + 1.0  # fmt: skip
        return top * x / bottom
    x = sqrt(-2 * log(min(p, 1 - p)))
    top = ((((-7.784894002430293e-3 * x - 0.3223964580411365) * x - 2.400758277161838) * x - 2.549732539343734) * x
           + 4.374664141464968) * x + 2.938163982698783  # fmt: skip
    bottom = (((7.784695709041462e-3 * x + 0.3224671290700398) * x + 2.445134137142996) * x + 3.754408661907416) * x + 1
    return top / bottom if p < 0.5 else -top / bottom
