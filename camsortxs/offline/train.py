"""Training by pycaret under group folds. The only file that imports pycaret."""

import os
import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold

from camsortxs.classifiers.onnx import calibrate
from camsortxs.offline.dataset import Dataset
from camsortxs.techniques import TECHNIQUES

ESTIMATORS = ("et", "lightgbm")
"""Extra Trees and LightGBM, by pycaret's names."""
TARGET_ACCURACY = 0.9
"""The abstention threshold is the lowest at which answers out of fold are right this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train: number of trees, folds, seed, threads, and which estimators may be kept (all are compared).

    LightGBM splits at float64 thresholds that ONNX rounds to float32: a row on a border then goes another way (2.7e-4
    was seen), and export refuses. So Extra Trees are kept unless told otherwise.
    """

    trees: int = 300
    folds: int = 3
    seed: int = 0
    jobs: int = 1
    keep: tuple[str, ...] = ("et",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted estimator, its calibration, and how it did on groups that it had not seen.

    `out_of_fold` (frames, 4) are the calibrated probabilities of each training frame by a model that never saw its
    group; `leaderboard` is pycaret's table of cross-validated metrics, by estimator.
    """

    estimator: Any
    name: str
    temperature: float
    threshold: float
    out_of_fold: npt.NDArray[np.float32]
    leaderboard: dict[str, dict[str, float]]


def train(dataset: Dataset, options: Options) -> Trained:
    """Compare the estimators under group folds, keep the `options.keep` with the smallest log loss, calibrate it.

    Trees need no scaling, so nothing is fitted before them: pycaret's preprocessing stays switched off.
    """
    folds = StratifiedGroupKFold(options.folds, shuffle=True, random_state=options.seed)
    columns = [f"f{place}" for place in range(len(dataset.names))]
    table = pd.DataFrame(dataset.values, columns=columns).assign(technique=dataset.labels)
    splits = list(folds.split(dataset.values, dataset.labels, dataset.groups))
    best: tuple[float, str, Any, npt.NDArray[np.float64]] | None = None
    leaderboard = {}
    with warnings.catch_warnings():
        # pycaret names the optional libraries that it does not find.
        warnings.filterwarnings("ignore", category=UserWarning, module="skbase")
        pycaret = _pycaret()
        pycaret.setup(
            data=table.iloc[splits[0][0]],
            test_data=table.iloc[splits[0][1]],
            target="technique",
            index=False,
            preprocess=False,
            fold_strategy=StratifiedGroupKFold(options.folds, shuffle=True, random_state=options.seed),
            fold_groups=pd.Series(dataset.groups[splits[0][0]]),
            session_id=options.seed,
            n_jobs=options.jobs,
            html=False,
            verbose=False,
            system_log=False,
            memory=False,
        )
        for name in ESTIMATORS:
            model = pycaret.create_model(name, verbose=False, **_parameters(name, options))
            if name == "lightgbm":
                model.set_params(verbose=-1)  # pycaret wants `verbose` for itself
            leaderboard[name] = {str(k): float(v) for k, v in pycaret.pull().loc["Mean"].items()}
            if name not in options.keep:
                continue
            apart = np.zeros((len(table), len(TECHNIQUES)))
            for inside, outside in splits:
                fitted = clone(model).fit(dataset.values[inside], dataset.labels[inside])
                apart[outside] = fitted.predict_proba(dataset.values[outside])
            loss = _loss(dataset, apart, 1.0)
            if best is None or loss < best[0]:
                best = (loss, name, model, apart)
    assert best is not None  # noqa: S101 - options.keep is not empty
    _, name, model, apart = best
    temperature = fit_temperature(dataset, apart)
    calibrated = calibrate(apart, temperature)
    return Trained(
        estimator=clone(model).fit(dataset.values, dataset.labels),
        name=name,
        temperature=temperature,
        threshold=choose_threshold(dataset.labels, calibrated),
        out_of_fold=calibrated,
        leaderboard=leaderboard,
    )


def fit_temperature(dataset: Dataset, probabilities: npt.NDArray[np.floating[Any]]) -> float:
    """Return the temperature with the smallest log loss; `probabilities` (frames, 4) must be out of fold."""
    found = minimize_scalar(
        lambda log_t: _loss(dataset, probabilities, float(np.exp(log_t))), bounds=(-2.0, 2.0), method="bounded"
    )
    return round(float(np.exp(found.x)), 4)


def choose_threshold(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating[Any]]) -> float:
    """Return the lowest of 0.50, 0.51, ... 0.95 at which the answers given are right `TARGET_ACCURACY` of the time."""
    right = probabilities.argmax(axis=1) == labels
    sure = probabilities.max(axis=1)
    for threshold in np.arange(50, 96) / 100:
        given = sure >= threshold
        if given.any() and right[given].mean() >= TARGET_ACCURACY:
            return float(threshold)
    return 0.95


def _loss(dataset: Dataset, probabilities: npt.NDArray[np.floating[Any]], temperature: float) -> float:
    p = calibrate(probabilities, temperature).astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    return float(log_loss(dataset.labels, p, labels=list(range(len(TECHNIQUES)))))


def _parameters(name: str, options: Options) -> dict[str, Any]:
    if name == "et":
        return {"n_estimators": options.trees, "min_samples_leaf": 2, "max_features": 0.2, "max_depth": 16}
    return {
        "n_estimators": options.trees // 2,
        "num_leaves": 15,
        "learning_rate": 0.06,
        "min_child_samples": 10,
        "colsample_bytree": 0.3,
        "subsample": 0.7,
        "subsample_freq": 1,
    }


def _pycaret() -> ModuleType:
    """Import pycaret without its log file in the working directory and without its hold on all warnings."""
    os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
    import pycaret.classification
    from pycaret.internal.logging import captureWarnings

    captureWarnings(False)
    module: ModuleType = pycaret.classification
    return module
