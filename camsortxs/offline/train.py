"""Training by pycaret under group folds. The only file that imports pycaret."""

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit, StratifiedGroupKFold

from camsortxs.classifiers.onnx import calibrate
from camsortxs.offline.calibration import conformal_threshold, fit_temperature, log_loss_of
from camsortxs.offline.convert import SoftVote
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import Kind, kind_of
from camsortxs.offline.weights import training_weights
from camsortxs.techniques import TECHNIQUES

_LOSS = "Log loss"

Splits = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train: trees, outer folds and folds of the tuning within them, seed, processes, whether `train` tunes."""

    trees: int = 250
    folds: int = 6
    inner: int = 2
    seed: int = 0
    jobs: int = 1
    tune: bool = False


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
    """A fitted estimator, or several that vote, its calibration, and how it did on groups that it had not seen.

    `classifiers` are those that answer; `out_of_fold` (frames, 4) the calibrated probabilities of each training frame
    by a model that never saw its group; `leaderboard` has pycaret's cross-validated metrics of each classifier.
    """

    estimator: Any
    classifiers: tuple[str, ...]
    temperature: float
    threshold: float
    out_of_fold: npt.NDArray[np.float32]
    leaderboard: dict[str, dict[str, float]]

    @property
    def name(self) -> str:
        """The classifiers in one word."""
        return "+".join(self.classifiers)


def train(dataset: Dataset, classifiers: Sequence[str], options: Options) -> Trained:
    """Tune and fit the classifiers, which answer together, and calibrate the vote out of fold.

    Trees need no scaling, so nothing is fitted before them: pycaret's preprocessing stays switched off.

    Raises
    ------
    ValueError
        When there are fewer groups than folds.
    """
    return _conclude(dataset, classifiers, _out_of_fold(dataset, classifiers, options), options)


def train_best(dataset: Dataset, classifiers: Sequence[str], options: Options) -> Trained:
    """Do the same with the one of the classifiers that has the smallest log loss out of fold."""
    apart = {name: _out_of_fold(dataset, [name], options) for name in classifiers}
    best = min(apart, key=lambda name: log_loss_of(dataset, apart[name]))
    return _conclude(dataset, [best], apart[best], options)


def _out_of_fold(dataset: Dataset, classifiers: Sequence[str], options: Options) -> npt.NDArray[np.float64]:
    """Return the mean of what the classifiers say of each frame (frames, 4), trained without its group."""
    folds = group_folds(dataset, options.folds, options.seed)
    said = Parallel(n_jobs=options.jobs)(
        delayed(_held_out)(dataset.take(inside), dataset.values[outside], classifiers, options)
        for inside, outside in folds
    )
    apart = np.zeros((len(dataset.values), len(TECHNIQUES)))
    for (_, outside), probabilities in zip(folds, said, strict=True):
        apart[outside] = probabilities
    return apart


def _held_out(
    inside: Dataset, outside: npt.NDArray[np.float32], classifiers: Sequence[str], options: Options
) -> npt.NDArray[np.float64]:
    members = _members(inside, classifiers, options)
    return np.asarray(np.mean([raw_probabilities(one.estimator, outside) for one in members], axis=0))


def _conclude(
    dataset: Dataset, classifiers: Sequence[str], apart: npt.NDArray[np.float64], options: Options
) -> Trained:
    temperature = fit_temperature(dataset, apart)
    calibrated = calibrate(apart, temperature)
    members = _members(dataset, classifiers, options)
    estimators = tuple(one.estimator for one in members)
    return Trained(
        estimator=estimators[0] if len(estimators) == 1 else SoftVote(estimators),
        classifiers=tuple(classifiers),
        temperature=temperature,
        threshold=conformal_threshold(dataset, calibrated),
        out_of_fold=calibrated,
        leaderboard={name: one.compared for name, one in zip(classifiers, members, strict=True)},
    )


def _members(dataset: Dataset, classifiers: Sequence[str], options: Options) -> list["_Chosen"]:
    """Fit each classifier; one that is named twice votes twice, with other seeds."""
    chosen = [
        _choose(dataset, name, replace(options, seed=options.seed + place)) for place, name in enumerate(classifiers)
    ]
    return [replace(one, estimator=_fit(one.estimator, dataset)) for one in chosen]


def tune(dataset: Dataset, name: str, options: Options) -> Tuned:
    """Let pycaret choose the settings of the classifier `name` by log loss under group folds, fit it, calibrate it.

    All of `dataset` is seen. Settings are chosen on the frames of one technique; the fit also learns from the others,
    each a row for every technique that it may show, weighted.
    """
    chosen = _choose(dataset, name, replace(options, tune=True))
    apart = np.zeros((len(dataset.values), len(TECHNIQUES)))
    for inside, outside in group_folds(dataset, options.inner, options.seed):
        apart[outside] = raw_probabilities(_fit(chosen.estimator, dataset.take(inside)), dataset.values[outside])
    temperature = fit_temperature(dataset, apart)
    began = time.perf_counter()
    fitted = _fit(chosen.estimator, dataset)
    return Tuned(
        estimator=fitted,
        settings=chosen.settings,
        temperature=temperature,
        compared=chosen.compared,
        fit_seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A classifier with its settings, and what pycaret said of it."""

    estimator: Any
    settings: dict[str, Any]
    compared: dict[str, float]


def _choose(dataset: Dataset, name: str, options: Options) -> _Chosen:
    kind = kind_of(name, trees=options.trees, seed=options.seed)
    if not options.tune:
        return _Chosen(estimator=kind.estimator, settings={}, compared={})
    with _quiet():
        estimator, compared = _search(dataset, kind, options)
    settings = {key: estimator.get_params()[key] for key in kind.grid}
    return _Chosen(estimator=estimator, settings=settings, compared=compared)


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
    # scikit-learn 1.4 shuffles the groups' counts but not the groups, and then shares out at random: shuffle the names.
    names, place = np.unique(dataset.groups, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))[place]
    with warnings.catch_warnings():  # a technique that few measured frames show cannot be in every fold
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(StratifiedGroupKFold(folds).split(dataset.values, strata, shuffled))


def raw_probabilities(estimator: Any, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return what the estimator says (frames, 4); a technique that it was never shown has probability 0."""
    p = np.zeros((len(values), len(TECHNIQUES)))
    p[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(values)
    return p


def _fit(estimator: Any, dataset: Dataset) -> Any:
    values, labels, weights = dataset.hardened(training_weights(dataset))
    return clone(estimator).fit(values, labels, sample_weight=weights)


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
        n_jobs=1,
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
