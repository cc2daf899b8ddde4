"""What every classifier promises."""

import numpy as np
import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.base import Features
from camsortxs.frames import FrameKey
from camsortxs.testing import TinyClassifier


@pytest.fixture(scope="module", params=["onnx", "fake"])
def classifier(request, tmp_path_factory):
    if request.param == "fake":
        return TinyClassifier()
    return OnnxClassifier(load_bundle(write_bundle(tmp_path_factory.mktemp("models"))))


def features_of(classifier, values) -> Features:
    keys = tuple(FrameKey(run="r", stream="s", data_key="d", index=i) for i in range(len(values)))
    return Features(keys=keys, names=classifier.feature_names, values=values.astype(np.float32))


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_four_probabilities_a_row_that_sum_to_one(classifier, rng, rows):
    values = rng.normal(0, 10, (rows, len(classifier.feature_names)))
    p = classifier.classify(features_of(classifier, values))

    assert p.shape == (rows, 4)
    assert p.dtype == np.float32
    assert (p >= 0).all()
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-6)


def test_rows_are_independent_of_the_batch(classifier, rng):
    values = rng.normal(0, 3, (5, len(classifier.feature_names)))
    together = classifier.classify(features_of(classifier, values))
    alone = np.concatenate([classifier.classify(features_of(classifier, row[None])) for row in values])

    assert np.allclose(together, alone, atol=1e-6)


def test_it_says_who_it_is(classifier):
    name, _, version = classifier.reference.partition("@")

    assert name
    assert version.count(".") == 2
    assert 0.25 <= classifier.threshold <= 1.0
    assert classifier.feature_digest
