"""Method 3: local binary patterns, as in `camsortxs.features.lbp`; scikit-image is the definition."""

from itertools import pairwise
from math import ceil, floor
from typing import Any

import numpy as np
from keras import ops

from camsortxs.device.counts import shares
from camsortxs.device.standard import Standards
from camsortxs.features.sizes import SIDE

Tensor = Any
_UNITS = 100_000
"""scikit-image rounds the places of the points to five decimals."""
_SPLIT = 4096


def patterns(standards: Standards, points: int, radius: int) -> Tensor:
    """Return the share of each of the `points` + 2 uniform codes, (B, points + 2), all 0 where there is no code.

    A point is bright when what is interpolated there is not darker than the centre. Of whole grey levels that is a
    whole number of 1e-10, which is added up here exactly in pairs of 32-bit numbers, so that no backend's rounding has
    a say. scikit-image adds in float64, which tells any difference but 0; so only ties could differ. Ties of four
    equal pixels, as in flat regions, come out bright there, too (all 256 levels and all fractions of a pixel that occur
    were tried). Where two pixels differ from the centre by opposite amounts, its rounding finds up to one tie in thirty
    darker, here it is bright: of the frames measured, 1e-4 of the points at most, and shares that differ by 1.2e-4.
    """
    inside = slice(radius, SIDE - radius)
    centre = standards.grey[:, inside, inside]
    angle = 2 * np.pi * np.arange(points) / points
    places = zip(np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5), strict=True)
    bright = [_is_bright(standards.grey, centre, radius, float(row), float(column)) for row, column in places]
    changes = sum(ops.abs(after - before) for before, after in pairwise(bright))
    codes = ops.where(changes <= 2, sum(bright), points + 1)
    bad = 1.0 - standards.valid[..., None]
    touched = ops.max_pool(bad, 2 * radius + 1, strides=1, padding="valid", data_format="channels_last")
    return shares(codes, 1.0 - touched[..., 0], points + 2)


def _is_bright(grey: Tensor, centre: Tensor, radius: int, row: float, column: float) -> Tensor:
    """Return 1 where the point at (row, column) from the centre is bright, else 0, (B, inner side, inner side)."""
    top, left = floor(row), floor(column)
    down, across = round((row - top) * _UNITS), round((column - left) * _UNITS)
    last = SIDE - radius

    def excess(y: int, x: int) -> Tensor:
        return grey[:, radius + y : last + y, radius + x : last + x] - centre

    def along(y: int) -> Tensor:
        return (_UNITS - across) * excess(y, left) + across * excess(y, ceil(column))

    if down == across == 0:
        return ops.cast(excess(top, left) >= 0, "int32")
    above, below = along(top), along(ceil(row))
    high = (_UNITS - down) * (above // _SPLIT) + down * (below // _SPLIT)
    low = (_UNITS - down) * (above % _SPLIT) + down * (below % _SPLIT)
    return ops.cast(high + low // _SPLIT >= 0, "int32")
