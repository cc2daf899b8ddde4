import warnings

import numpy as np
import pandas as pd
import pytest
from classifiers.bundles import make_dataset
from sklearn import metrics
from sklearn.model_selection import cross_val_predict

from camsortxs.offline import train as training
from camsortxs.offline.convert import compare, to_onnx
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import CLASSIFIERS, kind_of
from camsortxs.offline.train import Options, choose_threshold, fit_temperature, group_folds, train, tune

# pycaret pulls in libraries that deprecate one another.
pycaret_warns = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pycaret_warns
def test_pycaret_trains_under_group_folds_and_the_result_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = make_dataset(200)
    trained = train(dataset, Options(trees=10, folds=3, seed=1))

    assert set(trained.leaderboard) == set(training.ESTIMATORS)
    assert all(0.5 < row["Accuracy"] <= 1.0 for row in trained.leaderboard.values())
    assert trained.name in training.ESTIMATORS
    assert (trained.out_of_fold.argmax(axis=1) == dataset.labels).mean() > 0.6
    assert 0.5 <= trained.threshold <= 0.95
    assert compare(to_onnx(trained.estimator, len(dataset.names)), trained.estimator, dataset.values) < 1e-5
    assert list(tmp_path.iterdir()) == [], "pycaret left something behind"


@pycaret_warns
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_classifier_is_tuned_and_learns(name):
    dataset = make_dataset(160)
    tuned = tune(dataset, name, Options(trees=8, seed=2))
    kind = kind_of(name, trees=8, seed=2)

    assert all(tuned.settings[key] in values for key, values in kind.grid.items())
    assert (tuned.probabilities(dataset.values).argmax(axis=1) == dataset.labels).mean() > 0.7
    assert np.allclose(tuned.probabilities(dataset.values).sum(axis=1), 1.0, atol=1e-5)


@pycaret_warns
def test_tuning_takes_the_setting_of_the_smallest_loss(monkeypatch):
    """One of the two cannot learn anything."""
    kind = kind_of("et", trees=8, seed=0)
    kind.grid.clear()
    kind.grid["min_samples_leaf"] = [70, 1]
    monkeypatch.setattr(training, "kind_of", lambda *_, **__: kind)

    assert tune(make_dataset(160), "et", Options(trees=8)).settings == {"min_samples_leaf": 1}


@pycaret_warns
def test_every_column_of_pycaret_is_scikit_learn_s():
    """Each is a mean over folds; precision, recall, F1 and AUC weigh techniques by their frames."""
    rng = np.random.default_rng(5)
    dataset = make_dataset(240)
    dataset.values[:] = rng.normal(0, 1.0, dataset.values.shape) + 0.6 * dataset.labels[:, None]
    options = Options(trees=8, inner=3, seed=1)
    kind = kind_of("et", trees=8, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, told = training._search(dataset, kind, options)
    splits = group_folds(dataset, 3, 1)
    p = cross_val_predict(
        estimator, pd.DataFrame(dataset.values).to_numpy(), dataset.labels, cv=splits, method="predict_proba"
    )
    expected: dict[str, list[float]] = {name: [] for name in told}
    for _, outside in splits:
        truth, said = dataset.labels[outside], p[outside].argmax(axis=1)
        over = {"average": "weighted", "zero_division": 0}
        for name, value in {
            "Accuracy": metrics.accuracy_score(truth, said),
            "AUC": metrics.roc_auc_score(truth, p[outside], average="weighted", multi_class="ovr"),
            "Recall": metrics.recall_score(truth, said, **over),
            "Prec.": metrics.precision_score(truth, said, **over),
            "F1": metrics.f1_score(truth, said, **over),
            "Kappa": metrics.cohen_kappa_score(truth, said),
            "MCC": metrics.matthews_corrcoef(truth, said),
            "Log loss": metrics.log_loss(truth, p[outside], labels=range(4)),
        }.items():
            expected[name].append(value)

    assert set(told) == set(expected)
    assert told["Accuracy"] < 0.99
    assert told == pytest.approx({name: np.mean(values) for name, values in expected.items()}, abs=2e-4)


def test_no_group_is_on_both_sides_and_every_frame_is_held_out_once():
    dataset = make_dataset(200)
    splits = group_folds(dataset, 4, seed=3)

    for inside, outside in splits:
        assert not set(dataset.groups[inside]) & set(dataset.groups[outside])
    assert sorted(np.concatenate([outside for _, outside in splits]).tolist()) == list(range(200))
    with pytest.raises(ValueError, match="10 groups cannot be shared out among 11"):
        group_folds(dataset, 11, seed=3)


def test_each_fold_holds_measured_frames_out_where_they_are_few():
    dataset = make_dataset(200)
    origins = np.where(np.isin(dataset.groups, ["g0", "g1", "g2", "g3"]), "measured", "simulated")
    dataset = Dataset(
        names=dataset.names, values=dataset.values, targets=dataset.targets, groups=dataset.groups, origins=origins
    )

    assert all((origins[outside] == "measured").any() for _, outside in group_folds(dataset, 4, seed=0))


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
