"""From a bundle to the straight line: the one place of the command line that names the concrete parts."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.base import Classifier
from camsortxs.classifiers.bundle import Bundle, default_bundle, load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.golden import rows_of
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.classifiers.reference import load_reference
from camsortxs.classifiers.remembered import Remembered
from camsortxs.drift import Drift, Watched
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.model import Model
from camsortxs.pipeline import Observer, Pipeline
from camsortxs.records import Sink

_WINDOW = 100_000
"""Frames at most that are compared with the training frames."""


def load_parts(model: Path | None) -> tuple[Chain, OnnxClassifier, npt.NDArray[np.float32]]:
    """Return featurizer and classifier of a bundle, and the features (rows, features) of its golden frames.

    Raises
    ------
    ModelError
        When the bundle cannot be used, or carries no golden rows.
    """
    bundle = load_bundle(model or default_bundle())
    others, _ = rows_of(bundle)
    return chain_of(bundle), OnnxClassifier(bundle), others


def build_line(model: Path | None, *, sink: Sink, observers: Sequence[Observer] = ()) -> Pipeline:
    """Return the pipeline that serves the bundle in the folder `model`, or the shipped one.

    Raises
    ------
    ModelError
        When the bundle cannot be used.
    """
    bundle = load_bundle(model or default_bundle())
    return _line(bundle, OnnxClassifier(bundle), sink, observers)


def build_remembering_line(model: Path | None, *, sink: Sink) -> tuple[Pipeline, Remembered]:
    """Do the same with a classifier that is honest about the frames that it was trained on, and return that too."""
    bundle = load_bundle(model or default_bundle())
    classifier = Remembered(bundle, OnnxClassifier(bundle))
    return _line(bundle, classifier, sink), classifier


def build_watching_line(model: Path | None, *, sink: Sink) -> tuple[Pipeline, Drift, tuple[str, ...]]:
    """Do the same and return what hears of all its frames, and the names of the features.

    Raises
    ------
    ModelError
        When the bundle cannot be used, or does not say what it was trained on.
    """
    bundle = load_bundle(model or default_bundle())
    reference = load_reference(bundle)
    if reference is None:
        raise ModelError(f"{bundle.folder} does not say how its features were distributed: train and export it again")
    seen = Drift(reference, window=_WINDOW, per_run=_WINDOW)
    classifier = Watched(OnnxClassifier(bundle), seen)
    return _line(bundle, classifier, sink), seen, classifier.feature_names


def _line(bundle: Bundle, classifier: Classifier, sink: Sink, observers: Sequence[Observer] = ()) -> Pipeline:
    return Pipeline(
        model=Model(featurizer=chain_of(bundle), classifier=classifier),
        sink=sink,
        observers=observers,
        workers=os.cpu_count() or 1,
    )
