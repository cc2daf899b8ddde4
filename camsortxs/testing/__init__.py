"""Public fakes that pass the same contract tests as the real parts."""

from camsortxs.testing.models import TinyClassifier, TinyFeaturizer, tiny_model
from camsortxs.testing.sinks import MemorySink
from camsortxs.testing.sources import ListSource

__all__ = ["ListSource", "MemorySink", "TinyClassifier", "TinyFeaturizer", "tiny_model"]
