"""One cell of the grid: out-of-fold answers of a classifier that was tuned, fitted and calibrated inside each fold."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.offline.dataset import Dataset
from camsortxs.offline.grid.plan import Cell, Setting
from camsortxs.offline.grid.served import Served, served
from camsortxs.offline.train import Options, Tuned, group_folds, tune
from camsortxs.techniques import TECHNIQUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a cell.

    `rows` are the places of the scored frames in the dataset, `probabilities` (rows, 4) their calibrated answers, each
    by a model whose training held no frame of their group. `folds` says what was chosen in each fold, by what figures;
    `fit_seconds` is the mean time of one fit, `seconds` that of the whole cell.
    """

    cell: Cell
    rows: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    folds: list[dict[str, Any]]
    served: Served
    fit_seconds: float
    seconds: float


def scored(dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Return which frames are scored: those of one technique, as they were measured or simulated.

    Augmented copies and frames between small and wide angle are learnt from only.
    """
    kept: npt.NDArray[np.bool_] = dataset.plain & (dataset.origins != "augmented")
    return kept


def run_cell(cell: Cell, dataset: Dataset, setting: Setting) -> Result:
    """Return the out-of-fold answers of `cell`, and what it costs to fit, to ask and to keep."""
    began = time.perf_counter()
    part = dataset.columns(cell.representations)
    kept = scored(part)
    p = np.full((len(part.values), len(TECHNIQUES)), np.nan, dtype=np.float32)
    options = Options(trees=setting.trees, inner=setting.inner, seed=setting.seed)
    fitted: list[Tuned] = []
    for inside, outside in group_folds(part, setting.folds, setting.seed):
        asked = outside[kept[outside]]
        fitted.append(tune(part.take(inside), cell.classifier, options))
        p[asked] = fitted[-1].probabilities(part.values[asked])
    rows = np.flatnonzero(kept)
    return Result(
        cell=cell,
        rows=rows,
        probabilities=p[rows],
        folds=[{"settings": each.settings, "temperature": each.temperature, "inner": each.compared} for each in fitted],
        served=served(fitted[0].estimator, part.values[rows]),
        fit_seconds=float(np.mean([each.fit_seconds for each in fitted])),
        seconds=time.perf_counter() - began,
    )
