from dataclasses import replace

import numpy as np
import pytest
from classifiers.bundles import make_dataset

from camsortxs.offline.calibration import conformal_threshold, fit_temperature, judging_rows
from camsortxs.offline.dataset import Dataset


def sources(rng, groups: int, frames: int = 5) -> tuple[Dataset, np.ndarray]:
    """Frames of instruments that differ: the truth's probability is drawn about a level of each instrument."""
    labels = rng.integers(4, size=groups * frames)
    of = np.repeat(np.arange(groups), frames)
    truth = np.clip(rng.uniform(0.2, 0.95, groups)[of] + rng.normal(0, 0.05, len(of)), 0.01, 0.99)
    p = np.repeat((1 - truth)[:, None] / 3, 4, axis=1)
    p[np.arange(len(of)), labels] = truth
    values = np.zeros((len(of), 1), np.float32)
    return Dataset.certain(["x"], values, labels, np.array([f"s{i}" for i in of]), "measured"), p


def test_overconfidence_is_cooled_and_underconfidence_heated():
    rng = np.random.default_rng(3)
    dataset = make_dataset(400)
    right = rng.random(400) < 0.7
    said = np.where(right, dataset.labels, (dataset.labels + 1) % 4)
    for share, warmer in ((0.97, True), (0.4, False)):
        p = np.full((400, 4), (1 - share) / 3)
        p[np.arange(400), said] = share
        assert (fit_temperature(dataset, p) > 1.0) is warmer


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_the_truth_of_an_unseen_instrument_is_among_the_candidates_as_often_as_promised(coverage):
    rng = np.random.default_rng(11)
    kept = []
    for _ in range(400):
        seen, p = sources(rng, groups=15)
        new, q = sources(rng, groups=1)
        kept.append(np.mean(q[np.arange(5), new.labels] >= conformal_threshold(seen, p, coverage)))

    assert coverage - 0.03 < np.mean(kept) < coverage + 0.07  # three standard errors; at most 1 / 16 too much


def test_many_frames_of_one_instrument_promise_nothing_for_the_others():
    """By frame, 95 of 100 are sure; by instrument, one of eleven is not."""
    sure, unsure = np.full(95, 0.99), np.full(20, 0.3)
    groups = ["many"] * 95 + [f"s{i}" for i in range(20)]
    p = np.zeros((115, 4))
    p[:, 0] = [*sure, *unsure]
    dataset = Dataset.certain(["x"], np.zeros((115, 1), np.float32), np.zeros(115, int), np.array(groups), "measured")

    assert conformal_threshold(dataset, p) == pytest.approx(0.3)


def test_few_instruments_promise_nothing():
    rng = np.random.default_rng(0)
    few, p = sources(rng, groups=8)
    more, q = sources(rng, groups=9)

    assert conformal_threshold(few, p, 0.9) == 0.5
    assert conformal_threshold(more, q, 0.9) == pytest.approx(
        np.floor(q[np.arange(len(q)), more.labels].min() * 1e4) / 1e4
    )


def test_a_model_that_is_always_sure_does_not_keep_back_what_it_is_less_sure_of():
    p = np.tile([0.97, 0.01, 0.01, 0.01], (30, 1))
    groups = np.array([f"s{i}" for i in range(30)])
    dataset = Dataset.certain(["x"], np.zeros((30, 1), np.float32), np.zeros(30, int), groups, "measured")

    assert conformal_threshold(dataset, p) == 0.6


def test_measured_instruments_judge_alone_once_there_are_ten():
    dataset = make_dataset(200)
    groups = np.array([f"g{i % 25}" for i in range(200)])
    soft = dataset.targets.copy()
    soft[0] = 0.25
    for measured, judged in ((9, 200), (12, 96)):
        origins = np.where(np.isin(groups, [f"g{i}" for i in range(measured)]), "measured", "simulated")
        origins[1] = origins[26] = "augmented"
        rows = judging_rows(replace(dataset, groups=groups, origins=origins, targets=soft))

        assert len(rows) == judged - 3
