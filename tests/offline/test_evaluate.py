import numpy as np
import pytest
from sklearn import metrics

from camsortxs.decision import decide
from camsortxs.offline.evaluate import Answer, evaluate
from camsortxs.techniques import TECHNIQUES, Parent, Technique


def answer(truth, p, group="a"):
    return Answer(truth=truth, group=group, decided=decide(p, 0.6), probabilities=tuple(p))


def sure(technique, share=0.97):
    rest = (1 - share) / 3
    return [share if t is technique else rest for t in TECHNIQUES]


def test_perfect_answers_are_perfect():
    report = evaluate([answer(t, sure(t), group=str(i)) for i in range(3) for t in TECHNIQUES], resamples=20)

    for by in ("by_frame", "by_group"):
        values = {name: figure["value"] for name, figure in report[by].items()}
        assert values.pop("ece") == pytest.approx(0.03)
        assert values == pytest.approx(dict.fromkeys(values, 1.0))
    assert report["groups"] == 3


def test_by_group_every_source_weighs_the_same():
    answers = [answer(Technique.SAXS, sure(Technique.SAXS), group="many")] * 9
    answers += [answer(Technique.WAXS, sure(Technique.SAXS), group="one")]
    report = evaluate(answers, resamples=20)

    assert report["by_frame"]["accuracy"]["value"] == pytest.approx(0.9)
    assert report["by_group"]["accuracy"]["value"] == pytest.approx(0.5)
    assert report["by_group"]["accuracy"]["interval"] == pytest.approx([0.0, 1.0])
    assert report["recall"]["WAXS"] == {"frames": 1, "groups": 1, "recall": 0.0}
    assert report["confusion"]["WAXS"]["SAXS"] == 1


def test_the_figures_are_scikit_learn_s(rng):
    truth = rng.integers(0, 4, 60)
    p = rng.dirichlet([0.6] * 4, 60)
    report = evaluate(
        [answer(TECHNIQUES[t], row, group=str(i % 7)) for i, (t, row) in enumerate(zip(truth, p, strict=True))]
    )
    said = p.argmax(axis=1)
    values = {name: figure["value"] for name, figure in report["by_frame"].items()}

    assert values["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, said))
    assert values["f1"] == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert values["auc"] == pytest.approx(metrics.roc_auc_score(truth, p, multi_class="ovr"))
    assert values["kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, said))
    assert values["mcc"] == pytest.approx(metrics.matthews_corrcoef(truth, said))
    low, high = report["by_frame"]["accuracy"]["interval"]
    assert low <= values["accuracy"] <= high


def test_a_bit_can_be_right_where_the_technique_is_wrong():
    report = evaluate([answer(Technique.GISAXS, sure(Technique.GIWAXS))], resamples=5)["by_frame"]

    assert report["accuracy"]["value"] == 0.0
    assert report["grazing_accuracy"]["value"] == 1.0
    assert report["angle_accuracy"]["value"] == 0.0


def test_no_signal_counts_as_wrong_and_as_not_covered():
    silent = Answer(truth=Technique.SAXS, group="a", decided=Parent.NO_SIGNAL, probabilities=None)
    report = evaluate([silent, answer(Technique.SAXS, sure(Technique.SAXS))], resamples=5)

    assert report["by_frame"]["accuracy"]["value"] == 0.5
    assert report["by_frame"]["grazing_accuracy"]["value"] == 0.5
    assert report["by_frame"]["coverage"]["value"] == 0.5
    assert report["by_frame"]["accuracy_when_sure"]["value"] == 1.0
    assert report["confusion"]["SAXS"]["no_signal"] == 1


def test_nothing_to_evaluate_is_said():
    with pytest.raises(ValueError, match="no frame"):
        evaluate([])


def test_intervals_are_repeatable():
    answers = [answer(t, sure(s), group=f"{t}{s}") for t in TECHNIQUES for s in TECHNIQUES[:2]]

    assert np.all(evaluate(answers, resamples=10) == evaluate(answers, resamples=10))
