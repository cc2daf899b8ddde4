import numpy as np
import pytest

from camsortxs.features.standard import standardise


def on_device(frames):
    from camsortxs.device.graph import FeatureGraph

    images, masks = (np.stack([getattr(frame, what) for frame in frames]) for what in ("image", "mask"))
    return FeatureGraph([], standards=True).predict_on_batch({"images": images, "masks": masks})


def assert_agree(frames, found):
    for row, frame in enumerate(frames):
        standard = standardise(frame)
        assert np.array_equal(found["valid"][row] == 0, standard.mask)
        assert found["image"][row] == pytest.approx(standard.image, abs=1e-5)
        apart = np.abs(found["grey"][row] - standard.grey.astype(int))
        half_way = np.abs(standard.image * 255 % 1 - 0.5) < 3e-3  # rounding may take the other level of the two
        assert (apart <= half_way).all()
        assert found["decades"][row] == pytest.approx(standard.decades, abs=1e-5)


def test_simulated_frames_are_standardised_alike(drawn):
    same_shape = [frame for frame in drawn if frame.image.shape == (300, 260)]
    for frames in (same_shape, drawn[1:2], drawn[2:3]):
        assert_agree(frames, on_device(frames))


def test_real_frames_are_standardised_alike(real):
    for frame in real:
        assert_agree([frame], on_device([frame]))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (255, 300), (513, 512), (1, 4000), (256, 256)])
def test_any_shape_is_standardised_alike(make_frame, rng, shape):
    frames = [make_frame(image=rng.poisson(3.0, shape).astype(np.int32), mask=np.zeros(shape, bool)) for _ in range(2)]

    assert_agree(frames, on_device(frames))


@pytest.mark.parametrize("dtype", ["int32", "uint16", "uint32", "float32"])
def test_any_type_is_standardised_alike(make_frame, rng, dtype):
    image = rng.integers(0, 60000, (70, 90)).astype(dtype)
    image[3, 4] = np.finfo(dtype).max if dtype == "float32" else np.iinfo(dtype).max
    if dtype in ("int32", "float32"):
        image[10:20] = -1
    if dtype == "float32":
        image[30, :3] = np.nan, np.inf, -np.inf
    frame = make_frame(image=image, mask=np.zeros(image.shape, bool))

    found = on_device([frame])

    assert_agree([frame], found)
    assert np.unravel_index(found["image"][0].argmax(), (256, 256))[0] < 128  # not -1, but the brightest pixel


def test_the_brightest_number_is_not_minus_one(make_frame):
    image = np.zeros((256, 256), np.uint32)
    image[100, 100] = 2**32 - 1
    found = on_device([make_frame(image=image, mask=np.zeros(image.shape, bool))])

    assert found["grey"][0, 100, 100] == 255
    assert found["decades"][0] == pytest.approx(np.log10(2**32), abs=1e-4)


def test_the_values_of_bad_pixels_never_matter(drawn):
    frame = drawn[4]
    images = np.stack([np.where(frame.mask, value, frame.image) for value in (-1, 0, 2**31 - 1)]).astype(np.int32)
    from camsortxs.device.graph import FeatureGraph

    found = FeatureGraph([], standards=True).predict_on_batch({"images": images, "masks": np.stack([frame.mask] * 3)})

    assert all(np.array_equal(values[0], values[row]) for values in found.values() for row in (1, 2))
