"""Training by pycaret under group folds. The only file that imports pycaret."""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit, StratifiedGroupKFold

from camsortxs.classifiers.onnx import calibrate
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import Kind, kind_of
from camsortxs.techniques import TECHNIQUES

ESTIMATORS = ("et", "lightgbm")
"""What is compared unless told otherwise: Extra Trees and LightGBM, by pycaret's names."""
TARGET_ACCURACY = 0.9
"""The abstention threshold is the lowest at which answers out of fold are right this often."""
_LOSS = "Log loss"

Splits = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train: trees, outer folds and folds within their training part, seed, threads.

    All of `compare` are compared; of those in `keep` the best is tuned (unless `tune` is off) and returned. LightGBM
    splits at float64 thresholds that ONNX rounds to float32: a row on a border then goes another way (2.7e-4 was seen),
    and export refuses. So Extra Trees are kept unless told otherwise.
    """

    trees: int = 300
    folds: int = 3
    inner: int = 2
    seed: int = 0
    jobs: int = 1
    compare: tuple[str, ...] = ESTIMATORS
    keep: tuple[str, ...] = ("et",)
    tune: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """An estimator fitted on all frames given, with the settings and the temperature that group folds among them chose.

    `compared` are pycaret's own columns for it, means over those folds; `fit_seconds` is one fit.
    """

    estimator: Any
    settings: dict[str, Any]
    temperature: float
    compared: dict[str, float]
    fit_seconds: float

    def probabilities(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities (frames, 4)."""
        return calibrate(raw_probabilities(self.estimator, values), self.temperature)


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
    """Compare the estimators under group folds, tune those that may be kept in each fold, calibrate the best.

    The best has the smallest log loss out of fold. Trees need no scaling, so nothing is fitted before them: pycaret's
    preprocessing stays switched off.
    """
    splits = group_folds(dataset, options.folds, options.seed)
    with _quiet():
        leaderboard = _compare(dataset.take(splits[0][0]), options)
    best: tuple[float, str, npt.NDArray[np.float64]] | None = None
    for name in options.keep:
        apart = np.zeros((len(dataset.values), len(TECHNIQUES)))
        for inside, outside in splits:
            fitted = tune(dataset.take(inside), name, options).estimator
            apart[outside] = raw_probabilities(fitted, dataset.values[outside])
        loss = _loss(dataset, apart, 1.0)
        if best is None or loss < best[0]:
            best = (loss, name, apart)
    if best is None:
        raise ValueError("no estimator may be kept")
    _, name, apart = best
    temperature = fit_temperature(dataset, apart)
    calibrated = calibrate(apart, temperature)
    return Trained(
        estimator=tune(dataset, name, options).estimator,
        name=name,
        temperature=temperature,
        threshold=choose_threshold(dataset.labels[dataset.plain], calibrated[dataset.plain]),
        out_of_fold=calibrated,
        leaderboard=leaderboard,
    )


def tune(dataset: Dataset, name: str, options: Options) -> Tuned:
    """Let pycaret choose the settings of the classifier `name` by log loss under group folds, fit it, calibrate it.

    All of `dataset` is seen. Settings are chosen on the frames of one technique; the fit also learns from the others,
    each a row for every technique that it may show, weighted.
    """
    kind = kind_of(name, trees=options.trees, seed=options.seed, jobs=options.jobs)
    estimator = kind.estimator
    settings: dict[str, Any] = {}
    compared: dict[str, float] = {}
    splits = group_folds(dataset, options.inner, options.seed)
    if options.tune:
        with _quiet():
            estimator, compared = _search(dataset, kind, options)
        settings = {key: estimator.get_params()[key] for key in kind.grid}
    apart = np.zeros((len(dataset.values), len(TECHNIQUES)))
    for inside, outside in splits:
        apart[outside] = raw_probabilities(_fit(estimator, dataset.take(inside)), dataset.values[outside])
    temperature = fit_temperature(dataset, apart)
    began = time.perf_counter()
    fitted = _fit(estimator, dataset)
    return Tuned(
        estimator=fitted,
        settings=settings,
        temperature=temperature,
        compared=compared,
        fit_seconds=time.perf_counter() - began,
    )


def group_folds(dataset: Dataset, folds: int, seed: int) -> Splits:
    """Return (training, held out) places of each fold: no group on both sides, techniques and origins shared out.

    Raises
    ------
    ValueError
        When there are fewer groups than folds.
    """
    if (groups := len(np.unique(dataset.groups))) < folds:
        raise ValueError(f"{groups} groups cannot be shared out among {folds} folds: give more of them, or fewer folds")
    strata = dataset.labels + len(TECHNIQUES) * (dataset.origins != "simulated")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a technique that few measured frames show cannot be in every fold
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(splitter.split(dataset.values, strata, dataset.groups))


def raw_probabilities(estimator: Any, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return what the estimator says (frames, 4); a technique that it was never shown has probability 0."""
    p = np.zeros((len(values), len(TECHNIQUES)))
    p[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(values)
    return p


def fit_temperature(dataset: Dataset, probabilities: npt.NDArray[np.floating[Any]]) -> float:
    """Return the temperature with the smallest log loss; `probabilities` (frames, 4) must be out of fold.

    Where there are simulated and measured frames, the two weigh the same: the former are many, the latter count.
    """
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
    losses = -(dataset.targets * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1)
    simulated = dataset.origins == "simulated"
    parts = [losses[part].mean() for part in (simulated, ~simulated) if part.any()]
    return float(np.mean(parts))


def _fit(estimator: Any, dataset: Dataset) -> Any:
    values, labels, weights = dataset.hardened()
    return clone(estimator).fit(values, labels, sample_weight=weights)


def _compare(dataset: Dataset, options: Options) -> dict[str, dict[str, float]]:
    """Return pycaret's cross-validated metrics of each estimator as it starts."""
    experiment = _experiment(dataset, options.folds, options)
    leaderboard = {}
    for name in options.compare:
        kind = kind_of(name, trees=options.trees, seed=options.seed, jobs=options.jobs)
        experiment.create_model(kind.estimator, verbose=False)
        leaderboard[name] = _means(experiment)
    return leaderboard


def _search(dataset: Dataset, kind: Kind, options: Options) -> tuple[Any, dict[str, float]]:
    """Return the estimator, not to be used as it is fitted, with the settings of the smallest log loss."""
    experiment = _experiment(dataset, options.inner, options)
    tuned = experiment.tune_model(
        kind.estimator,
        custom_grid=kind.grid,
        optimize=_LOSS,
        search_library="scikit-learn",
        search_algorithm="grid",
        choose_better=False,  # what it starts with is one of the grid
        verbose=False,
    )
    return tuned, _means(experiment)


def _experiment(dataset: Dataset, folds: int, options: Options) -> Any:
    """Return a pycaret experiment on the frames of one technique, its folds those of `group_folds`.

    Estimators are handed to it as objects: by name it would refuse XGBoost where that is installed as `xgboost-cpu`.
    """
    from pycaret.classification import ClassificationExperiment

    plain = dataset.take(dataset.plain)
    fold = np.zeros(len(plain.values), dtype=np.int64)
    for number, (_, outside) in enumerate(group_folds(plain, folds, options.seed)):
        fold[outside] = number
    table = pd.DataFrame(plain.values, columns=[f"f{place}" for place in range(len(plain.names))])
    table["technique"] = plain.labels
    experiment = ClassificationExperiment()
    experiment.setup(
        data=table,
        test_data=table.iloc[:1].set_axis([len(table)]),  # it wants one; nothing here asks about it
        target="technique",
        index=False,
        preprocess=False,
        fold_strategy=PredefinedSplit(fold),
        session_id=options.seed,
        n_jobs=options.jobs,
        html=False,
        verbose=False,
        system_log=False,
        memory=False,
    )
    places = sorted(set(plain.labels.tolist()))
    experiment.add_metric(
        _LOSS, _LOSS, log_loss, target="pred_proba", greater_is_better=False, labels=places if len(places) > 2 else None
    )
    return experiment


def _means(experiment: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in experiment.pull().loc["Mean"].items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Import and use pycaret without its log file in the working directory and without its hold on all warnings."""
    os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
    with warnings.catch_warnings():
        # pycaret names the optional libraries that it does not find.
        warnings.filterwarnings("ignore", category=UserWarning, module="skbase")
        from pycaret.internal.logging import captureWarnings

        captureWarnings(False)
        yield
