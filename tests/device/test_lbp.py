"""Why whole grey levels need no float64: which ties of scikit-image's are decided by its rounding."""

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from camsortxs.features.sizes import LBP_CIRCLES, SIDE


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
def test_flat_regions_are_all_bright_whichever_level_and_wherever(points, radius):
    inside = np.s_[radius : SIDE - radius, radius : SIDE - radius]

    for level in (1, 2, 3, 7, 77, 100, 127, 128, 171, 254, 255):  # all 256 were tried, which takes a minute
        flat = np.full((SIDE, SIDE), level, np.uint8)
        assert (local_binary_pattern(flat, points, radius, "uniform")[inside] == points).all()


@pytest.mark.parametrize(("points", "radius"), LBP_CIRCLES)
@pytest.mark.parametrize("top", [2, 4, 256])
def test_noise_has_the_codes_of_scikit_image(rng, points, radius, top):
    from keras import ops

    from camsortxs.device.lbp import patterns
    from camsortxs.device.standard import Standards

    grey = rng.integers(0, top, (1, SIDE, SIDE)).astype(np.int32)
    ones = ops.convert_to_tensor(np.ones((1, SIDE, SIDE), np.float32))
    whole = slice(0, SIDE)
    image = ops.convert_to_tensor((grey / 255).astype(np.float32))
    grey_levels = ops.convert_to_tensor(grey)
    standards = Standards(image=image, grey=grey_levels, valid=ones, decades=ones[:, 0, 0], rows=whole, columns=whole)
    inside = np.s_[radius : SIDE - radius, radius : SIDE - radius]
    codes = local_binary_pattern(grey[0].astype(np.uint8), points, radius, "uniform")[inside].astype(int)

    found = ops.convert_to_numpy(patterns(standards, points, radius))[0]

    expected = np.bincount(codes.ravel(), minlength=points + 2) / codes.size
    assert np.abs(found - expected).max() < 1e-3
