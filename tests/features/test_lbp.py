from itertools import product

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from camsortxs.features import lbp
from camsortxs.features.sizes import LBP_CIRCLES


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
def test_without_bad_pixels_it_is_scikit_image(noise, points, radius):
    codes = local_binary_pattern(noise.grey, points, radius, "uniform")[radius:-radius, radius:-radius]
    expected = [(codes == code).mean() for code in range(points + 2)]

    assert lbp.patterns(noise, points, radius) == pytest.approx(expected, abs=0)


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
def test_codes_that_touch_a_bad_pixel_are_dropped_and_no_others(standard_from, rng, points, radius):
    mask = np.zeros((256, 256), dtype=bool)
    mask[rng.integers(0, 256, 300), rng.integers(0, 256, 300)] = True
    mask[100:104] = True
    standard = standard_from(rng.integers(0, 1000, (256, 256)), mask)
    codes = local_binary_pattern(standard.grey, points, radius, "uniform")
    inner = range(radius, 256 - radius)
    kept = [
        codes[row, column]
        for row, column in product(inner, inner)
        if not mask[row - radius : row + radius + 1, column - radius : column + radius + 1].any()
    ]

    assert 1000 < len(kept) < len(inner) ** 2 - 2000
    expected = np.bincount(np.array(kept, dtype=int), minlength=points + 2) / len(kept)
    assert np.array_equal(lbp.patterns(standard, points, radius), expected)


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
def test_uniform_codes_do_not_know_which_way_is_up(standard_from, rng, round_pattern, points, radius):
    image = rng.poisson(round_pattern / 30)
    usual = lbp.patterns(standard_from(image), points, radius)

    for turned in (np.rot90(image), np.rot90(image, 2), image[:, ::-1], image.T):
        # Whether grey levels tie is left to rounding in a few pixels of a smooth region.
        assert lbp.patterns(standard_from(turned.copy()), points, radius) == pytest.approx(usual, abs=2e-3)


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
def test_what_the_codes_tell(standard_from, points, radius):
    def share(image):
        return dict(zip(lbp.columns(points), lbp.patterns(standard_from(image), points, radius), strict=True))

    spots = np.zeros((256, 256))
    spots[4::16, 4::16] = 1000.0
    step = np.repeat([[1000.0, 0.0]], 256, axis=0).repeat(128, axis=1)
    flat = f"bright{points:02d}"

    assert share(np.zeros((256, 256)))[flat] == 1.0
    assert share(spots)["bright00"] == pytest.approx(1 / 256, rel=0.1)
    # Codes of the bright side see the step from `radius` pixels away; to those of the dark side all is bright.
    assert share(step)[flat] == pytest.approx(1 - radius / (256 - 2 * radius))
    assert share(step)["mixed"] == 0


def test_a_frame_of_which_no_code_is_left_is_told_by_zeros(standard_from, rng):
    mask = np.ones((256, 256), dtype=bool)
    mask[::2, ::2] = False

    assert not lbp.patterns(standard_from(rng.poisson(9.0, (256, 256)), mask), 8, 1).any()
