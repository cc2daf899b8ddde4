import numpy as np
import pytest
from classifiers.bundles import make_dataset

from camsortxs.offline import train as training
from camsortxs.offline.convert import compare, to_onnx
from camsortxs.offline.train import Options, choose_threshold, fit_temperature, train


# pycaret pulls in libraries that deprecate one another.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_pycaret_trains_under_group_folds_and_the_result_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = make_dataset(200)
    trained = train(dataset, Options(trees=10, folds=3, seed=1))

    assert set(trained.leaderboard) == set(training.ESTIMATORS)
    assert all(0.5 < row["Accuracy"] <= 1.0 for row in trained.leaderboard.values())
    assert trained.name in training.ESTIMATORS
    assert (trained.out_of_fold.argmax(axis=1) == dataset.labels).mean() > 0.6
    assert 0.5 <= trained.threshold <= 0.95
    assert compare(to_onnx([trained.estimator], len(dataset.names)), [trained.estimator], dataset.values) < 1e-5
    assert list(tmp_path.iterdir()) == [], "pycaret left something behind"


def test_overconfidence_is_cooled_and_underconfidence_heated():
    rng = np.random.default_rng(3)
    dataset = make_dataset(400)
    right = rng.random(400) < 0.7
    said = np.where(right, dataset.labels, (dataset.labels + 1) % 4)
    for share, warmer in ((0.97, True), (0.4, False)):
        p = np.full((400, 4), (1 - share) / 3)
        p[np.arange(400), said] = share
        assert (fit_temperature(dataset, p) > 1.0) is warmer


def test_the_threshold_is_the_lowest_that_is_right_often_enough():
    labels = np.zeros(100, dtype=np.int64)
    p = np.tile([0.9, 0.1, 0.0, 0.0], (100, 1))
    p[:20] = [0.3, 0.7, 0.0, 0.0]  # wrong, at 0.7

    assert choose_threshold(labels, p) == pytest.approx(0.71)
    assert choose_threshold(labels[20:], p[20:]) == pytest.approx(0.5)
    assert choose_threshold(labels[:20], p[:20]) == pytest.approx(0.95)
