from dataclasses import replace

import numpy as np
import pytest
from classifiers.bundles import REPRESENTATIONS, figures, make_dataset, make_trained

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.classifiers.remembered import OUT_OF_FOLD, Remembered
from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.features.chain import Chain
from camsortxs.frames import FrameKey
from camsortxs.offline.export import export


@pytest.fixture(scope="module")
def measured():
    """A dataset of which the first 40 frames were measured, and answers out of fold that no classifier gives."""
    dataset = make_dataset()
    origins = dataset.origins.copy()
    origins[:40] = "measured"
    dataset = replace(dataset, origins=origins)
    trained = make_trained(dataset)
    return dataset, replace(trained, out_of_fold=np.tile(np.float32([0.7, 0.1, 0.1, 0.1]), (len(origins), 1)))


@pytest.fixture(scope="module")
def bundle(measured, tmp_path_factory):
    dataset, trained = measured
    folder = tmp_path_factory.mktemp("models") / "tiny" / "0.1.0"
    export(
        trained,
        dataset,
        Chain(REPRESENTATIONS),
        folder=folder,
        description="",
        held_out=dataset.values[:20],
        metrics=figures(dataset, trained),
        command="",
    )
    return load_bundle(folder)


def features(dataset, values) -> Features:
    keys = tuple(FrameKey(run="r", stream="s", data_key="d", index=place) for place in range(len(values)))
    return Features(keys=keys, names=dataset.names, values=values)


def test_frames_that_it_learnt_from_are_answered_as_while_they_were_held_out(bundle, measured):
    dataset, _ = measured
    classifier = OnnxClassifier(bundle)
    remembering = Remembered(bundle, classifier)
    asked = features(dataset, dataset.values[30:50] * np.float32(1 + 1e-5))  # as another machine computes them
    said = remembering.classify(asked)

    assert np.allclose(said[:10], [0.7, 0.1, 0.1, 0.1])
    assert remembering.remembered == 10
    assert np.array_equal(said[10:], classifier.classify(asked)[10:]), "simulated frames are not remembered"
    assert remembering.groups == set(map(str, dataset.groups))


def test_a_bundle_that_remembers_nothing_answers_as_it_serves(bundle, measured):
    dataset, _ = measured
    forgetful = replace(bundle, files={role: data for role, data in bundle.files.items() if role != OUT_OF_FOLD})
    asked = features(dataset, dataset.values[:10])

    assert np.array_equal(
        Remembered(forgetful, OnnxClassifier(bundle)).classify(asked), OnnxClassifier(bundle).classify(asked)
    )


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 no more", b"\x93NUMPY"])
def test_answers_that_cannot_be_read_are_refused(bundle, contents):
    broken = replace(bundle, files=bundle.files | {OUT_OF_FOLD: contents})

    with pytest.raises(ModelError, match="out of fold cannot be read"):
        Remembered(broken, OnnxClassifier(bundle))
