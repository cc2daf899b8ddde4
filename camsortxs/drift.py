"""Whether the frames of late are like those that the model learnt from, feature by feature."""

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.base import Around, Classifier
from camsortxs.classifiers.reference import BINS, Reference
from camsortxs.features.base import Features
from camsortxs.frames import FrameKey

DRIFTED = 0.25
"""From this population stability index on, a feature is said to have drifted."""
ENOUGH = 100
"""Frames: with fewer, the index tells chance rather than change."""
_REMEMBERED = 10_000

Array = npt.NDArray[np.float64]


class Drift:
    """The last `window` frames beside the training frames.

    Of each run and detector, only the first `per_run` frames count: else a scan of ten thousand frames of one sample
    would be all that is seen.

    Source: N. Siddiqi, *Credit Risk Scorecards*, Wiley 2006 (population stability index, and what it is called drifted
    from); B. Yurdakul, J. Naranjo, J. Risk Model Validation 14 (2020) 89 (how large it is by chance).
    """

    def __init__(self, reference: Reference, *, window: int = 1000, per_run: int = 5) -> None:
        features = len(reference.edges)
        self._reference = reference
        self._per_run = per_run
        self._bins = np.zeros((window, features), np.uint8)
        self._outside = np.zeros((window, features), np.bool_)
        self._counts = np.zeros((features, BINS), np.int64)
        self._seen = 0
        self._of_run: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self._lock = Lock()

    @property
    def frames(self) -> int:
        """How many frames are in the window."""
        return min(self._seen, len(self._bins))

    def add(self, features: Features) -> None:
        """Add frames; safe to call from several threads."""
        with self._lock:
            rows = [values for key, values in zip(features.keys, features.values, strict=True) if self._counts_for(key)]
            if not rows:
                return
            values = np.stack(rows)
            for place, outside in zip(self._reference.bins(values), self._reference.outside(values), strict=True):
                self._add(place, outside)

    def psi(self) -> Array:
        """Return the population stability index of each feature (features,), nothing where the frames are too few."""
        with self._lock:
            if self.frames < ENOUGH:
                return np.zeros(0)
            # Half a frame in each bin: an empty one is no proof that there is nothing.
            now = (self._counts + 0.5) / (self.frames + BINS / 2)
            then = (self._reference.shares * self.frames + 0.5) / (self.frames + BINS / 2)
        return np.asarray(((now - then) * np.log(now / then)).sum(axis=1))

    def outside(self) -> float:
        """Return the share of values that the model has hardly seen the like of: 0.01 of frames like its own."""
        with self._lock:
            return float(self._outside[: self.frames].mean()) if self.frames else 0.0

    def _add(self, place: npt.NDArray[Any], outside: npt.NDArray[Any]) -> None:
        each = np.arange(len(place))
        here = self._seen % len(self._bins)
        if self._seen >= len(self._bins):
            self._counts[each, self._bins[here]] -= 1
        self._counts[each, place] += 1
        self._bins[here], self._outside[here] = place, outside
        self._seen += 1

    def _counts_for(self, key: FrameKey) -> bool:
        detector = (key.run, key.stream, key.data_key)
        seen = self._of_run.get(detector, 0)
        self._of_run[detector] = seen + 1
        while len(self._of_run) > _REMEMBERED:
            self._of_run.popitem(last=False)
        return seen < self._per_run


class Watched(Around):
    """A classifier whose every question is heard by a `Drift` too."""

    def __init__(self, classifier: Classifier, drift: Drift) -> None:
        super().__init__(classifier)
        self._drift = drift

    def classify(self, features: Features) -> npt.NDArray[np.float32]:
        """Return what the classifier says (batch, 4); errors as of it."""
        self._drift.add(features)
        return self._classifier.classify(features)
