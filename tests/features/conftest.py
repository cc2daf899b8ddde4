"""What tests of features may ask for."""

import numpy as np
import pytest

from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import Standard, standardise


@pytest.fixture
def standard_from(make_frame):
    """Standardise an image, without bad pixels unless a mask is given."""

    def make(image, mask=None) -> Standard:
        image = np.asarray(image)
        return standardise(make_frame(image=image, mask=np.zeros(image.shape, bool) if mask is None else mask))

    return make


@pytest.fixture
def noise(standard_from, rng) -> Standard:
    """White noise that fills the standardised frame: no bad pixel, no padding."""
    return standard_from(rng.integers(0, 1000, (SIDE, SIDE)))


@pytest.fixture
def gaps() -> np.ndarray:
    """Bars of bad pixels as between the modules of a detector, in a standardised frame."""
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for place in (30, 63, 96, 129, 162, 195, 228):
        mask[place : place + 3] = True
    mask[:, [84, 85, 170, 171]] = True
    return mask


@pytest.fixture
def round_pattern() -> np.ndarray:
    """A smooth pattern of rings about the middle, without noise."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    radius = np.hypot(rows - 120.3, columns - 131.7)
    return 3000 / (1 + radius / 40) ** 2 * (1.2 + np.cos(radius / 6.0)) + 5
