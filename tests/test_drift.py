import numpy as np
import pytest

from camsortxs.classifiers.reference import reference_of
from camsortxs.drift import ENOUGH, Drift, Watched
from camsortxs.features.base import Features
from camsortxs.frames import FrameKey
from camsortxs.testing import TinyClassifier


@pytest.fixture
def trained(rng):
    """Features of 5000 training frames: normal, long-tailed, and mostly zero."""
    zeros = np.where(rng.random(5000) < 0.7, 0.0, rng.random(5000))
    return np.stack([rng.normal(size=5000), rng.exponential(size=5000), zeros], axis=1).astype(np.float32)


def features(values, *, runs=None, first=0):
    runs = runs if runs is not None else [f"run {first + i}" for i in range(len(values))]
    keys = tuple(FrameKey(run=run, stream="primary", data_key="d", index=i) for i, run in enumerate(runs))
    names = tuple(f"f{i}" for i in range(values.shape[1]))
    return Features(keys=keys, names=names, values=values.astype(np.float32))


def test_frames_like_those_of_the_training_have_not_drifted(trained, rng):
    drift = Drift(reference_of(trained))
    drift.add(features(trained[rng.permutation(5000)[:1000]]))

    assert drift.psi() == pytest.approx(np.zeros(3), abs=0.05)
    assert drift.outside() == pytest.approx(0.01, abs=0.01)


def test_the_feature_that_moved_is_the_one_that_is_told(trained, rng):
    late = trained[rng.permutation(5000)[:1000]].copy()
    late[:, 0] += 2.0
    drift = Drift(reference_of(trained))
    drift.add(features(late))

    assert drift.psi()[0] > 1.0
    assert drift.psi()[1:].max() < 0.05
    assert drift.outside() > 0.05


def test_the_index_is_the_one_of_the_textbook(trained, rng):
    late = (trained[rng.permutation(5000)[:1000]] * 1.3 + 0.2).astype(np.float32)
    reference = reference_of(trained)
    drift = Drift(reference)
    drift.add(features(late))

    for feature in range(3):
        edges = [-np.inf, *np.nextafter(reference.edges[feature], np.float32(np.inf)), np.inf]
        then, now = (np.bincount(np.digitize(v[:, feature], edges[1:-1]), minlength=10) for v in (trained, late))
        p, q = (now + 0.5) / (now.sum() + 5), (then / 5 + 0.5) / (then.sum() / 5 + 5)
        assert drift.psi()[feature] == pytest.approx(float(((p - q) * np.log(p / q)).sum()), rel=1e-3)


def test_the_window_forgets(trained):
    drift = Drift(reference_of(trained), window=200)
    drift.add(features(trained[:200] + 100))
    assert drift.psi().min() > 1.0
    drift.add(features(trained[200:400], first=200))

    again = Drift(reference_of(trained), window=200)
    again.add(features(trained[200:400]))
    assert np.array_equal(drift.psi(), again.psi())
    assert drift.frames == 200
    assert drift.outside() == again.outside()


def test_a_long_scan_counts_as_few_frames(trained):
    drift = Drift(reference_of(trained), per_run=5)
    drift.add(features(trained[:300], runs=["scan"] * 300))
    drift.add(features(trained[:300], runs=["scan"] * 150 + ["another"] * 150))

    assert drift.frames == 10


def test_few_frames_tell_nothing(trained):
    drift = Drift(reference_of(trained))
    assert drift.outside() == 0.0
    drift.add(features(trained[: ENOUGH - 1]))
    assert drift.psi().size == 0
    drift.add(features(trained[ENOUGH - 1 : ENOUGH], first=ENOUGH))
    assert drift.psi().size == 3


def test_a_watched_classifier_says_what_it_says(trained):
    drift = Drift(reference_of(trained[:, :2]))
    plain, few = TinyClassifier(), features(trained[:7, :2])
    watched = Watched(plain, drift)

    assert np.array_equal(watched.classify(few), plain.classify(few))
    assert drift.frames == 7
    assert [getattr(watched, name) for name in ("reference", "feature_names", "feature_digest", "threshold")] == [
        getattr(plain, name) for name in ("reference", "feature_names", "feature_digest", "threshold")
    ]
