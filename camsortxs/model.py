"""What serves: a featurizer, and the classifier that was trained on what it makes."""

from dataclasses import dataclass

from camsortxs.classifiers.base import Classifier
from camsortxs.errors import ModelError
from camsortxs.features.base import Featurizer
from camsortxs.look import Look
from camsortxs.look import look as here


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Featurizer and classifier, which belong together; `group` is how many frames the featurizer likes at once.

    `look` has the featurizer look at frames, in the thread that asks where nothing else is said.

    Raises
    ------
    ModelError
        When the classifier was trained on other features than the featurizer makes.

    Examples
    --------
    >>> from camsortxs.testing import TinyClassifier, TinyFeaturizer
    >>> Model(featurizer=TinyFeaturizer(), classifier=TinyClassifier()).reference
    'tiny@0.0.0'
    """

    featurizer: Featurizer
    classifier: Classifier
    group: int = 1
    look: Look = here

    def __post_init__(self) -> None:
        made = (self.featurizer.names, self.featurizer.digest)
        if made != (self.classifier.feature_names, self.classifier.feature_digest):
            raise ModelError(f"{self.reference} was trained on other features than the featurizer makes")

    @property
    def reference(self) -> str:
        """`name@version`."""
        return self.classifier.reference
