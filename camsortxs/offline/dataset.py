"""Labelled frames, each with the group that it must not be separated from, and the table of their features."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from camsortxs.features.base import Featurizer
from camsortxs.frames import Frame
from camsortxs.techniques import SMALL_Q90, TECHNIQUES, WIDE_Q90, Technique, regime

Origin = Literal["simulated", "measured", "augmented"]
Target = tuple[float, float, float, float]


def target_of(technique: Technique | None, q90: float | None = None) -> Target:
    """Return what a classifier should say of a frame: four probabilities in the order of `TECHNIQUES`.

    A frame that shows none of the four deserves the same for each: so it is `unknown` at any threshold. Between small
    and wide angle (`q90` in 1/angstrom) the two share, linear in q90.

    Source: outlier exposure, D. Hendrycks et al., ICLR 2019, for frames that show nothing; SIMULATION.md section 6.

    >>> target_of(Technique.GIWAXS), target_of(Technique.SAXS, 0.625), target_of(None)
    ((0.0, 0.0, 0.0, 1.0), (0.75, 0.25, 0.0, 0.0), (0.25, 0.25, 0.25, 0.25))
    """
    if technique is None:
        return 0.25, 0.25, 0.25, 0.25
    wide = float(technique.wide)
    if q90 is not None and regime(q90) == "mid":
        wide = (q90 - SMALL_Q90) / (WIDE_Q90 - SMALL_Q90)
    shares = [(t.grazing == technique.grazing) * (wide if t.wide else 1 - wide) for t in TECHNIQUES]
    return shares[0], shares[1], shares[2], shares[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrame:
    """A frame, what should be said of it, and its `group`: the instrument, sample or run that splits keep together."""

    frame: Frame
    target: Target
    group: str
    origin: Origin = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Features (frames, features) float32, targets (frames, 4) float32, and of each frame its group and its origin.

    A row of `targets` sums to one; see `target_of`. Augmented frames have the group of the frame they come from.
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    groups: npt.NDArray[Any]
    origins: npt.NDArray[Any]

    def __post_init__(self) -> None:
        rows = len(self.values)
        shapes = [self.values.shape, self.targets.shape, self.groups.shape, self.origins.shape]
        if shapes != [(rows, len(self.names)), (rows, len(TECHNIQUES)), (rows,), (rows,)]:
            raise ValueError(f"features, targets, groups and origins of shapes {shapes} for {len(self.names)} names")

    @classmethod
    def certain(
        cls,
        names: Sequence[str],
        values: npt.NDArray[np.float32],
        labels: npt.NDArray[np.integer[Any]],
        groups: npt.NDArray[Any],
        origin: Origin = "simulated",
    ) -> "Dataset":
        """Make one of frames that each show one technique: `labels` (frames,) are places in `TECHNIQUES`."""
        targets = np.eye(len(TECHNIQUES), dtype=np.float32)[labels]
        origins = np.full(len(labels), origin)
        return cls(names=tuple(names), values=values, targets=targets, groups=groups, origins=origins)

    @classmethod
    def join(cls, parts: Sequence["Dataset"]) -> "Dataset":
        """Return the frames of all `parts`, in order.

        Raises
        ------
        ValueError
            When there is none, or their features have other names.
        """
        if len({part.names for part in parts}) != 1:
            raise ValueError("only datasets of the same features can be joined")
        values, targets, groups, origins = (
            np.concatenate([getattr(part, each) for part in parts])
            for each in ("values", "targets", "groups", "origins")
        )
        return cls(names=parts[0].names, values=values, targets=targets, groups=groups, origins=origins)

    def take(self, rows: npt.NDArray[Any]) -> "Dataset":
        """Return the frames that `rows` (places, or a mask) names."""
        return Dataset(
            names=self.names,
            values=self.values[rows],
            targets=self.targets[rows],
            groups=self.groups[rows],
            origins=self.origins[rows],
        )

    def columns(self, representations: Sequence[str]) -> "Dataset":
        """Return the features of some representations only, in their order.

        Raises
        ------
        KeyError
            When one of them has no column here.
        """
        places = []
        for representation in representations:
            found = [place for place, name in enumerate(self.names) if name.startswith(f"{representation}.")]
            if not found:
                raise KeyError(f"no feature of {representation} in this dataset")
            places += found
        return replace(self, names=tuple(self.names[place] for place in places), values=self.values[:, places])

    def hardened(
        self, weights: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return values, labels and weights for classifiers that take one label a row; `weights` are the frames'.

        A frame of several possible techniques becomes a row for each, with its share of the weight.
        """
        rows, labels = np.nonzero(self.targets)
        return self.values[rows], labels.astype(np.int64), self.targets[rows, labels] * weights[rows]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The most probable technique of each frame (frames,), as its place in `TECHNIQUES`."""
        places: npt.NDArray[np.int64] = self.targets.argmax(axis=1).astype(np.int64)
        return places

    @property
    def plain(self) -> npt.NDArray[np.bool_]:
        """Which frames (frames,) show one technique for certain: the others are learnt from, never scored."""
        certain: npt.NDArray[np.bool_] = self.targets.max(axis=1) == 1
        return certain

    @property
    def digest(self) -> str:
        """Sha256 of features, targets, groups and origins."""
        state = hashlib.sha256("\n".join(self.names).encode())
        state.update(self.values.tobytes())
        state.update(self.targets.tobytes())
        for column in (self.groups, self.origins):
            state.update("\n".join(map(str, column)).encode())
        return state.hexdigest()


def tabulate(labelled: Iterable[LabelledFrame], featurizer: Featurizer) -> Dataset:
    """Return the features of `labelled`, frame by frame: no more than one frame is held in memory."""
    values, targets, groups, origins = [], [], [], []
    for item in labelled:
        values.append(featurizer.featurize([item.frame]).values[0])
        targets.append(item.target)
        groups.append(item.group)
        origins.append(item.origin)
    return Dataset(
        names=featurizer.names,
        values=np.asarray(values, dtype=np.float32).reshape(len(targets), len(featurizer.names)),
        targets=np.asarray(targets, dtype=np.float32).reshape(len(targets), len(TECHNIQUES)),
        groups=np.asarray(groups, dtype=np.str_),
        origins=np.asarray(origins, dtype=np.str_),
    )
