"""From what a classifier says out of fold to probabilities that hold, and to the threshold it stands by."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from camsortxs.classifiers.onnx import calibrate
from camsortxs.decision import MAJORITY
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.weights import group_weights

COVERAGE = 0.9
"""How often the truth is to be among the candidates, on a frame of an instrument that nobody has seen."""
MOST = 0.6
"""The highest threshold that there is: what is well surer than all others together is named, however much surer the
model mostly is."""
_FEWEST = 10
"""Groups of measured frames from which on they alone calibrate: the simulated ones are easier."""

Probabilities = npt.NDArray[np.floating[Any]]


def fit_temperature(dataset: Dataset, probabilities: Probabilities) -> float:
    """Return the temperature with the smallest log loss, where every group weighs the same.

    `probabilities` (frames, 4) must be out of fold. Measured frames count alone where there are enough of them.

    Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    found = minimize_scalar(
        lambda log_t: log_loss_of(dataset, calibrate(probabilities, float(np.exp(log_t)))),
        bounds=(-2.0, 2.0),
        method="bounded",
    )
    return round(float(np.exp(found.x)), 4)


def log_loss_of(dataset: Dataset, probabilities: Probabilities) -> float:
    """Return the log loss (nats) of probabilities (frames, 4) on the frames that are judged, every group alike."""
    rows = judging_rows(dataset)
    p = calibrate(probabilities[rows], 1.0).astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    losses = -(dataset.targets[rows] * np.log(p)).sum(axis=1)
    return float(group_weights(dataset.groups[rows]) @ losses)


def conformal_threshold(dataset: Dataset, probabilities: Probabilities, coverage: float = COVERAGE) -> float:
    """Return the probability that the truth of a frame of a new group reaches at least `coverage` of the time.

    `probabilities` (frames, 4) must be calibrated and out of fold. Every group weighs the same, and the group to come
    counts as one more that may be as bad as can be: so the promise holds for a frame of the next instrument, however
    many frames each gave, as far as instruments are drawn alike. It needs 1 / (1 - coverage) groups: with fewer nothing
    is promised, and the threshold is `MAJORITY`. It is never above `MOST`, which only lets more candidates in.

    Source: hierarchical conformal prediction, Y. Lee, R. F. Barber and R. Willett, "Distribution-free inference with
    hierarchical data", arXiv:2306.06342, equation 5, with the score 1 - p(truth).
    """
    rows = judging_rows(dataset)
    truth = np.take_along_axis(probabilities[rows], dataset.labels[rows][:, None], axis=1)[:, 0]
    order = np.argsort(truth)
    weights = group_weights(dataset.groups[rows])[order]
    groups = len(np.unique(dataset.groups[rows]))
    covered = groups / (groups + 1) * (1 - (np.cumsum(weights) - weights))
    places = np.flatnonzero(covered >= coverage - 1e-9)
    return min(float(np.floor(truth[order][places[-1]] * 1e4) / 1e4), MOST) if len(places) else MAJORITY


def judging_rows(dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the places of the frames that a model is judged on: of one technique, and no copies.

    Measured ones only where they are of enough groups; else those with the simulated ones.
    """
    plain = dataset.plain & (dataset.origins != "augmented")
    measured = plain & (dataset.origins == "measured")
    enough = len(np.unique(dataset.groups[measured])) >= _FEWEST
    return np.flatnonzero(measured if enough else plain)
