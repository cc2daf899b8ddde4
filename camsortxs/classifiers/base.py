"""The port that turns features into four probabilities."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.features.base import Features


class Classifier(Protocol):
    """A trained model, ready to serve."""

    @property
    def reference(self) -> str:
        """`name@version` of the model."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that it was trained on, in order."""
        ...

    @property
    def feature_digest(self) -> str:
        """The digest of the feature spec that it was trained on."""
        ...

    @property
    def threshold(self) -> float:
        """The probability below which it does not stand by an answer."""
        ...

    def classify(self, features: Features) -> npt.NDArray[np.float32]:
        """Return probabilities (batch, 4) in the order of `TECHNIQUES`, each row summing to one."""
        ...


class Around:
    """A classifier that passes for the one inside it: for those that do something more at every question."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @property
    def reference(self) -> str:
        """`name@version` of the model."""
        return self._classifier.reference

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that it was trained on, in order."""
        return self._classifier.feature_names

    @property
    def feature_digest(self) -> str:
        """The digest of the feature spec that it was trained on."""
        return self._classifier.feature_digest

    @property
    def threshold(self) -> float:
        """The probability below which it does not stand by an answer."""
        return self._classifier.threshold
