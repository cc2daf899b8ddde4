"""From a fitted estimator to a bundle on disk; nothing is written unless the two agree."""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs import __version__
from camsortxs.classifiers.bundle import (
    FORMAT,
    MANIFEST,
    SEAL,
    Bundle,
    BundleFile,
    FeatureSpec,
    Manifest,
    TrainingSet,
    load_bundle,
    seal,
)
from camsortxs.classifiers.embeddings import carried, chain_of
from camsortxs.classifiers.golden import FRAMES, ROWS, as_frames, check_frames, check_rows, pack_frames, pack_rows
from camsortxs.classifiers.onnx import ROLE, OnnxClassifier
from camsortxs.classifiers.reference import REFERENCE, load_reference, reference_of
from camsortxs.classifiers.reference import pack as pack_reference
from camsortxs.classifiers.remembered import OUT_OF_FOLD, pack
from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.features.chain import Chain
from camsortxs.frames import FrameKey
from camsortxs.offline.card import card
from camsortxs.offline.convert import compare, members, to_onnx
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.train import Trained
from camsortxs.techniques import TECHNIQUES

GOLDEN_ROWS = 8
_LIBRARIES = (
    "numpy", "scikit-image", "scikit-learn", "lightgbm", "xgboost", "xgboost-cpu", "catboost", "pycaret-core",
    "skl2onnx", "onnxmltools", "onnx",
)  # fmt: skip


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
    golden: Sequence[npt.NDArray[np.integer[Any]]] = (),
) -> Path:
    """Write the bundle `NAME/VERSION` into `folder` and return its manifest's path.

    The estimator of `trained` may be one, or several that vote (`SoftVote`). `held_out` (rows, features) are rows that
    it was not fitted on: ONNX and Python are compared on them and on the borders of the trees, and the first eight
    become the golden rows. `golden` are small images that become the golden frames: with them a server checks its
    features and the classifier together. How the features are distributed goes along, for a server to tell drift by;
    and what is said of measured frames while their groups are held out, so that nobody evaluates a model on what it
    has learnt from.

    Raises
    ------
    ModelError
        When ONNX and Python differ, or the bundle written does not load.
    """
    estimators = members(trained.estimator)
    graph = to_onnx(estimators, len(dataset.names))
    difference = compare(graph, estimators, held_out)
    files = {"classifier.onnx": (ROLE, graph)}
    groups = sorted(set(map(str, dataset.groups)))
    described: dict[str, Any] = {
        "format": FORMAT,
        "name": folder.parent.name,
        "version": folder.name,
        "classes": TECHNIQUES,
        "features": FeatureSpec(representations=chain.representations, names=chain.names, digest=chain.digest),
        "estimator": _called(estimators),
        "classifiers": trained.classifiers,
        "temperature": trained.temperature,
        "threshold": trained.threshold,
        "training": TrainingSet(
            digest=dataset.digest,
            frames=len(dataset.labels),
            groups=len(groups),
            description=description,
            group_names=tuple(groups),
        ),
        "metrics": {"onnx_difference": difference, "leaderboard": trained.leaderboard, "out_of_fold": metrics},
        "libraries": _libraries(),
        "licence": "BSD-3-Clause",
    }
    # The line itself says what its golden rows and frames give, calibrated: the graph was compared above.
    served = OnnxClassifier(_bundle(folder, described, files))
    rows = _keyed(held_out[:GOLDEN_ROWS], chain)
    files["golden.npz"] = (ROWS, pack_rows(rows.values, served.classify(rows)))
    files["reference.npz"] = (REFERENCE, pack_reference(reference_of(dataset.values)))
    if golden:
        probabilities = served.classify(chain.featurize(as_frames(golden)))
        files["golden_frames.npz"] = (FRAMES, pack_frames(golden, probabilities))
    measured = dataset.plain & (dataset.origins == "measured")
    if measured.any():
        known = pack(dataset.values[measured], trained.out_of_fold[measured])
        files["out_of_fold.npz"] = (OUT_OF_FOLD, known)
    files |= carried(chain)
    manifest = _bundle(folder, described, files).manifest
    for path, (_, contents) in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(contents)
    contents = (json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n").encode()
    (folder / MANIFEST).write_bytes(contents)
    (folder / SEAL).write_bytes(seal(contents))
    (folder / "MODEL_CARD.md").write_text(card(manifest, metrics, command), encoding="utf-8")
    _check(folder)
    return folder / MANIFEST


def _bundle(folder: Path, described: dict[str, Any], files: dict[str, tuple[str, bytes]]) -> Bundle:
    listed = tuple(
        BundleFile(path=path, role=role, sha256=hashlib.sha256(contents).hexdigest())
        for path, (role, contents) in files.items()
    )
    return Bundle(manifest=Manifest(**described, files=listed), folder=folder, files=dict(files.values()))


def _keyed(values: npt.NDArray[np.float32], chain: Chain) -> Features:
    keys = tuple(FrameKey(run="golden", stream="golden", data_key="golden", index=i) for i in range(len(values)))
    return Features(keys=keys, names=chain.names, values=values)


def _called(estimators: Sequence[Any]) -> str:
    names = [type(one).__name__ for one in estimators]
    return names[0] if len(names) == 1 else f"SoftVote({', '.join(names)})"


def _libraries() -> dict[str, str]:
    found = {"camsortxs": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # XGBoost comes under one of two names
    return found


def _check(folder: Path) -> None:
    """Load what was written and ask it about what it knows."""
    bundle = load_bundle(folder)
    classifier, chain = OnnxClassifier(bundle), chain_of(bundle)
    if chain.digest != classifier.feature_digest:
        raise ModelError(f"{folder} does not carry what its features look through")
    load_reference(bundle)
    check_rows(bundle, classifier)
    if FRAMES in bundle.files:
        check_frames(bundle, chain, classifier)
