import numpy as np
import pytest

from camsortxs.features.reflections import mirrored, row_spectra, spectrum, turned

SIDE = 8


@pytest.fixture
def parts(rng):
    """What is summed: an image by its weights, its square by its weights, and the weights."""
    image, weights = rng.random((2, SIDE, SIDE)).astype(np.float32)
    return weights * image, weights * image**2, weights


def test_turned_pixels_meet_where_their_places_add_up(parts):
    light, bright, weights = parts
    expected = np.zeros((2 * SIDE, 2 * SIDE), complex)
    for i in range(SIDE):
        for j in range(SIDE):
            expected[i : i + SIDE, j : j + SIDE] += light[i, j] * light + 1j * bright[i, j] * weights

    assert turned(*map(spectrum, parts)) == pytest.approx(expected, abs=1e-5)


def test_mirrored_pixels_meet_in_their_row(parts):
    light, bright, weights = parts
    expected = np.zeros((1, 2 * SIDE), complex)
    for i in range(SIDE):
        for j in range(SIDE):
            expected[0, j : j + SIDE] += light[i, j] * light[i] + 1j * bright[i, j] * weights[i]

    assert mirrored(*map(row_spectra, parts)) == pytest.approx(expected, abs=1e-5)
