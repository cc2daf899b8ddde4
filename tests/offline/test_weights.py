from dataclasses import replace

import numpy as np
import pytest
from classifiers.bundles import make_dataset

from camsortxs.offline.weights import MEASURED, NOTHING, training_weights


def test_every_source_of_a_technique_teaches_the_same():
    dataset = make_dataset(80)
    groups = np.array(["big"] * 60 + ["small"] * 20)
    measured = replace(dataset, groups=groups, origins=np.full(80, "measured"))
    weights = training_weights(measured)

    assert weights.mean() == pytest.approx(1.0)
    for group in ("big", "small"):
        for technique in range(4):
            assert weights[(groups == group) & (dataset.labels == technique)].sum() == pytest.approx(10.0)


def test_measured_frames_and_their_copies_weigh_a_share_of_the_simulated():
    dataset = make_dataset(100)
    origins = np.array(["simulated"] * 80 + ["measured"] * 8 + ["augmented"] * 12)
    weights = training_weights(replace(dataset, origins=origins))

    assert weights[:80].tolist() == [1.0] * 80
    assert weights[80:].sum() == pytest.approx(MEASURED * 80)


def test_what_shows_nothing_weighs_more():
    dataset = make_dataset(80)
    dataset.targets[3] = 0.25
    dataset.targets[4] = (0.5, 0.5, 0.0, 0.0)

    assert np.flatnonzero(training_weights(dataset) == NOTHING).tolist() == [3]
    assert training_weights(dataset).sum() == 79 + NOTHING
