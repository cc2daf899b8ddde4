"""What no library computes, as a user would write it with NumPy and SciPy: beam search, symmetry, sample horizon.

Of a frame of 256 x 256 with a mask (True = bad). Written before the compiled loops, of which it is the definition.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]
_SIDE, _HALF, _COARSE = 256, 128, 64


def beam_and_horizon(image: Array, mask: Array) -> dict[str, float]:
    """Return numbers of `radial.profile` and `radial.asymmetry` by their names there."""
    fine, coarse = contrast(image, mask)
    points = [friedel(each) for each in (fine, coarse)]
    _, _, roundness = centre(image, mask, points[0][1:])
    turned = [(np.rot90(image, quarter), np.rot90(mask, quarter)) for quarter in range(4)]
    edges = [edge(*each) for each in turned]
    best = int(np.argmax([each[0] for each in edges]))
    mirrors = [sorted(mirror(each, axis) for axis in (0, 1)) for each in (fine, coarse)]
    profile, rods = about(*turned[best], edges[best][2])
    return {
        "roundness": roundness,
        **{f"friedel.{name}.best": point[0] for name, point in zip(("fine", "coarse"), points, strict=True)},
        **{f"mirror.{name}.high": each[1] for name, each in zip(("fine", "coarse"), mirrors, strict=True)},
        **{f"mirror.{name}.low": each[0] for name, each in zip(("fine", "coarse"), mirrors, strict=True)},
        "edge.score": edges[best][0],
        "edge.step": edges[best][1],
        "edge.place": edges[best][2] / _SIDE,
        "normal.+0": profile,
        "rods": rods,
    }


def contrast(image: Array, mask: Array) -> tuple[Pair, Pair]:
    """Return the image less its trend and less its mean, with the weights of the pixels, on 128 x 128."""
    valid = (~mask).astype(np.float64)
    share, level = _blocks(valid, _HALF) / 4, _blocks(image * valid, _HALF) / 4
    sharp, weights = _blur(level, share, 1.0), np.where(share > 0.4, share, 0.0)
    values = (sharp - _blur(level, share, 10.0), sharp - (sharp * weights).sum() / weights.sum())
    return (values[0] * (weights > 0), weights), (values[1] * (weights > 0), weights)


def friedel(about: Pair) -> tuple[float, float, float]:
    """Return the best correlation of the image with itself turned by 180 degree, and the place of that."""
    values, w = about
    size = (2 * _HALF, 2 * _HALF)
    f, g, v = (fft.rfft2(each, size) for each in (w * values, w * values**2, w))
    products, energy, overlap = (fft.irfft2(each, size) for each in (f * f, g * v, v * v))
    score = np.where(overlap > 0.2 * w.sum(), products / np.maximum(energy, 1e-6), -1.0).clip(-1, 1)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return float(score[row, column]), float(row) + 0.5, float(column) + 0.5


def mirror(about: Pair, axis: int) -> float:
    """Return the best correlation of the image with itself mirrored along `axis`."""
    values, w = about
    size = 2 * _HALF
    f, g, v = (fft.rfft(each, size, axis=axis) for each in (w * values, w * values**2, w))
    back = [fft.irfft((a * b).sum(axis=1 - axis), size) for a, b in ((f, f), (g, v), (v, v))]
    score = np.where(back[2] > 0.4 * w.sum(), back[0] / np.maximum(back[1], 1e-6), -1.0)
    return float(score.clip(-1, 1).max())


def centre(image: Array, mask: Array, symmetric: tuple[float, ...]) -> tuple[float, float, float]:
    """Return the point about which rings explain most of the variance, and how much that is."""
    valid = (~mask).astype(np.float64)
    weight = _blocks(valid, _COARSE)
    level = _blocks(image * valid, _COARSE) / np.maximum(weight, 1e-9)
    smooth = ndimage.gaussian_filter(level, 1.5)
    brightest = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    starts = [aimed_at(image, mask), [(place + 0.5) / 4 - 0.5 for place in symmetric], brightest]
    return max((_climb(level, weight, *map(float, start)) for start in starts), key=lambda found: found[2])


def aimed_at(image: Array, mask: Array) -> Array:
    """Return the point nearest to all lines along the strongest gradients, in blocks of 4 x 4 pixels."""
    d_row, d_column, inner = _slopes(image, mask, 2.0)
    strength = np.where(inner, np.hypot(d_row, d_column), 0.0)
    rows, columns = np.nonzero(strength > max(np.percentile(strength[inner], 80.0), 1e-4))
    across = np.stack([-d_column[rows, columns], d_row[rows, columns]])
    aim = across[0] * (rows - 127.5) + across[1] * (columns - 127.5)
    keep, found = np.ones(rows.size), np.zeros(2)
    for _ in range(3):
        normal = (across * keep) @ across.T
        found = np.linalg.solve(normal + (1e-3 * np.trace(normal) + 1e-12) * np.eye(2), (across * keep) @ aim)
        miss = np.abs(found @ across - aim) / np.hypot(*across)
        keep = 1.0 / (1.0 + (miss / 8.0) ** 2)
    return np.asarray((found + 128.0) / 4 - 0.5)


def edge(image: Array, mask: Array) -> tuple[float, float, int]:
    """Return score, step and row of the strongest straight edge, bright above dark."""
    valid = (~mask).astype(np.float64)
    value, weight = ((part.reshape(_SIDE, -1, 4)).sum(axis=2) for part in (image * valid, valid))
    values, weights = (np.vstack([np.zeros((1, _SIDE // 4)), np.cumsum(part, axis=0)]) for part in (value, weight))
    row = np.arange(1, _SIDE)
    up, down = np.maximum(row - 6, 0), np.minimum(row + 6, _SIDE)
    above, below = weights[row] - weights[up], weights[down] - weights[row]
    usable = (above >= 8) & (below >= 8)
    light = (values[row] - values[up]) / np.maximum(above, 1)
    step = np.where(usable, light - (values[down] - values[row]) / np.maximum(below, 1), 0.0)
    count = usable.sum(axis=1)
    mean, size = (part.sum(axis=1) / np.maximum(count, 1) for part in (step, np.abs(step)))
    enough = count >= 0.4 * max(int((weight.sum(axis=0) > 0).sum()), 1)
    score = np.where(enough, mean * np.maximum(mean / (size + 0.01), 0.0), 0.0)
    best = int(np.argmax(score))
    return float(score[best]), float(mean[best]), best + 1


def about(image: Array, mask: Array, place: int) -> tuple[float, float]:
    """Return the level on the horizon over the highest along its normal, and how much structure stands upright."""
    weight = (~mask).sum(axis=1)
    seen = np.nonzero(weight)[0]
    along = np.interp(np.arange(_SIDE), seen, np.where(mask, 0, image).sum(axis=1)[seen] / weight[seen])
    along = ndimage.uniform_filter1d(along, 5)
    d_row, d_column, inner = _slopes(image, mask, 1.5)
    upright, level = (d_column**2 * inner).sum(), (d_row**2 * inner).sum()
    return float(along[min(place, _SIDE - 1)] / max(along.max(), 1e-6)), float(upright / max(upright + level, 1e-9))


def _climb(level: Array, weight: Array, row: float, column: float) -> tuple[float, float, float]:
    """Improve a centre by a pattern search with a halving step."""
    rows, columns = np.nonzero(weight > 0)
    x, w = level[rows, columns], weight[rows, columns]
    total = w @ (x - w @ x / w.sum()) ** 2

    def roundness(at: Array) -> float:
        ring = np.rint(np.hypot(rows - at[0], columns - at[1])).astype(int)
        weights, sums = np.bincount(ring, w), np.bincount(ring, w * x)
        within = w @ x**2 - (sums**2 / np.maximum(weights, 1e-12)).sum()
        return float(1.0 - within / (x.size - np.count_nonzero(weights)) * (x.size - 1) / max(total, 1e-9))

    at, step = np.array([row, column]).clip(-_COARSE, 2 * _COARSE), 4.0
    best = roundness(at)
    while step >= 0.25:
        around = [(at + step * np.array(way)).clip(-_COARSE, 2 * _COARSE) for way in ((-1, 0), (1, 0), (0, -1), (0, 1))]
        scores = [roundness(point) for point in around]
        place = int(np.argmax(scores))
        if scores[place] > best:
            best, at = scores[place], around[place]
        else:
            step /= 2
    return float(at[0]), float(at[1]), best


def _slopes(image: Array, mask: Array, sigma: float) -> tuple[Array, Array, Array]:
    """Return the gradients of the image smoothed over its valid pixels, and what is far from bad ones."""
    valid = (~mask).astype(np.float32)
    near = np.maximum(ndimage.gaussian_filter(valid, sigma), 1e-3)
    d_row, d_column = np.gradient(ndimage.gaussian_filter(image * valid, sigma) / near)
    return d_row, d_column, ndimage.uniform_filter(valid, 7) > 0.999


def _blocks(values: Array, side: int) -> Array:
    return np.asarray(values.reshape(side, _SIDE // side, side, _SIDE // side).sum(axis=(1, 3)))


def _blur(level: Array, share: Array, sigma: float) -> Array:
    return np.asarray(ndimage.gaussian_filter(level, sigma) / np.maximum(ndimage.gaussian_filter(share, sigma), 1e-3))
