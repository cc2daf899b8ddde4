"""From a fitted estimator to a bundle on disk; nothing is written unless the two agree."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from camsortxs import __version__
from camsortxs.classifiers.bundle import FORMAT, MANIFEST, BundleFile, FeatureSpec, Manifest, TrainingSet, load_bundle
from camsortxs.classifiers.embeddings import carried, chain_of
from camsortxs.classifiers.onnx import ROLE, OnnxClassifier, calibrate
from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.features.chain import Chain
from camsortxs.frames import FrameKey
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.train import Trained
from camsortxs.techniques import TECHNIQUES

GOLDEN = "golden"
TOLERANCE = 1e-5
_OPSET = 15
_LIBRARIES = ("numpy", "scikit-image", "scikit-learn", "lightgbm", "pycaret-core", "skl2onnx", "onnxmltools", "onnx")


def to_onnx(estimator: Any, features: int) -> bytes:
    """Convert a fitted Extra Trees or LightGBM classifier on `features` float32 columns; probabilities come last."""
    if type(estimator).__module__.startswith("lightgbm"):
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        kind = [("features", FloatTensorType([None, features]))]
        model = convert_lightgbm(estimator, initial_types=kind, target_opset=_OPSET, zipmap=False)
    else:
        from skl2onnx import to_onnx as convert_sklearn

        sample = np.zeros((1, features), dtype=np.float32)
        model = convert_sklearn(estimator, sample, target_opset=_OPSET, options={"zipmap": False})
    contents: bytes = model.SerializeToString()
    return contents


def compare(onnx: bytes, estimator: Any, values: npt.NDArray[np.float32]) -> float:
    """Return the largest difference between the probabilities of the two on the rows of `values`.

    Raises
    ------
    ModelError
        When a label differs, or a probability by more than `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    converted = np.asarray(session.run(None, {session.get_inputs()[0].name: values})[-1])
    python = np.asarray(estimator.predict_proba(values))
    if converted.shape != python.shape:
        raise ModelError(f"not exported: ONNX returns {converted.shape}, the Python model {python.shape}")
    difference = float(np.abs(converted - python).max())
    # Where two classes tie, rounding may say either.
    said = np.take_along_axis(python, converted.argmax(axis=1)[:, None], axis=1)[:, 0]
    changed = int((said < python.max(axis=1) - TOLERANCE).sum())
    if changed or not difference <= TOLERANCE:
        raise ModelError(
            f"not exported: ONNX and Python differ in {changed} of {len(values)} labels and by up to {difference:.2g}"
        )
    return difference


def export(
    trained: Trained,
    dataset: Dataset,
    chain: Chain,
    *,
    folder: Path,
    description: str,
    held_out: npt.NDArray[np.float32],
    metrics: dict[str, Any],
    command: str,
) -> Path:
    """Write the bundle `NAME/VERSION` into `folder` and return its manifest's path.

    `held_out` (rows, features) are rows that the estimator was not fitted on: ONNX and Python are compared on them,
    and the first eight become the golden rows that a server can check itself against.

    Raises
    ------
    ModelError
        When ONNX and Python differ, or the bundle written does not load.
    """
    onnx = to_onnx(trained.estimator, len(dataset.names))
    difference = compare(onnx, trained.estimator, held_out)
    embeddings = carried(chain)
    folder.mkdir(parents=True, exist_ok=True)
    golden = held_out[:8]
    expected = calibrate(np.asarray(trained.estimator.predict_proba(golden)), trained.temperature)
    np.savez_compressed(folder / "golden.npz", features=golden, probabilities=expected)
    (folder / "classifier.onnx").write_bytes(onnx)
    for path, (_, contents) in embeddings.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(contents)
    files = [
        ("classifier.onnx", ROLE),
        ("golden.npz", GOLDEN),
        *((path, role) for path, (role, _) in embeddings.items()),
    ]
    manifest = Manifest(
        format=FORMAT,
        name=folder.parent.name,
        version=folder.name,
        classes=TECHNIQUES,
        features=FeatureSpec(
            representations=chain.representations,
            names=chain.names,
            digest=chain.digest,
        ),
        estimator=type(trained.estimator).__name__,
        temperature=trained.temperature,
        threshold=trained.threshold,
        training=TrainingSet(
            digest=dataset.digest,
            frames=len(dataset.labels),
            groups=len(set(dataset.groups.tolist())),
            description=description,
        ),
        metrics={"onnx_difference": difference, "leaderboard": trained.leaderboard, "out_of_fold": metrics},
        libraries={"camsortxs": __version__, **{name: version(name) for name in _LIBRARIES}},
        licence="BSD-3-Clause",
        files=tuple(BundleFile(path=path, role=role, sha256=_sha256(folder / path)) for path, role in files),
    )
    written = folder / MANIFEST
    written.write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(_card(manifest, metrics, command), encoding="utf-8")
    _check(folder, golden, expected)
    return written


def _check(folder: Path, golden: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> None:
    """Load what was written and ask it about the golden rows."""
    bundle = load_bundle(folder)
    classifier = OnnxClassifier(bundle)
    if chain_of(bundle).digest != classifier.feature_digest:
        raise ModelError(f"{folder} does not carry what its features look through")
    keys = tuple(FrameKey(run="golden", stream="golden", data_key="golden", index=i) for i in range(len(golden)))
    served = classifier.classify(Features(keys=keys, names=classifier.feature_names, values=golden))
    if not np.allclose(served, expected, atol=10 * TOLERANCE):
        raise ModelError(f"{folder} does not reproduce its own golden rows")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _card(manifest: Manifest, metrics: dict[str, Any], command: str) -> str:
    figures = "\n".join(
        f"| {name} | {value['value']:.3f} | {value['interval'][0]:.3f} - {value['interval'][1]:.3f} |"
        for name, value in metrics["by_frame"].items()
        if value["value"] is not None and value["interval"]
    )
    names = ", ".join(manifest.features.representations)
    recall = ", ".join(f"{name} {value['recall']:.2f}" for name, value in metrics["recall"].items())
    return f"""# {manifest.name} {manifest.version}

Tells SAXS, WAXS, GISAXS and GIWAXS apart from one detector frame.
{manifest.estimator} on {len(manifest.features.names)} numbers a frame ({names}), served by ONNX;
licence {manifest.licence}.

- Trained on {manifest.training.frames} frames in {manifest.training.groups} groups: {manifest.training.description}.
- Command: `{command}`
- Temperature {manifest.temperature:.3f}; below a probability of {manifest.threshold:.2f} it does not name a technique.

## On its own kind: out of fold, groups kept together

| metric | value | 95 % interval |
|---|---|---|
{figures}

Recall: {recall}. These are figures on the training distribution: frames of real instruments are harder.

## Limits

- Small and wide angle differ in q, which an image does not carry: give distance, wavelength and pixel size where known.
- Frames without scattering are sorted out before this model sees them.
"""
