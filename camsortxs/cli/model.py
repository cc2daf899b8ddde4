"""From a bundle to the straight line: the one place of the command line that names the concrete parts."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.pipeline import Observer, Pipeline
from camsortxs.records import Sink


def load_parts(model: Path | None) -> tuple[Chain, OnnxClassifier, npt.NDArray[np.float32]]:
    """Return featurizer and classifier of a bundle, and the features (rows, features) of its golden frames.

    Raises
    ------
    ModelError
        When the bundle cannot be used, or carries no golden rows.
    """
    bundle = load_bundle(model or default_bundle())
    if "golden" not in bundle.files:
        raise ModelError(f"{bundle.folder} carries no golden rows to compare with: export the model again")
    with np.load(BytesIO(bundle.files["golden"]), allow_pickle=False) as golden:
        others = golden["features"]
    return chain_of(bundle), OnnxClassifier(bundle), others


def build_line(model: Path | None, *, sink: Sink, observers: Sequence[Observer] = ()) -> Pipeline:
    """Return the pipeline that serves the bundle in the folder `model`, or the shipped one.

    Raises
    ------
    ModelError
        When the bundle cannot be used.
    """
    bundle = load_bundle(model or default_bundle())
    return Pipeline(
        featurizer=chain_of(bundle),
        classifier=OnnxClassifier(bundle),
        sink=sink,
        observers=observers,
        workers=os.cpu_count() or 1,
    )
