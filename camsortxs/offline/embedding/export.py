"""From a trained Keras model to `embedding.json` and `embedding.onnx`; written only when the two answer alike."""

import hashlib
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from camsortxs import __version__
from camsortxs.classifiers.bundle import TrainingSet
from camsortxs.classifiers.embeddings import (
    FORMAT,
    GRAPH,
    MANIFEST,
    OUTPUTS,
    EmbeddingManifest,
    OnnxEmbedding,
    load_embedding,
    written,
)
from camsortxs.errors import ModelError
from camsortxs.features import lenet
from camsortxs.features.catalogue import STANDARD_VERSION
from camsortxs.features.embedding import PICTURE_SIDE
from camsortxs.offline.embedding.backend import keras
from camsortxs.offline.embedding.pictures import Pictures, shown
from camsortxs.techniques import TECHNIQUES

TOLERANCE = 1e-4
_OPSET = 17
_LIBRARIES = ("numpy", "keras", "tensorflow-cpu", "tf2onnx", "onnx")
_COMPARED = 16


def explained(model: Any) -> Any:
    """Return the Keras model that answers all of `OUTPUTS`: probabilities, embedding, map and Grad-CAM's weights.

    Where the classes are linear in the mean of the map, the derivative of a class's score by a pixel of the map is its
    row of the dense layer over the number of pixels: Grad-CAM is CAM, and needs no gradient. LeNet has two rectified
    dense layers between, whose derivative is a product of matrices with zeros where a rectifier is off.

    Source: R. R. Selvaraju et al., *Grad-CAM*, ICCV 2017, eq. 1 and section 3.1; B. Zhou et al., CVPR 2016 (CAM).
    """
    module = keras()
    ops = module.ops
    names = [layer.name for layer in model.layers]
    inner = ["c5"] if "c5" in names else []
    layers = [model.get_layer(name) for name in ("map", *inner, "embedding", "probabilities")]
    all_of_it = module.Model(model.input, [layer.output for layer in layers])
    scores = model.get_layer("scores").kernel
    classes = len(TECHNIQUES)

    class Explained(module.Model):  # type: ignore[name-defined,misc]  # Keras is not typed
        """Answers in the order of `OUTPUTS`."""

        def call(self, picture: Any) -> Any:
            image, *hidden, embedding, probabilities = all_of_it(picture)
            pixels = image.shape[1] * image.shape[2]
            slope = ops.transpose(scores)[None] + 0.0 * ops.mean(probabilities, axis=1)[:, None, None]
            if hidden:
                slope = slope * ops.cast(embedding[:, None] > 0, "float32")
                slope = ops.matmul(slope, ops.transpose(model.get_layer("embedding").kernel))
                slope = slope * ops.cast(hidden[0][:, None] > 0, "float32")
                # Each pixel of the map counts in one area of the pooled one: the sums over both are the same.
                areas = ops.reshape(model.get_layer("c5").kernel, (-1, lenet.CHANNELS, 120))
                slope = ops.matmul(slope, ops.transpose(ops.sum(areas, axis=0)))
            return probabilities, embedding, image, slope / pixels

    found = Explained(name=model.name)
    weights = found(np.zeros((1, PICTURE_SIDE, PICTURE_SIDE, 1), np.float32))[-1]
    assert weights.shape[1:] == (classes, model.get_layer("map").output.shape[-1])  # noqa: S101 - or the above is wrong
    return found


def to_onnx(model: Any) -> bytes:
    """Convert what `explained` returns."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="In the future `np", category=FutureWarning)  # Keras mends NumPy 1
        path = Path(folder) / GRAPH
        signature = [keras().InputSpec(shape=(None, PICTURE_SIDE, PICTURE_SIDE, 1), dtype="float32", name="picture")]
        model.export(path, format="onnx", verbose=False, input_signature=signature, opset_version=_OPSET)
        return path.read_bytes()


def export(
    model: Any,
    apart: Pictures,
    *,
    folder: Path,
    training: TrainingSet,
    metrics: dict[str, Any],
    weights: str | None,
) -> OnnxEmbedding:
    """Write the artefact into `folder` (its last two parts are name and version) and return what was written, loaded.

    ONNX and Keras are compared on the first pictures of `apart`.

    Raises
    ------
    ModelError
        When an answer differs by more than `TOLERANCE` of the largest, or what was written does not load.
    """
    whole = explained(model)
    graph = to_onnx(whole)
    said = [np.asarray(part) for part in whole(shown(apart.images[:_COMPARED]), training=False)]
    manifest = EmbeddingManifest(
        format=FORMAT,
        name=folder.parent.name,
        version=folder.name,
        side=PICTURE_SIDE,
        standard=STANDARD_VERSION,
        numbers=said[1].shape[1],
        map=said[2].shape[1:],
        parameters=model.count_params(),
        classes=TECHNIQUES,
        sha256=hashlib.sha256(graph).hexdigest(),
        weights=weights or "none",
        training=training,
        metrics=metrics,
        libraries={"camsortxs": __version__, **{name: version(name) for name in _LIBRARIES}},
        licence="BSD-3-Clause",
    )
    difference = _compare(OnnxEmbedding(manifest, graph), apart, said)
    manifest = manifest.model_copy(update={"metrics": {**metrics, "onnx_difference": difference}})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).write_bytes(graph)
    (folder / MANIFEST).write_bytes(written(manifest))
    return load_embedding(folder)


def _compare(embedding: OnnxEmbedding, apart: Pictures, said: list[Any]) -> float:
    """Return the largest difference in units of the largest answer."""
    worst = 0.0
    for place in range(len(said[0])):
        seen = embedding.look(shown(apart.images[place : place + 1])[0, ..., 0])
        for name, expected in zip(OUTPUTS, said, strict=True):
            largest = max(float(np.abs(expected).max()), 1e-3)
            worst = max(worst, float(np.abs(getattr(seen, name) - expected[place]).max()) / largest)
    if not worst <= TOLERANCE:
        raise ModelError(f"not exported: ONNX and Keras differ by up to {worst:.2g}")
    return worst
