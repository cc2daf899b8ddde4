"""How a champion was made, and the same again on other frames."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from camsortxs.classifiers.bundle import Manifest
from camsortxs.classifiers.onnx import calibrate
from camsortxs.errors import ModelError
from camsortxs.offline.convert import SoftVote
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.train import (
    Options,
    Trained,
    choose_threshold,
    fit_temperature,
    group_folds,
    raw_probabilities,
    train,
    tune,
)
from camsortxs.techniques import TECHNIQUES

_KINDS = {
    "ExtraTreesClassifier": "et",
    "RandomForestClassifier": "rf",
    "LGBMClassifier": "lightgbm",
    "XGBClassifier": "xgboost",
    "CatBoostClassifier": "catboost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a model looks at (`representations`) and which classifiers answer, by pycaret's names: several vote."""

    representations: tuple[str, ...]
    classifiers: tuple[str, ...]


def recipe_of(manifest: Manifest) -> Recipe:
    """Return the recipe that a bundle was made by.

    Raises
    ------
    ModelError
        When it was made by something that cannot be trained here.
    """
    inside = re.fullmatch(r"SoftVote\((.*)\)", manifest.estimator)
    names = (inside[1] if inside else manifest.estimator).split(", ")
    if unknown := [name for name in names if name not in _KINDS]:
        raise ModelError(f"{manifest.reference} was made by {', '.join(unknown)}: name the classifiers to train")
    return Recipe(representations=manifest.features.representations, classifiers=tuple(_KINDS[name] for name in names))


def follow(recipe: Recipe, dataset: Dataset, options: Options) -> Trained:
    """Train the classifiers of a recipe anew; several are tuned each for itself, and calibrated as the vote they are.

    Raises
    ------
    ValueError
        When there are fewer groups than folds.
    """
    names = recipe.classifiers
    if len(names) == 1:
        return train(dataset, replace(options, compare=names, keep=names))
    apart = np.zeros((len(dataset.values), len(TECHNIQUES)))
    for inside, outside in group_folds(dataset, options.folds, options.seed):
        part = dataset.take(inside)
        for name in names:
            one = tune(part, name, options).estimator
            apart[outside] += raw_probabilities(one, dataset.values[outside]) / len(names)
    temperature = fit_temperature(dataset, apart)
    calibrated = calibrate(apart, temperature)
    return Trained(
        estimator=SoftVote(tuple(tune(dataset, name, options).estimator for name in names)),
        name="+".join(names),
        temperature=temperature,
        threshold=choose_threshold(dataset.labels[dataset.plain], calibrated[dataset.plain]),
        out_of_fold=calibrated,
        leaderboard={},
    )


def next_version(versions: Iterable[str]) -> str:
    """Return the version after the highest of `versions`.

    >>> next_version(["0.2.0", "0.10.1"]), next_version([])
    ('0.10.2', '0.1.0')
    """
    numbers = [tuple(map(int, re.findall(r"\d+", version)[:3])) for version in versions]
    if not numbers:
        return "0.1.0"
    major, minor, patch = max(numbers)
    return f"{major}.{minor}.{patch + 1}"


def apart_from(dataset: Dataset, groups: Collection[str]) -> Dataset:
    """Return the frames of no group in `groups`: those that a model is judged on are not learnt from."""
    return dataset.take(~np.isin(dataset.groups.astype(str), list(groups)))
