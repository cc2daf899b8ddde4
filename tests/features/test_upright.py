import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features.upright import _medians, about, sides, tally


@pytest.fixture
def horizon(rng):
    """Bright above row 100, dark below, with bad pixels and a rod in column 60."""
    image = np.full((256, 256), 0.6, np.float32)
    image[100:] = 0.02
    image[:100, 60] = 1.0
    mask = rng.random((256, 256)) < 0.05
    return np.where(mask, np.float32(0), image), mask


def test_rows_and_columns_are_summed_over_valid_pixels(horizon):
    image, mask = horizon
    seen = tally(image, mask, 100)

    assert seen.rows[0] == pytest.approx((~mask).sum(axis=1))
    assert seen.rows[1] == pytest.approx(image.sum(axis=1, dtype=float))
    assert seen.rows[2] == pytest.approx((image.astype(float) ** 2).sum(axis=1))
    assert seen.rows[3] == pytest.approx(((image < 0.05) & ~mask).sum(axis=1))
    for part, rows in zip(seen.columns, (slice(100), slice(100, None)), strict=True):
        assert part[0] == pytest.approx((~mask[rows]).sum(axis=0))
        assert part[1] == pytest.approx(image[rows].sum(axis=0, dtype=float))


def test_the_sides_of_the_edge_are_told_apart(horizon):
    image, mask = horizon
    under, over = image[100:][~mask[100:]], image[:100][~mask[:100]]

    expected = (under.mean(), under.std(), over.mean(), 1.0)
    assert sides(tally(image, mask, 100), 100) == pytest.approx(expected, abs=1e-6)


def test_a_rod_is_a_streak_above_the_edge_alone(horizon):
    *_, above, below, rods, _, dark, _ = about(tally(*horizon, 100), 100)

    assert above == pytest.approx(0.4 / 3, abs=0.01)  # over three columns
    assert below == pytest.approx(0.0, abs=1e-6)
    assert 0 < rods < 1
    assert dark == pytest.approx(156 / 256, abs=0.01)


@pytest.mark.parametrize("width", [3, 31])
def test_medians_are_those_of_scipy(rng, width):
    values = np.round(rng.random(256), 1)  # many are equal

    assert np.array_equal(_medians(values, width), ndimage.median_filter(values, width))
