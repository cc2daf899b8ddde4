import numpy as np
import pytest
from sklearn import metrics as sklearn

from camsortxs.offline.metrics import Answered, accuracy_at, metrics, reliability


@pytest.fixture
def answered(rng) -> Answered:
    p = rng.dirichlet([0.5] * 4, 80).round(1) + 0.01  # rounded, so that some tie
    p /= p.sum(axis=1, keepdims=True)
    silent = rng.random(80) < 0.1
    return Answered(
        truth=rng.integers(0, 4, 80),
        said=np.where(silent, 4, p.argmax(axis=1)),
        p=np.where(silent[:, None], 0.25, p),
        sure=p.max(axis=1) > 0.6,
    )


def test_every_weighted_figure_is_scikit_learn_s(answered, rng):
    weight = rng.integers(1, 6, 80) / 3
    found = metrics(answered, weight)
    truth, said = answered.truth, answered.said
    over = {"labels": [0, 1, 2, 3], "average": "macro", "sample_weight": weight, "zero_division": 0}
    auc = [sklearn.roc_auc_score(truth == k, answered.p[:, k], sample_weight=weight) for k in range(4)]

    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, said, sample_weight=weight))
    assert found["balanced_accuracy"] == pytest.approx(sklearn.recall_score(truth, said, **over))
    assert found["precision"] == pytest.approx(sklearn.precision_score(truth, said, **over))
    assert found["f1"] == pytest.approx(sklearn.f1_score(truth, said, **over))
    assert found["auc"] == pytest.approx(np.mean(auc))
    assert found["kappa"] == pytest.approx(sklearn.cohen_kappa_score(truth, said, sample_weight=weight))
    assert found["mcc"] == pytest.approx(sklearn.matthews_corrcoef(truth, said, sample_weight=weight))


def test_a_weight_of_two_is_the_frame_twice(answered):
    twice = np.repeat(np.arange(80), 2)

    assert metrics(answered, np.full(80, 2.0)) == pytest.approx(metrics(answered.take(twice), np.ones(160)))
    weight = np.ones(80)
    weight[40:] = 0.0
    assert metrics(answered, weight) == pytest.approx(metrics(answered.take(np.arange(40)), np.ones(40)))


def test_the_surest_are_judged_first_and_ties_count_in_part():
    right = np.array([True, False, True, False])

    assert accuracy_at(0.75, np.array([0.9, 0.4, 0.8, 0.6]), right, np.ones(4)) == pytest.approx(2 / 3)
    assert accuracy_at(0.5, np.full(4, 0.7), right, np.ones(4)) == pytest.approx(0.5)
    assert accuracy_at(0.5, np.array([0.9, 0.4, 0.8, 0.6]), right, np.array([3.0, 1.0, 1.0, 1.0])) == 1.0
    assert accuracy_at(1.0, np.array([0.9, 0.4, 0.8, 0.6]), right, np.ones(4)) == pytest.approx(0.5)


def test_frames_without_signal_are_the_least_sure():
    p = np.array([[0.97, 0.01, 0.01, 0.01]] * 9 + [[0.25] * 4])
    answered = Answered(
        truth=np.zeros(10, dtype=int), said=np.array([0] * 9 + [4]), p=p, sure=np.array([True] * 9 + [False])
    )
    found = metrics(answered, np.ones(10))

    assert found["accuracy"] == pytest.approx(0.9)
    assert found["accuracy_at_90"] == pytest.approx(1.0)


def test_reliability_keeps_every_frame(answered):
    shares, sureness, hits = reliability(answered.p, answered.said == answered.truth, np.ones(80))

    assert shares.sum() == 80
    assert sureness.sum() == pytest.approx(answered.p.max(axis=1).sum())
    assert hits.sum() == (answered.said == answered.truth).sum()
