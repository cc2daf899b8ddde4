import numpy as np
import pytest

from camsortxs.features.catalogue import CATALOGUE, HANDMADE

# Given the same standardised frame. What is measured over the frames of these tests is ten times less.
TOLERANCE = {"histogram": 1e-5, "glcm": 2e-5, "lbp": 2e-4, "hog": 2e-6, "spectrum": 5e-6}
WITHOUT_BEAM = [name for name in HANDMADE if not name.startswith("radial.")]  # test_radial.py has the others


def both(on_device, name, frames):
    """The numbers on the CPU and on the device, from the standardised frames of the CPU."""
    from keras import ops

    from camsortxs.device.representations import REPRESENTATIONS

    alike, standards = on_device(frames)
    expected = np.stack([CATALOGUE[name].compute(one) for one in alike])
    return expected, ops.convert_to_numpy(REPRESENTATIONS[name](standards))


def test_the_device_computes_what_needs_no_trained_network():
    from camsortxs.device.representations import REPRESENTATIONS

    assert set(REPRESENTATIONS) == set(HANDMADE)


@pytest.mark.parametrize("name", WITHOUT_BEAM)
def test_simulated_frames_have_the_numbers_of_the_cpu(drawn, on_device, name):
    same_shape = [frame for frame in drawn if frame.image.shape == (300, 260)]
    for frames in (same_shape, drawn[1:2], drawn[2:3]):
        expected, found = both(on_device, name, frames)
        assert found == pytest.approx(expected, rel=1e-5, abs=TOLERANCE[name.split(".")[0]])


@pytest.mark.parametrize("name", WITHOUT_BEAM)
def test_real_frames_have_the_numbers_of_the_cpu(real, on_device, name):
    for frame in real:
        expected, found = both(on_device, name, [frame])
        assert found == pytest.approx(expected, rel=1e-5, abs=TOLERANCE[name.split(".")[0]])


@pytest.mark.parametrize("name", ["histogram.bins", "histogram.cumulative", "lbp.p8"])
def test_counts_are_exact(drawn, on_device, name):
    _, standards = on_device(drawn[:1])
    expected, found = both(on_device, name, drawn[:1])

    pixels = float(np.asarray(standards.valid).sum())
    assert np.abs(found - expected).max() < 0.1 / pixels
