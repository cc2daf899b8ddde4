import json
import shutil

import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.bundle import MANIFEST, default_bundle, load_bundle
from camsortxs.classifiers.onnx import ROLE, OnnxClassifier
from camsortxs.errors import ModelError


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def edit(folder, **changes):
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_bundle_comes_back_as_it_was_written(folder):
    bundle = load_bundle(folder)

    assert bundle.manifest.reference == "tiny@0.1.0"
    assert set(bundle.files) == {"classifier", "golden"}
    assert bundle.manifest.training.frames == 80
    assert bundle.manifest.training.groups == 10


@pytest.mark.parametrize("name", ["classifier.onnx", "golden.npz"])
def test_one_byte_changed_is_refused(folder, name):
    contents = bytearray((folder / name).read_bytes())
    contents[len(contents) // 2] ^= 1
    (folder / name).write_bytes(bytes(contents))

    with pytest.raises(ModelError, match=f"{name} was changed.*Restore the file"):
        load_bundle(folder)


def test_a_missing_file_is_refused(folder):
    (folder / "classifier.onnx").unlink()

    with pytest.raises(ModelError, match=r"classifier\.onnx of the bundle cannot be read"):
        load_bundle(folder)


def test_a_folder_without_a_manifest_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match=r"no model bundle.*camsortxs train"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["WAXS", "SAXS", "GISAXS", "GIWAXS"]}, "in this order"),
        ({"threshold": 1.5}, "threshold"),
        ({"temperature": 0}, "temperature"),
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"files": []}, "files"),
        ({"files": [{"path": "../secret", "sha256": "0" * 64, "role": "classifier"}]}, "inside its folder"),
        ({"files": [{"path": "/etc/passwd", "sha256": "0" * 64, "role": "classifier"}]}, "inside its folder"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes, message):
    edit(folder, **changes)

    with pytest.raises(ModelError, match=message):
        load_bundle(folder)


@pytest.mark.parametrize("contents", ["", "{", "[]", "null", "\x00\xff"])
def test_a_manifest_that_is_no_json_object_is_refused(folder, contents):
    (folder / MANIFEST).write_text(contents)

    with pytest.raises(ModelError, match="not usable"):
        load_bundle(folder)


def test_a_bundle_without_a_classifier_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    edit(folder, files=[file for file in manifest["files"] if file["role"] != ROLE])

    with pytest.raises(ModelError, match="holds no classifier"):
        OnnxClassifier(load_bundle(folder))


def test_the_shipped_bundle_loads_and_reproduces_its_golden_rows():
    import io

    import numpy as np

    from camsortxs.features.base import Features
    from camsortxs.features.chain import Chain
    from camsortxs.frames import FrameKey

    bundle = load_bundle(default_bundle())
    classifier = OnnxClassifier(bundle)
    chain = Chain(bundle.manifest.features.representations)
    with np.load(io.BytesIO(bundle.files["golden"]), allow_pickle=False) as golden:
        rows, expected = golden["features"], golden["probabilities"]
    keys = tuple(FrameKey(run="golden", stream="s", data_key="d", index=i) for i in range(len(rows)))

    assert (chain.names, chain.digest) == (classifier.feature_names, classifier.feature_digest)
    served = classifier.classify(Features(keys=keys, names=chain.names, values=rows))
    assert np.allclose(served, expected, atol=1e-4)
    assert sum(path.stat().st_size for path in default_bundle().iterdir()) < 15_000_000
