"""A dataset as one file, so that a grid runs on the very same numbers anywhere, and says where they came from."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.offline.dataset import Dataset

_COLUMNS = ("values", "targets", "groups", "origins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A dataset, what it is in `words`, and the `options` of the command line that gather it again."""

    dataset: Dataset
    words: str
    options: tuple[str, ...]


def save(kept: Kept, path: Path) -> None:
    """Write a dataset as an npz, whole or not at all."""
    dataset = kept.dataset
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.savez_compressed(
            file,
            names=np.array(dataset.names),
            values=dataset.values,
            targets=dataset.targets,
            groups=dataset.groups.astype(str),
            origins=dataset.origins.astype(str),
            words=np.array(kept.words),
            options=np.array(kept.options, dtype=str),
        )
    os.replace(file.name, path)


def load(path: Path) -> Kept:
    """Return a dataset that `save` wrote.

    Raises
    ------
    ModelError
        When the file is none, or holds pickles, which are never read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = tuple(map(str, arrays["names"]))
            return Kept(
                dataset=Dataset(names=names, **{column: arrays[column] for column in _COLUMNS}),
                words=str(arrays["words"]),
                options=tuple(map(str, arrays["options"])),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ModelError(f"{path} holds no dataset ({error}): write one with `--save`") from error
