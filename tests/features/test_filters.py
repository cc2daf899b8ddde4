import threading
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features import filters


@pytest.mark.parametrize("shape", [(128, 100), (128, 128)])
@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 10.0])
def test_the_blur_is_that_of_scipy(rng, sigma, shape):
    image = rng.random(shape).astype(np.float32)

    assert filters.gaussian(image, sigma) == pytest.approx(
        ndimage.gaussian_filter(image.astype(float), sigma), abs=1e-6
    )


def test_means_over_blocks(rng):
    image = rng.random((64, 96))

    assert filters.block_means(image, (16, 48)) == pytest.approx(image.reshape(16, 4, 48, 2).mean(axis=(1, 3)))


def test_surrounded_pixels_have_no_bad_one_near_them(rng):
    valid = rng.random((80, 80)) > 0.02

    expected = ndimage.minimum_filter(valid, 7, mode="constant", cval=True)
    assert np.array_equal(filters.surrounded(valid, 7), expected)
    assert 0 < expected.sum() < valid.sum()


def test_convolutions_are_sums_of_products(rng):
    first, second = (rng.random((8, 8)).astype(np.float32) for _ in range(2))
    expected = np.zeros((16, 16))
    for i in range(8):
        for j in range(8):
            expected[i : i + 8, j : j + 8] += first[i, j] * second

    assert filters.convolved(filters.spectrum(first), filters.spectrum(second)) == pytest.approx(expected, abs=1e-5)


def test_filters_work_in_the_thread_that_calls_them(rng):
    image = rng.random((256, 256)).astype(np.float32)

    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads of a process are counted on Linux alone")
    before = len(list(tasks.iterdir())) - threading.active_count()
    filters.gaussian(image, 2.0)
    filters.block_means(image, (64, 64))
    filters.gaussian(image[:128, :128], 10.0)
    filters.surrounded(image > 0.1, 7)
    filters.convolved(filters.spectrum(image), filters.spectrum(image))

    assert len(list(tasks.iterdir())) - threading.active_count() == before
