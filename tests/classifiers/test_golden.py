import dataclasses

import numpy as np
import pytest
from classifiers.bundles import make_images, write_bundle

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.golden import FRAMES, ROWS, check_frames, check_rows, frames_of, pack_frames, pack_rows
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.errors import ModelError
from camsortxs.features.base import Features


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(write_bundle(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def classifier(bundle):
    return OnnxClassifier(bundle)


def with_file(bundle, role, contents):
    return dataclasses.replace(bundle, files=bundle.files | {role: contents})


def test_a_bundle_agrees_with_what_it_knows(bundle, classifier):
    assert check_rows(bundle, classifier) < 1e-6
    assert check_frames(bundle, chain_of(bundle), classifier) < 1e-6


def test_golden_frames_are_the_integers_that_went_in(bundle):
    frames, probabilities = frames_of(bundle)

    assert [frame.image.dtype.kind for frame in frames] == ["i", "i"]
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, make_images(), strict=True))
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)


def test_a_featurizer_that_computes_something_else_is_found_out_by_frames_alone(bundle, classifier):
    class Shifted:
        names, digest = chain_of(bundle).names, chain_of(bundle).digest

        def featurize(self, frames):
            right = chain_of(bundle).featurize(frames)
            return Features(keys=right.keys, names=right.names, values=np.roll(right.values, 1, axis=1) - 3)

    check_rows(bundle, classifier)
    with pytest.raises(ModelError, match=r"does not reproduce its own golden frames.*export the model again"):
        check_frames(bundle, Shifted(), classifier)


def test_other_probabilities_are_refused(bundle, classifier):
    frames, probabilities = frames_of(bundle)
    other = with_file(bundle, FRAMES, pack_frames([frame.image for frame in frames], probabilities[:, ::-1]))

    with pytest.raises(ModelError, match="golden frames"):
        check_frames(other, chain_of(bundle), classifier)
    rows = with_file(bundle, ROWS, pack_rows(np.zeros((1, 7), np.float32), np.full((1, 4), 0.25, np.float32)))
    with pytest.raises(ModelError, match="golden rows"):
        check_rows(rows, classifier)


@pytest.mark.parametrize("role", [ROWS, FRAMES])
@pytest.mark.parametrize("contents", [b"", b"no arrays", b"PK\x03\x04"])
def test_what_cannot_be_read_is_said(bundle, classifier, role, contents):
    broken = with_file(bundle, role, contents)

    with pytest.raises(ModelError, match="cannot be read"):
        check_rows(broken, classifier) if role == ROWS else check_frames(broken, chain_of(bundle), classifier)


def test_pickled_frames_are_never_opened(bundle, classifier):
    import io

    contents = io.BytesIO()
    np.savez(contents, frame_0=np.array([{}], dtype=object), probabilities=np.zeros((1, 4), np.float32))

    with pytest.raises(ModelError, match="cannot be read"):
        check_frames(with_file(bundle, FRAMES, contents.getvalue()), chain_of(bundle), classifier)


def test_a_bundle_without_says_so(tmp_path, classifier):
    bundle = load_bundle(write_bundle(tmp_path, golden=False))

    with pytest.raises(ModelError, match="no golden frames to compare with: export the model again"):
        check_frames(bundle, chain_of(bundle), classifier)


def test_frames_that_are_not_small_integers_are_not_packed():
    p = np.full((1, 4), 0.25, np.float32)
    for image in (np.zeros((8, 8)), np.zeros((300, 8), np.int32), np.zeros(8, np.int32)):
        with pytest.raises(ValueError, match="a golden frame"):
            pack_frames([image], p)
