import numpy as np
import onnx
import onnxruntime
import pytest

from camsortxs.errors import ModelError
from camsortxs.offline.convert import SoftVote, border_rows, compare, floor32, members, to_onnx
from camsortxs.offline.slim import slim

KINDS = ("et", "rf", "lightgbm", "xgboost", "catboost")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # from the converters


def fit(kind, values, labels):
    if kind in ("et", "rf"):
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        return {"et": ExtraTreesClassifier, "rf": RandomForestClassifier}[kind](12, random_state=0).fit(values, labels)
    if kind == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=12, min_child_samples=5, n_jobs=1, verbose=-1).fit(values, labels)
    if kind == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=12, n_jobs=1).fit(values, labels)
    from catboost import CatBoostClassifier

    quiet = {"verbose": False, "allow_writing_files": False, "thread_count": 1}
    return CatBoostClassifier(iterations=12, depth=5, **quiet).fit(values, labels)


@pytest.fixture(scope="module")
def rows():
    """Features of very different size, some with few values, some zero: what thresholds are hard on."""
    rng = np.random.default_rng(5)
    labels = np.arange(600) % 4
    values = rng.normal(size=(600, 6)).astype(np.float32)
    values[:, 0] = np.round(values[:, 0], 1)
    values[:, 1] *= 1e-6
    values[:, 2] *= 1e6
    values[:, 3] += labels
    values[:, 4] = np.maximum(values[:, 4] - labels % 2, 0)
    return values, labels


@pytest.fixture(scope="module")
def fitted(rows):
    return {kind: fit(kind, *rows) for kind in KINDS}


def served(graph, values):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {"features": values})[0]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_trees_answers_as_in_python_also_on_every_border(kind, fitted, rows):
    estimator = fitted[kind]
    graph = to_onnx(estimator, 6)
    border = border_rows(graph, rows=5000, seed=1)

    assert compare(graph, estimator, rows[0]) < 1e-5
    assert np.abs(served(graph, border) - estimator.predict_proba(border)).max() < 1e-5


def test_without_rounding_down_lightgbm_fails_on_the_border_alone(fitted, rows, monkeypatch):
    """What is guarded against: on the rows of data nothing would be seen."""
    estimator = fitted["lightgbm"]
    monkeypatch.setattr("camsortxs.offline.convert._rounded", lambda one: one.booster_)
    graph = to_onnx([estimator], 6)

    assert np.abs(served(graph, rows[0]) - estimator.predict_proba(rows[0])).max() < 1e-5
    with pytest.raises(ModelError, match="not exported: ONNX and Python differ"):
        compare(graph, [estimator], rows[0])


def test_rounding_down_leaves_every_comparison_as_it_was(rng):
    exact = np.concatenate([rng.normal(size=500), rng.normal(size=500) * 1e-30, [0.1, -0.1, 0.0, 1e-35]])
    down = floor32(exact)

    assert (down <= exact).all()
    assert (np.nextafter(down, np.float32(np.inf)) > exact).all()


def test_border_rows_are_on_the_thresholds_and_beside_them(fitted):
    rows = border_rows(to_onnx([fitted["xgboost"]], 6), rows=400)
    trees = fitted["xgboost"].get_booster().trees_to_dataframe()
    thresholds = trees.loc[trees.Feature == "f3", "Split"].to_numpy(np.float32)

    assert 0.2 < np.isin(rows[:, 3], thresholds).mean() < 0.6
    at = np.append(thresholds, np.float32(0))  # zero beside them, for features that no tree looks at
    beside = [np.nextafter(at, np.float32(towards)) for towards in (-np.inf, np.inf)]
    assert np.isin(rows[:, 3], np.concatenate([at, *beside])).all()


def test_several_that_vote_are_one_graph_with_the_mean_of_their_probabilities(fitted, rows):
    vote = SoftVote(tuple(fitted.values()))
    graph = to_onnx(vote.estimators, 6)
    each = [estimator.predict_proba(rows[0]) for estimator in vote.estimators]

    assert np.abs(served(graph, rows[0]) - np.mean(each, axis=0)).max() < 1e-5
    assert compare(graph, vote.estimators, rows[0]) < 1e-5
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    assert [(one.name, one.shape) for one in session.get_inputs()] == [("features", [None, 6])]
    assert [one.name for one in session.get_outputs()] == ["probabilities"]


def test_one_that_does_not_vote_as_in_python_is_seen(fitted, rows):
    graph = to_onnx([fitted["et"], fitted["rf"]], 6)

    with pytest.raises(ModelError, match="not exported"):
        compare(graph, [fitted["et"], fitted["xgboost"]], rows[0])


def test_forests_lose_what_no_answer_needs(fitted):
    from skl2onnx import to_onnx as plainly

    plain = plainly(fitted["et"], np.zeros((1, 6), np.float32), target_opset=15, options={"zipmap": False})
    graph = to_onnx([fitted["et"]], 6)
    (trees,) = (n for n in onnx.load_model_from_string(graph).graph.node if n.op_type == "TreeEnsembleClassifier")

    assert len(graph) < 0.7 * len(plain.SerializeToString())
    assert "nodes_hitrates" not in {a.name for a in trees.attribute}


def test_who_votes():
    assert members(SoftVote((1, 2))) == (1, 2)
    assert members([1, 2]) == (1, 2)
    assert members(7) == (7,)


def test_a_leaf_whose_weights_are_all_zero_stays_a_leaf():
    node = onnx.helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "p"],
        domain="ai.onnx.ml",
        class_treeids=[0, 0, 0, 0, 1, 1],
        class_nodeids=[1, 1, 2, 2, 2, 2],
        class_ids=[0, 1, 0, 1, 0, 1],
        class_weights=[0.0, 0.0, 0.5, 0.0, 0.0, 0.25],
        nodes_hitrates=[1.0],
    )
    kept = {a.name: onnx.helper.get_attribute_value(a) for a in slim(node).attribute}

    assert kept["class_treeids"] == [0, 0, 1]
    assert kept["class_nodeids"] == [1, 2, 2]
    assert kept["class_ids"] == [0, 0, 1]
    assert kept["class_weights"] == [0.0, 0.5, 0.25]
    other = onnx.helper.make_node("Identity", ["x"], ["y"])
    assert slim(other) is other
