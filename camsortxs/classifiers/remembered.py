"""What a model said of the frames that it was trained on before it had seen their sources: the honest answers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.arrays import packed, unpacked
from camsortxs.classifiers.base import Around, Classifier
from camsortxs.classifiers.bundle import Bundle
from camsortxs.errors import ModelError
from camsortxs.features.base import Features

OUT_OF_FOLD = "out_of_fold"
"""The role of the file."""
_TOLERANCE = 1e-3
"""Features may differ in their last digits from machine to machine."""

Floats = npt.NDArray[np.float32]


class Remembered(Around):
    """A classifier that answers for a frame which it was trained on as it did while the frame's source was held out.

    `remembered` counts those frames; `groups` are all sources that it was trained on. `classifier` is asked about
    anything else.

    Raises
    ------
    ModelError
        When the bundle's answers cannot be read.
    """

    def __init__(self, bundle: Bundle, classifier: Classifier) -> None:
        super().__init__(classifier)
        self._values, self._probabilities = _read(bundle, len(classifier.feature_names))
        self.groups = frozenset(bundle.manifest.training.group_names)
        self.remembered = 0

    def classify(self, features: Features) -> Floats:
        """Return probabilities (batch, 4), remembered where the frame is known."""
        said = self._classifier.classify(features)
        for row, values in enumerate(features.values):
            same = np.isclose(self._values, values, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True).all(axis=1)
            if same.any():
                said[row] = self._probabilities[same.argmax()]
                self.remembered += 1
        return said


def pack(values: Floats, probabilities: npt.NDArray[np.floating[Any]]) -> bytes:
    """Return the contents of the file: features (frames, features) and answers (frames, 4) out of fold."""
    return packed(features=values, probabilities=probabilities.astype(np.float32))


def _read(bundle: Bundle, columns: int) -> tuple[Floats, Floats]:
    if OUT_OF_FOLD not in bundle.files:
        return np.zeros((0, columns), np.float32), np.zeros((0, 4), np.float32)
    found = unpacked(bundle, OUT_OF_FOLD, ("features", "probabilities"), called="answers out of fold")
    values, probabilities = found["features"], found["probabilities"]
    if values.shape != (len(probabilities), columns):
        raise ModelError(f"{bundle.folder}: the answers out of fold are of other features: export the model again")
    return values, probabilities
