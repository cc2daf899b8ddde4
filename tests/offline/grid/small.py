"""A dataset that a grid goes through in seconds, with measured frames and augmented copies."""

import numpy as np

from camsortxs.features.catalogue import CATALOGUE
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.grid.cell import Result, scored
from camsortxs.offline.grid.plan import Cell
from camsortxs.offline.grid.served import Served

USED = ("histogram.statistics", "glcm.d1")


def small_dataset(rows: int = 160, *, copies: bool = True, signal: float = 1.0) -> Dataset:
    """Four clouds in two representations; ten detectors, four measured sources, each measured frame with a copy."""
    rng = np.random.default_rng(11)
    names = tuple(f"{name}.{column}" for name in USED for column in CATALOGUE[name].columns)
    labels = np.arange(rows) % 4
    values = rng.normal(0, 0.4, (rows, len(names))).astype(np.float32)
    values[:, 0] += signal * labels
    values[:, 8] -= signal * labels
    groups = np.array([f"detector {i // 4 % 10}" for i in range(rows)])
    simulated = Dataset.certain(names, values, labels, groups)
    places = np.arange(48)
    measured = Dataset.certain(
        names,
        values[places] + np.float32(0.1),
        labels[places],
        np.array([f"source {i // 4 % 4}" for i in places]),
        "measured",
    )
    parts = [simulated, measured]
    if copies:
        parts.append(
            Dataset.certain(names, measured.values + np.float32(0.05), measured.labels, measured.groups, "augmented")
        )
    return Dataset.join(parts)


def made_up(cell: Cell, dataset: Dataset, *, right: float = 0.9, microseconds: float = 50.0) -> Result:
    """A result that took no time: answers of which the share `right` is right."""
    rng = np.random.default_rng(len(str(cell)))
    rows = np.flatnonzero(scored(dataset))
    truth = dataset.labels[rows]
    said = np.where(rng.random(len(rows)) < right, truth, (truth + 1) % 4)
    p = np.full((len(rows), 4), 0.1, dtype=np.float32)
    p[np.arange(len(rows)), said] = 0.7
    return Result(
        cell=cell,
        rows=rows,
        probabilities=p,
        folds=[{"settings": {"depth": 4}, "temperature": 1.1, "inner": {"Accuracy": 0.9}}],
        served=Served(microseconds=microseconds, bytes=2048, reason=None),
        fit_seconds=0.25,
        seconds=2.0,
    )
