"""What the answers of a cell are worth: on measured frames, where every source weighs the same, and on simulated."""

from typing import Any

import numpy as np

from camsortxs.offline.dataset import Dataset
from camsortxs.offline.evaluate import RESAMPLES, answers, by_group
from camsortxs.offline.grid.cell import Result
from camsortxs.techniques import TECHNIQUES

MEASURED, SIMULATED = "measured", "simulated"
METRICS = (
    "balanced_accuracy", "accuracy", "precision", "f1", "auc", "kappa", "mcc",
    "ece", "grazing_accuracy", "angle_accuracy", "accuracy_at_90", "accuracy_at_80",
)  # fmt: skip
_STOOD_BY = 0.5  # a threshold is a matter of the bundle; nothing that is reported here follows from it

Figures = dict[str, dict[str, Any]]


def figures(result: Result, dataset: Dataset, *, resamples: int = RESAMPLES) -> dict[str, Figures]:
    """Return, for each origin that occurs, the metrics with 95 % intervals from resampling whole groups.

    Measured frames count by source and simulated ones by detector: every group weighs the same.
    """
    found = {}
    for origin in (MEASURED, SIMULATED):
        kept = dataset.origins[result.rows] == origin
        if kept.any():
            part = dataset.take(result.rows[kept])
            report = by_group(answers(part, result.probabilities[kept], _STOOD_BY), resamples=resamples)
            found[origin] = {name: report[name] for name in METRICS}
    return found


def described(dataset: Dataset) -> list[str]:
    """Say of each origin how many frames of how many groups there are, and of which techniques.

    >>> described(Dataset.certain(["x"], np.zeros((3, 1), np.float32), np.array([0, 0, 3]), np.array(["a", "a", "b"])))
    ['3 simulated frames of 2 groups (SAXS 2, GIWAXS 1)']
    """
    lines = []
    for origin in (MEASURED, "augmented", SIMULATED):
        part = dataset.take(dataset.origins == origin)
        if not len(part.values):
            continue
        counts = np.bincount(part.labels, minlength=len(TECHNIQUES))
        shown = ", ".join(f"{name} {count}" for name, count in zip(TECHNIQUES, counts, strict=True) if count)
        lines.append(f"{len(part.values)} {origin} frames of {len(np.unique(part.groups))} groups ({shown})")
    return lines
