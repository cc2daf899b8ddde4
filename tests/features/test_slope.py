import numpy as np
import pytest
from scipy import ndimage

from camsortxs.features.slope import slopes


@pytest.mark.parametrize("sigma", [1.5, 2.0])
def test_they_are_the_gradient_of_the_normalised_blur(rng, sigma):
    valid = (rng.random((60, 80)) > 0.3).astype(np.float32)
    image = rng.random((60, 80)).astype(np.float32) * valid
    blurred, share = (ndimage.gaussian_filter(part.astype(float), sigma) for part in (image, valid))

    near = np.maximum(share, 1e-3)
    found, expected = slopes(image, near.astype(np.float32), sigma), np.gradient(blurred / near)
    for ours, numpys in zip(found, expected, strict=True):
        assert ours == pytest.approx(numpys, abs=1e-6)
        assert np.abs(numpys).max() > 0.01


def test_a_ramp_has_its_slope_up_to_the_rim():
    rows, columns = np.mgrid[:9, :12].astype(np.float32)
    down, across = slopes(2 * rows - columns, np.ones((9, 12), np.float32), 0.1)

    assert down == pytest.approx(np.full((9, 12), 2.0))
    assert across == pytest.approx(np.full((9, 12), -1.0))
