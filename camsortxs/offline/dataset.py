"""Labelled frames, each with the group that it must not be separated from, and the table of their features."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.errors import FrameError
from camsortxs.features.base import Featurizer
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES, Technique

NOTHING = ("", "none", "no_signal")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrame:
    """A frame, its technique, and its `group`: the instrument, sample or run that splits keep together."""

    frame: Frame
    technique: Technique
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A row of a labels.csv: what the frame at `path` (and `dataset`, `index` within it) shows.

    `technique` is None for a frame that shows none of the four: a dark, a flat field, the direct beam.
    """

    path: Path
    technique: Technique | None
    group: str
    dataset: str | None = None
    index: int | None = None

    @property
    def reference(self) -> str:
        """How the frame is named on the command line: `path` or `path::dataset[index]`."""
        if not self.dataset:
            return str(self.path)
        return f"{self.path}::{self.dataset}" + ("" if self.index is None else f"[{self.index}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Features (frames, features) float32, the place of each label in `TECHNIQUES`, and the groups."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[Any]

    def __post_init__(self) -> None:
        rows = len(self.values)
        if self.values.shape != (rows, len(self.names)) or len(self.labels) != rows or len(self.groups) != rows:
            raise ValueError(f"{self.values.shape} features, {len(self.labels)} labels, {len(self.groups)} groups")

    @property
    def digest(self) -> str:
        """Sha256 of features, labels and groups."""
        state = hashlib.sha256(self.values.tobytes())
        state.update(self.labels.tobytes())
        state.update("\n".join(map(str, self.groups)).encode())
        return state.hexdigest()


def read_labels(path: Path, folder: Path) -> list[Label]:
    """Read a labels.csv with the columns `file`, `technique`, `source` (and `hdf5_dataset`, `frame_index`).

    Files are taken relative to `folder`. A technique of `no_signal`, `none` or nothing is none of the four.

    Raises
    ------
    FrameError
        With reason `bad_labels`, when a column is missing or a technique is none of the four.
    """
    labels = []
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        missing = {"file", "technique", "source"} - set(rows.fieldnames or ())
        if missing:
            raise FrameError("bad_labels", f"{path} has no column {', '.join(sorted(missing))}")
        for number, row in enumerate(rows, start=2):
            try:
                technique = None if row["technique"] in NOTHING else Technique(row["technique"])
                index = int(row["frame_index"]) if row.get("frame_index") else None
            except ValueError as error:
                raise FrameError("bad_labels", f"{path}, line {number}: {error}") from error
            labels.append(
                Label(
                    path=folder / row["file"],
                    technique=technique,
                    group=row["source"],
                    dataset=row.get("hdf5_dataset") or None,
                    index=index,
                )
            )
    return labels


def tabulate(labelled: Iterable[LabelledFrame], featurizer: Featurizer) -> Dataset:
    """Return the features of `labelled`, frame by frame: no more than one frame is held in memory."""
    values, labels, groups = [], [], []
    for item in labelled:
        values.append(featurizer.featurize([item.frame]).values[0])
        labels.append(TECHNIQUES.index(item.technique))
        groups.append(item.group)
    return Dataset(
        names=featurizer.names,
        values=np.asarray(values, dtype=np.float32).reshape(len(labels), len(featurizer.names)),
        labels=np.asarray(labels, dtype=np.int64),
        groups=np.asarray(groups),
    )
