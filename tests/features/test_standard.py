import numpy as np
import pytest

from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import standardise


def test_the_aspect_is_kept_and_the_padding_is_masked(make_frame):
    standard = standardise(make_frame(image=np.ones((195, 487)) + np.arange(487), mask=np.zeros((195, 487), bool)))

    assert standard.shape == (103, 256)
    assert standard.mask.sum() == SIDE * (SIDE - 103)
    assert standard.image.dtype == np.float32
    assert 0.0 <= standard.image.min() < standard.image.max() == 1.0
    assert np.array_equal(standard.grey, np.rint(standard.image * 255))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (255, 300), (513, 512), (1, 4000)])
def test_pooling_keeps_a_constant_constant(make_frame, shape):
    standard = standardise(make_frame(image=np.full(shape, 9.0), mask=np.zeros(shape, bool)))

    assert np.ptp(standard.image[~standard.mask]) < 1e-6


def test_pooling_is_the_area_mean_of_the_valid_pixels(make_frame, rng):
    image = rng.integers(0, 50, (512, 512))
    mask = rng.random((512, 512)) < 0.1
    standard = standardise(make_frame(image=image, mask=mask))

    blocks = np.where(mask, 0, image).reshape(256, 2, 256, 2).sum(axis=(1, 3))
    count = (~mask).reshape(256, 2, 256, 2).sum(axis=(1, 3))
    level = np.log1p(blocks / np.maximum(count, 1))
    inside = (count > 0) & (standard.image > 0) & (standard.image < 1)
    scale, offset = np.polyfit(level[inside], standard.image[inside], 1)

    assert np.allclose(level[inside] * scale + offset, standard.image[inside], atol=1e-4)
    assert np.array_equal(standard.mask, count < 1)


@pytest.mark.parametrize("value", [0.0, -5.0])
def test_a_frame_without_a_positive_pixel_is_black(make_frame, value):
    standard = standardise(make_frame(image=np.full((40, 50), value), mask=np.zeros((40, 50), bool)))

    assert not standard.image.any()


def test_pixels_that_are_not_finite_are_bad(make_frame):
    image = np.arange(256 * 256, dtype=float).reshape(256, 256)
    image[10, 20], image[30, 40], image[50, 60] = np.nan, np.inf, -np.inf
    standard = standardise(make_frame(image=image, mask=np.zeros(image.shape, bool)))

    assert standard.mask[[10, 30, 50], [20, 40, 60]].all()
    assert np.isfinite(standard.image).all()
