"""How a champion was made, and the same again on other frames."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from camsortxs.classifiers.bundle import Manifest
from camsortxs.errors import ModelError
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import KINDS


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
    names = manifest.classifiers or (manifest.estimator.replace("ExtraTreesClassifier", "et"),)
    if unknown := [name for name in names if name not in KINDS]:
        raise ModelError(f"{manifest.reference} was made by {', '.join(unknown)}: name the classifiers to train")
    return Recipe(representations=manifest.features.representations, classifiers=names)


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
