"""What the answer hangs on, with a model of which we know it."""

import numpy as np
import pytest

from camsortxs.explain import explain
from camsortxs.features.base import Features
from camsortxs.techniques import Technique


class Halves:
    """The mean counts of the valid pixels on the left and on the right, and a number that nothing listens to."""

    names, digest = ("left", "right", "idle"), "0" * 64

    def featurize(self, frames):
        rows = []
        for frame in frames:
            half = frame.image.shape[1] // 2
            counts = np.where(frame.mask, 0, frame.image)
            rows.append((counts[:, :half].mean(), counts[:, half:].mean(), 7.0))
        return Features(
            keys=tuple(frame.key for frame in frames), names=self.names, values=np.array(rows, dtype=np.float32)
        )


class RightIsGrazing:
    """Says GISAXS by how much brighter the right is."""

    reference, feature_names, feature_digest, threshold = "right@1", Halves.names, Halves.digest, 0.5

    def classify(self, features):
        p = 1 / (1 + np.exp(features.values[:, 0] - features.values[:, 1]))
        return np.stack([1 - p, 0 * p, p, 0 * p], axis=1).astype(np.float32)


@pytest.fixture
def frame(make_frame):
    image = np.zeros((80, 160), dtype=np.int32)
    image[10:20, 140:160] = 600  # the last area of the first two rows of areas
    return make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))


def test_the_feature_that_decides_comes_first(frame):
    others = np.array([[0, 0, 1], [5, 0, 2]], dtype=np.float32)

    found = explain(frame, Halves(), RightIsGrazing(), others)

    assert found.technique is Technique.GISAXS
    assert found.features[0][0] == "right"
    # Without it the answers are those of (0, 0) and (0, 0): a half each.
    assert found.features[0][2] == pytest.approx(max(found.probabilities) - 0.5, abs=1e-4)
    assert {name: loss for name, _, loss in found.features}["idle"] == pytest.approx(0.0, abs=1e-6)


def test_the_area_that_decides_is_the_one_with_the_light(frame):
    found = explain(frame, Halves(), RightIsGrazing(), np.zeros((1, 3), dtype=np.float32))

    assert found.areas.shape == (4, 8)
    assert np.unravel_index(found.areas.argmax(), found.areas.shape) == (0, 7)
    assert found.areas[3, 0] == pytest.approx(0.0, abs=1e-6)


def test_what_is_masked_anyway_is_not_asked(frame):
    frame.mask[:, :20] = True

    found = explain(frame, Halves(), RightIsGrazing(), np.zeros((1, 3), dtype=np.float32))

    assert np.isnan(found.areas[:, 0]).all()
    assert np.isfinite(found.areas[:, 1:]).all()
