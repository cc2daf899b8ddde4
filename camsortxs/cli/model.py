"""From a bundle to the straight line: the one place of the command line that names the concrete parts."""

from collections.abc import Sequence
from pathlib import Path

from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.chain import Chain
from camsortxs.pipeline import Observer, Pipeline
from camsortxs.records import Sink


def build_line(model: Path | None, *, sink: Sink, observers: Sequence[Observer] = ()) -> Pipeline:
    """Return the pipeline that serves the bundle in the folder `model`, or the shipped one.

    Raises
    ------
    ModelError
        When the bundle cannot be used.
    """
    bundle = load_bundle(model or default_bundle())
    featurizer = Chain(bundle.manifest.features.representations)
    return Pipeline(featurizer=featurizer, classifier=OnnxClassifier(bundle), sink=sink, observers=observers)
