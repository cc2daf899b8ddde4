import numpy as np
import pytest

from camsortxs.features import histogram
from camsortxs.features.standard import standardise


def test_the_seven_statistics_of_two_equal_levels(make_frame):
    image = np.repeat([[0, 1000]], 256, axis=0).repeat(128, axis=1)
    found = histogram.statistics(standardise(make_frame(image=image, mask=np.zeros(image.shape, bool))))
    # Half 0, half 1: one bit; mean and deviation one half; symmetric; kurtosis 1.
    assert found == pytest.approx([1.0, 0.5, 0.5, 0.25, 0.0, 1.0, 0.2])


def test_bins_and_cumulative_agree(make_frame):
    standard = standardise(make_frame())

    assert histogram.bins(standard).sum() == pytest.approx(1.0)
    assert np.allclose(histogram.cumulative(standard)[3::4], np.cumsum(histogram.bins(standard)))
