"""How much a frame weighs: every source of a technique the same, however many frames it gave."""

import numpy as np
import numpy.typing as npt

from camsortxs.offline.dataset import Dataset
from camsortxs.techniques import TECHNIQUES

MEASURED = 0.3
"""What measured frames and their copies weigh together, where all simulated ones weigh 1."""
NOTHING = 2.0
"""What a frame that shows nothing weighs beside another: there are few, and none may be named."""

Floats = npt.NDArray[np.float64]


def training_weights(dataset: Dataset) -> Floats:
    """Return the weights (frames,) to learn with.

    Simulated frames weigh 1. Among measured frames each technique weighs the same, and within it each group: sixteen
    frames of one capillary teach no more than one. Measured frames alone weigh 1 each in the mean.
    """
    weights = np.ones(len(dataset.values))
    simulated = dataset.origins == "simulated"
    measured = ~simulated & dataset.plain
    if measured.any():
        total = MEASURED * simulated.sum() if simulated.any() else measured.sum()
        weights[measured] = total * balanced_weights(dataset.labels[measured], dataset.groups[measured])
    weights[dataset.targets.max(axis=1) == 1 / len(TECHNIQUES)] *= NOTHING
    return weights


def balanced_weights(labels: npt.NDArray[np.int64], groups: npt.NDArray[np.str_]) -> Floats:
    """Return weights (frames,) that sum to one: each technique the same, within it each group.

    >>> balanced_weights(np.array([0, 0, 0, 1]), np.array(["a", "a", "b", "a"])).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    weights = np.zeros(len(labels))
    for label in np.unique(labels):
        rows = labels == label
        weights[rows] = group_weights(groups[rows])
    return np.asarray(weights / weights.sum())


def group_weights(groups: npt.NDArray[np.str_]) -> Floats:
    """Return weights (frames,) that sum to one, the same for each group.

    >>> group_weights(np.array(["a", "a", "b"])).tolist()
    [0.25, 0.25, 0.5]
    """
    _, place, frames = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / frames[place] / len(frames))
