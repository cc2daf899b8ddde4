"""A featurizer and a classifier small enough to reason about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.features.base import Features
from camsortxs.frames import Frame
from camsortxs.model import Model

_NAMES = ("mean_log", "horizon")


@dataclass(frozen=True, kw_only=True)
class TinyFeaturizer:
    """Two numbers a frame: the mean of log(1 + counts), and how much brighter the upper half is than the lower."""

    names: tuple[str, ...] = _NAMES
    digest: str = "tiny"

    def featurize(self, frames: Sequence[Frame]) -> Features:
        """Return (batch, 2) features; bad pixels do not count."""
        rows = []
        for frame in frames:
            image = np.log1p(np.where(frame.mask, 0, np.maximum(frame.image, 0)).astype(np.float64))
            half = image.shape[0] // 2
            rows.append((image[~frame.mask].mean(), image[:half].sum() / (image.sum() + 1e-9)))
        values = np.asarray(rows, dtype=np.float32).reshape(len(frames), len(_NAMES))
        return Features(keys=tuple(frame.key for frame in frames), names=self.names, values=values)


@dataclass(frozen=True, kw_only=True)
class TinyClassifier:
    """Grazing when the upper half holds more than 60 % of the light, small angle always."""

    reference: str = "tiny@0.0.0"
    feature_names: tuple[str, ...] = _NAMES
    feature_digest: str = "tiny"
    threshold: float = 0.6

    def classify(self, features: Features) -> npt.NDArray[np.float32]:
        """Return (batch, 4) probabilities."""
        grazing = features.values[:, 1] > 0.6
        table = np.where(grazing[:, None], [[0.02, 0.02, 0.92, 0.04]], [[0.92, 0.04, 0.02, 0.02]])
        return table.astype(np.float32)


def tiny_model(reference: str = "tiny@0.0.0") -> Model:
    """Return the two of them."""
    return Model(featurizer=TinyFeaturizer(), classifier=TinyClassifier(reference=reference))
