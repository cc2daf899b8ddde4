import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from classifiers.bundles import make_dataset
from sklearn import metrics
from sklearn.model_selection import cross_val_predict

from camsortxs.offline import train as training
from camsortxs.offline.convert import compare, to_onnx
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import KINDS, kind_of
from camsortxs.offline.train import Options, group_folds, train, train_best, tune

# pycaret pulls in libraries that deprecate one another.
pycaret_warns = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pycaret_warns
def test_pycaret_tunes_under_group_folds_and_the_best_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = make_dataset(200)
    trained = train_best(dataset, ("et", "lightgbm"), Options(trees=10, folds=3, seed=1, tune=True))

    assert trained.classifiers in (("et",), ("lightgbm",))
    assert 0.5 < trained.leaderboard[trained.name]["Accuracy"] <= 1.0
    assert (trained.out_of_fold.argmax(axis=1) == dataset.labels).mean() > 0.6
    assert 0.0 < trained.threshold < 1.0
    assert compare(to_onnx([trained.estimator], len(dataset.names)), [trained.estimator], dataset.values) < 1e-5
    assert list(tmp_path.iterdir()) == [], "pycaret left something behind"


def test_a_classifier_that_is_named_twice_votes_with_two_seeds():
    trained = train(make_dataset(160), ("lightgbm_extra", "lightgbm_extra"), Options(trees=8, folds=2))
    first, second = trained.estimator.estimators

    assert trained.name == "lightgbm_extra+lightgbm_extra"
    assert first.random_state != second.random_state
    values = make_dataset(40).values
    assert not np.allclose(first.predict_proba(values), second.predict_proba(values))


@pycaret_warns
@pytest.mark.parametrize("name", KINDS)
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
    kind = kind_of("et", trees=30, seed=0)
    kind.grid.clear()
    kind.grid["min_samples_leaf"] = [70, 5]
    monkeypatch.setattr(training, "kind_of", lambda *_, **__: kind)

    assert tune(make_dataset(160), "et", Options(trees=30)).settings == {"min_samples_leaf": 5}


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


def test_measured_sources_are_shared_out_among_the_folds():
    """Half of the groups of one technique are measured: by technique alone they would fall as chance has it."""
    labels = np.repeat(np.arange(20) // 5 % 4, 8)
    groups = np.repeat([f"g{place}" for place in range(20)], 8)
    labels = np.where(labels == 3, 0, labels)
    dataset = Dataset.certain(["x"], np.zeros((160, 1), np.float32), labels, groups)
    origins = np.where(np.isin(groups, ["g0", "g1", "g15", "g16"]), "measured", "simulated")
    dataset = replace(dataset, origins=origins)

    for seed in range(8):
        held = [set(groups[outside][origins[outside] == "measured"]) for _, outside in group_folds(dataset, 4, seed)]
        assert [len(sources) for sources in held] == [1, 1, 1, 1]
