import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture
def frames(rng):
    return rng.random((3, 128, 96)).astype(np.float32)


def run(function, values, *args):
    from keras import ops

    return ops.convert_to_numpy(function(ops.convert_to_tensor(values), *args))


@pytest.mark.parametrize("sigma", [0.7, 2.0, 10.0])
def test_blurs_are_those_of_scipy(frames, sigma):
    from camsortxs.device.filters import blur

    for values in (frames, frames[:, 0]):
        expected = np.stack([ndimage.gaussian_filter(each.astype(float), sigma) for each in values])
        assert run(blur, values, sigma) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("width", [3, 7])
def test_boxes_are_those_of_scipy(frames, width):
    from camsortxs.device.filters import box

    for values in (frames, frames[:, 0]):
        expected = np.stack([ndimage.uniform_filter(each.astype(float), width) for each in values])
        assert run(box, values, width) == pytest.approx(expected, abs=1e-6)


def test_a_blur_survives_factors_of_eleven_bits(frames, monkeypatch):
    from keras import ops

    from camsortxs.device import filters

    def cut(values):
        """Round to the 11 bits that a GPU keeps of the factors of a product (TF32)."""
        mantissa, exponent = np.frexp(np.asarray(values))
        return np.ldexp(np.round(mantissa * 2048) / 2048, exponent).astype(np.float32)

    # Like the GPU, NumPy adds in float32 what was rounded before.
    monkeypatch.setattr(filters.ops, "matmul", lambda a, b: ops.convert_to_tensor(cut(a) @ cut(b)))
    expected = np.stack([ndimage.gaussian_filter(each.astype(float), 2.0) for each in frames])

    assert run(filters.blur, frames, 2.0) == pytest.approx(expected, abs=2e-6)
    assert np.abs(cut(frames) - frames).max() > 1e-4  # rounding the frames alone would cost more


def test_medians_are_those_of_scipy(frames):
    from camsortxs.device.filters import median

    expected = np.stack([ndimage.median_filter(row, 31) for row in frames[:, 0]])
    assert np.array_equal(run(median, frames[:, 0], 31), expected)


def test_slopes_are_those_of_numpy(frames):
    from keras import ops

    from camsortxs.device.filters import slopes

    for found, expected in zip(slopes(ops.convert_to_tensor(frames)), np.gradient(frames, axis=(1, 2)), strict=True):
        assert ops.convert_to_numpy(found) == pytest.approx(expected, abs=1e-6)


def test_gaps_are_bridged_as_by_numpy(frames, rng):
    from keras import ops

    from camsortxs.device.filters import interpolated

    rows = frames[:, 0]
    seen = rng.random(rows.shape) < 0.2
    seen[0, :20] = seen[0, 80:] = False
    seen[2] = False
    place = np.arange(rows.shape[1])
    expected = [np.interp(place, place[there], row[there]) for row, there in zip(rows[:2], seen, strict=False)]

    found = ops.convert_to_numpy(interpolated(ops.convert_to_tensor(rows), ops.convert_to_tensor(seen)))

    assert found[:2] == pytest.approx(np.stack(expected), abs=1e-6)
    assert not found[2].any()  # where nothing is seen, nothing is made up
