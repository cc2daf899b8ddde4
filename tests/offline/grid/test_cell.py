import numpy as np
import pytest
from offline.grid.small import small_dataset

from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import CLASSIFIERS
from camsortxs.offline.grid import cell as cells
from camsortxs.offline.grid import served as serving
from camsortxs.offline.grid.cell import run_cell, scored
from camsortxs.offline.grid.plan import Cell, Setting

# pycaret pulls in libraries that deprecate one another.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

SETTING = Setting(trees=8, folds=2, inner=2)


def cell_of(classifier: str, features: str = "histogram.statistics") -> Cell:
    return Cell(features=features, classifier=classifier)


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_each_classifier_answers_out_of_fold_and_exports(classifier):
    dataset = small_dataset()
    result = run_cell(cell_of(classifier), dataset, SETTING)
    right = result.probabilities.argmax(axis=1) == dataset.labels[result.rows]

    assert result.rows.tolist() == np.flatnonzero(scored(dataset)).tolist()
    assert np.isfinite(result.probabilities).all()
    assert np.allclose(result.probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert right.mean() > 0.6
    assert len(result.folds) == 2
    assert all(fold["settings"] and fold["inner"]["Accuracy"] > 0.4 for fold in result.folds)
    assert result.served.reason is None
    assert result.served.bytes > 500
    assert 0 < result.served.microseconds < 1e6
    assert 0 < result.fit_seconds < result.seconds


def test_copies_are_learnt_from_in_the_fold_of_their_frame_and_never_scored(monkeypatch):
    """No group is both learnt from and asked about."""
    dataset = small_dataset()
    place = {row.tobytes(): place for place, row in enumerate(dataset.columns(["histogram.statistics"]).values)}
    learnt: list[set[int]] = []
    asked: list[set[int]] = []
    tune = cells.tune

    def watched(part, name, options):
        learnt.append({place[row.tobytes()] for row in part.values})
        tuned = tune(part, name, options)

        class Asked:
            estimator = tuned.estimator
            settings, temperature, compared = tuned.settings, tuned.temperature, tuned.compared
            fit_seconds = tuned.fit_seconds

            def probabilities(self, values):
                asked.append({place[row.tobytes()] for row in values})
                return tuned.probabilities(values)

        return Asked()

    monkeypatch.setattr(cells, "tune", watched)
    result = run_cell(cell_of("et"), dataset, SETTING)
    copies = set(np.flatnonzero(dataset.origins == "augmented").tolist())

    for inside, outside in zip(learnt, asked, strict=True):
        assert not {dataset.groups[i] for i in inside} & {dataset.groups[i] for i in outside}
        assert inside & copies
        assert not outside & copies
    assert sorted(set().union(*asked)) == result.rows.tolist()
    assert not set(result.rows.tolist()) & copies


def test_a_feature_that_tells_the_group_tells_nothing_more():
    """Labels follow from the group here: a split by frame would be right nearly always."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(24), 10)
    labels = rng.permutation(np.arange(24) % 4)[groups]
    names = tuple(f"histogram.statistics.{i}" for i in range(3))
    values = rng.normal(0, 1, (240, 3)).astype(np.float32)
    values[:, 0] = groups
    dataset = Dataset.certain(names, values, labels, np.array([f"detector {g}" for g in groups]))
    result = run_cell(cell_of("et"), dataset, SETTING)

    assert (result.probabilities.argmax(axis=1) == labels).mean() < 0.5


def test_frames_between_small_and_wide_are_learnt_from_only():
    dataset = small_dataset(copies=False)
    dataset.targets[:8] = [0.5, 0.5, 0, 0]

    assert not scored(dataset)[:8].any()
    assert scored(dataset)[8:].all()


def test_without_onnx_it_says_why_and_times_python(monkeypatch):
    from sklearn.dummy import DummyClassifier

    dataset = small_dataset()
    estimator = DummyClassifier(strategy="uniform").fit(dataset.values, dataset.labels)
    monkeypatch.setattr(serving, "to_onnx", lambda *_: (_ for _ in ()).throw(TypeError("no converter\nat all")))
    found = serving.served(estimator, dataset.values)

    assert found.bytes is None
    assert found.reason == "TypeError: no converter"
    assert found.microseconds > 0
