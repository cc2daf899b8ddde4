"""A dataset as one file, so that a grid runs on the very same numbers anywhere."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.offline.dataset import Dataset

_COLUMNS = ("values", "targets", "groups", "origins")


def save(dataset: Dataset, path: Path) -> None:
    """Write a dataset as an npz, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.savez_compressed(
            file,
            names=np.array(dataset.names),
            values=dataset.values,
            targets=dataset.targets,
            groups=dataset.groups.astype(str),
            origins=dataset.origins.astype(str),
        )
    os.replace(file.name, path)


def load(path: Path) -> Dataset:
    """Return a dataset that `save` wrote.

    Raises
    ------
    ModelError
        When the file is none, or holds pickles, which are never read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = tuple(map(str, arrays["names"]))
            return Dataset(names=names, **{column: arrays[column] for column in _COLUMNS})
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ModelError(f"{path} holds no dataset ({error}): write one with `--save`") from error
