import threading
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features import filters, reflections


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
    reflections.turned(*[reflections.spectrum(image)] * 3)
    reflections.mirrored(*[reflections.row_spectra(image)] * 3)

    assert len(list(tasks.iterdir())) - threading.active_count() == before
