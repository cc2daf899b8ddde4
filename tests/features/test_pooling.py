import numpy as np
import pytest

from camsortxs.features import centre, pooling
from camsortxs.features.chain import Chain
from camsortxs.features.pooling import pool
from camsortxs.features.sizes import HUGE


@pytest.mark.parametrize("dtype", ["<i4", ">i4", "<u2", "u1", "<f4", "<f8", ">f4", "<i8", "<u4"])
def test_whole_cells_are_summed_whatever_the_type(rng, dtype):
    image = rng.integers(0, 200, size=(40, 60)).astype(dtype)

    total, area = pool(image, np.zeros(image.shape, dtype=bool), (10, 20))

    assert total == pytest.approx(image.astype(float).reshape(10, 4, 20, 3).sum(axis=(1, 3)))
    assert (area == 12).all()


@pytest.mark.parametrize(("shape", "cells"), [((41, 67), (10, 20)), ((7, 5), (16, 16)), ((100, 3), (33, 4))])
def test_pixels_on_a_border_are_shared_out(rng, shape, cells):
    image, mask = rng.random(shape).astype(np.float32), rng.random(shape) < 0.2

    def overlap(pixels, count):
        edges = np.linspace(0, pixels, count + 1)
        low, high = np.maximum(edges[:-1, None], np.arange(pixels)), np.minimum(edges[1:, None], np.arange(pixels) + 1)
        return np.maximum(high - low, 0)

    down, across = (overlap(pixels, count) for pixels, count in zip(shape, cells, strict=True))
    total, area = pool(image, mask, cells)

    assert total == pytest.approx(down @ np.where(mask, 0, image) @ across.T, abs=1e-4)
    assert area == pytest.approx(down @ ~mask @ across.T, abs=1e-4)


def test_what_is_bad_is_left_out_and_what_is_negative_is_nothing():
    image = np.array([[np.nan, np.inf, -np.inf, 1e300, -3.0, 2.0]])
    mask = np.array([[False, False, False, False, False, True]])

    total, area = pool(image, mask, (1, 6))

    assert area.tolist() == [[0, 0, 0, 1, 1, 0]]
    assert total.tolist() == [[0, 0, 0, np.float32(HUGE), 0, 0]]


def test_views_are_pooled_as_their_copies(rng):
    image = rng.integers(0, 9, size=(80, 90)).astype(np.int32)

    turned = pool(image.T[::2], np.zeros((45, 80), dtype=bool), (9, 8))

    assert np.array_equal(turned[0], pool(image.T[::2].copy(), np.zeros((45, 80), dtype=bool), (9, 8))[0])


def test_warming_up_compiles_every_type_that_detectors_send():
    Chain(["radial.profile"]).warm_up()

    compiled = {str(signature[0].dtype) for signature in pooling._pool.signatures}
    assert {"int32", "uint32", "uint16", "float32"} <= compiled
    assert centre._climb.signatures


@pytest.mark.parametrize("loop", [pooling._pool, centre._climb])
def test_what_serves_reads_no_compiled_code_from_disk(loop):
    # numba keeps compiled loops as pickles.
    assert loop._cache.cache_path is None
