import numpy as np
import pytest

from camsortxs.errors import FrameError
from camsortxs.frames import MAX_PIXELS


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros(7), "not_2d"),
        (np.zeros((2, 3, 4)), "not_2d"),
        (np.zeros((0, 5)), "empty"),
        (np.zeros((4, 4), dtype=complex), "not_numeric"),
        (np.array([["a"]], dtype=object), "not_numeric"),
        (np.broadcast_to(np.uint8(0), (10_001, MAX_PIXELS // 10_000)), "too_large"),
    ],
)
def test_an_array_that_no_detector_writes_is_refused_with_its_reason(make_frame, image, reason):
    with pytest.raises(FrameError) as refusal:
        make_frame(image=image, mask=np.zeros(image.shape, dtype=bool) if image.size < 100 else None)

    assert refusal.value.reason == reason


def test_a_frame_without_one_valid_pixel_is_refused(make_frame):
    with pytest.raises(FrameError, match="not one of"):
        make_frame(mask=np.ones((120, 100), dtype=bool))


def test_a_mask_of_another_shape_is_refused(make_frame):
    with pytest.raises(FrameError) as refusal:
        make_frame(mask=np.zeros((100, 120), dtype=bool))

    assert refusal.value.reason == "bad_mask"
