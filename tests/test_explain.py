"""Grad-CAM, with a network whose map is the picture that it is shown."""

import numpy as np
import pytest

from camsortxs.explain import look
from camsortxs.features.embedding import Seen
from camsortxs.techniques import Technique


class Mirror:
    """Its only channel is the picture; it speaks for SAXS and against WAXS."""

    name, version, sha256 = "mirror", "0.0.0", "f" * 64

    def look(self, picture):
        weights = np.array([[2.0], [-1.0], [0.0], [0.0]], np.float32)
        numbers = np.full(4, 0.25, np.float32)
        return Seen(probabilities=numbers, numbers=numbers, map=picture[..., None], weights=weights)


@pytest.fixture
def frame(make_frame):
    """Wide, and bright in its upper right."""
    image = np.zeros((100, 200))
    image[10:30, 150:190] = 1000.0
    return make_frame(image=image, mask=np.zeros(image.shape, bool))


def test_the_map_lies_on_the_frame_without_its_padding(frame):
    heat = look(frame, Mirror(), Technique.SAXS)

    assert heat.map.shape == (32, 64)
    assert np.unravel_index(heat.map.argmax(), heat.map.shape) == pytest.approx((6, 54), abs=6)
    assert heat.map[20:, :30].max() < 0.01
    assert (heat.map.max(), heat.embedding) == (1.0, "mirror@0.0.0")


@pytest.mark.parametrize("technique", [Technique.WAXS, Technique.GISAXS])
def test_where_nothing_speaks_for_it_nothing_glows(frame, technique):
    assert look(frame, Mirror(), technique).map.max() == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_frames_of_any_shape_have_a_map(make_frame, shape):
    frame = make_frame(image=np.ones(shape), mask=np.zeros(shape, bool))
    heat = look(frame, Mirror(), Technique.SAXS)

    assert min(heat.map.shape) >= 1
    assert max(heat.map.shape) == 64
    assert np.isfinite(heat.map).all()
