import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features.valid import near, shares, surrounded, valid


@pytest.fixture
def mask(rng):
    return rng.random((256, 256)) < 0.02


def test_equal_masks_share_what_follows_from_them_and_others_do_not(mask):
    first = near(valid(mask), 2.0)
    other = mask.copy()
    other[100, 100] ^= True

    assert near(valid(mask.copy()), 2.0) is first
    assert not np.array_equal(near(valid(other), 2.0), first)


def test_a_mask_that_is_changed_later_changes_nothing_that_was_made_of_it(mask):
    seen = valid(mask)
    before = seen.pixels.copy()
    mask[:] = True

    assert np.array_equal(seen.pixels, before)
    assert valid(mask) is not seen


def test_it_is_what_scipy_and_numpy_make_of_the_mask(mask):
    seen = valid(mask)
    share = (~mask).astype(float)

    assert near(seen, 2.0) == pytest.approx(ndimage.gaussian_filter(share, 2.0), abs=1e-5)
    assert shares(seen, 64, 128) == pytest.approx(share.reshape(64, 4, 128, 2).mean(axis=(1, 3)))
    alone = ndimage.minimum_filter(share, 7, mode="nearest") > 0
    assert np.array_equal(surrounded(seen, 7)[3:-3, 3:-3], alone[3:-3, 3:-3])
