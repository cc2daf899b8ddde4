"""What follows from the mask alone is computed once a mask: nearly all frames of a detector have the same."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.features import filters
from camsortxs.features.filters import Image
from camsortxs.features.once import once
from camsortxs.features.sizes import SIDE

Mask = npt.NDArray[np.bool_]

_KEPT = 16
"""Masks that are remembered, of detectors that take turns; a megabyte each."""


@dataclass(frozen=True, eq=False, slots=True)
class Valid:
    """The valid pixels (True), (SIDE, SIDE), and their `share` of each pixel: 1 or 0."""

    pixels: Mask
    share: Image
    made: dict[Any, Any] = field(default_factory=dict, repr=False)


def valid(mask: Mask) -> Valid:
    """Return the valid pixels of a mask (True = bad), the same object for equal ones.

    >>> mask = np.zeros((SIDE, SIDE), bool)
    >>> valid(mask) is valid(mask.copy())
    True
    """
    return _of(mask.tobytes())


@lru_cache(maxsize=_KEPT)
def _of(mask: bytes) -> Valid:
    pixels = ~np.frombuffer(mask, np.bool_).reshape(SIDE, SIDE)
    return Valid(pixels, pixels.astype(np.float32))


@once
def shares(seen: Valid, rows: int, columns: int) -> Image:
    """Return the share of valid pixels in each of so many equal blocks."""
    return filters.block_means(seen.share, (rows, columns))


@once
def near(seen: Valid, sigma: float) -> Image:
    """Return how much of a blur by `sigma` pixels comes from valid ones, at least a thousandth."""
    return np.maximum(filters.gaussian(seen.share, sigma), np.float32(1e-3))


@once
def surrounded(seen: Valid, side: int) -> Mask:
    """Say which pixels have nothing but valid ones about them, as `filters.surrounded`."""
    return filters.surrounded(seen.pixels, side)
