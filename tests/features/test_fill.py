import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features.fill import filled


def test_valid_pixels_stay_and_a_frame_without_bad_ones_is_itself(noise, standard_from, round_pattern, gaps):
    with_gaps = standard_from(round_pattern, gaps)

    assert np.array_equal(filled(noise), noise.image)
    assert np.array_equal(filled(with_gaps)[~with_gaps.mask], with_gaps.image[~with_gaps.mask])


def test_gaps_are_bridged_by_what_is_around_them(standard_from, round_pattern, gaps):
    whole, with_gaps = standard_from(round_pattern), standard_from(round_pattern, gaps)
    error = np.abs(filled(with_gaps) - whole.image)[with_gaps.mask]

    assert with_gaps.mask.sum() == gaps.sum() > 6000
    assert error.mean() < 0.02
    assert np.abs(whole.image - with_gaps.image)[with_gaps.mask].mean() > 0.4  # what a constant would make of it


def test_a_wide_shadow_takes_the_level_of_its_surroundings(standard_from):
    mask = np.zeros((256, 256), dtype=bool)
    mask[100:, 100:] = True
    image = np.full((256, 256), 50.0)
    image[:10, :10] = 1000.0
    standard = standard_from(image, mask)

    assert filled(standard)[110:, 110:] == pytest.approx(float(standard.image[90, 90]), abs=0.02)


def test_one_valid_pixel_is_enough(standard_from):
    mask = np.ones((50, 60), dtype=bool)
    mask[20, 30] = False
    standard = standard_from(np.full((50, 60), 3.0), mask)

    assert np.isfinite(filled(standard)).all()
    assert np.ptp(filled(standard)) < 1e-6


def test_it_is_pull_and_push(standard_from, round_pattern, gaps):
    standard = standard_from(round_pattern, gaps)
    image, valid, finer = standard.image.astype(float), ~standard.mask, []
    while image.size > 1:
        finer.append((image, valid))
        blocks = (image.shape[0] // 2, 2, image.shape[0] // 2, 2)
        count = valid.reshape(blocks).sum(axis=(1, 3))
        image, valid = (image * valid).reshape(blocks).sum(axis=(1, 3)) / np.maximum(count, 1), count > 0
    for level, there in reversed(finer):
        smooth = ndimage.uniform_filter(image.repeat(2, axis=0).repeat(2, axis=1), 3, mode="nearest")
        image = np.where(there, level, smooth)

    assert filled(standard) == pytest.approx(image, abs=1e-12)
