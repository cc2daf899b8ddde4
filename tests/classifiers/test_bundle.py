import json
import shutil
import subprocess

import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.bundle import MANIFEST, SEAL, default_bundle, load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.golden import FRAME_TOLERANCE, FRAMES, ROW_TOLERANCE, check_frames, check_rows
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
    (folder / SEAL).unlink()


def test_a_bundle_comes_back_as_it_was_written(folder):
    bundle = load_bundle(folder)

    assert bundle.manifest.reference == "tiny@0.1.0"
    assert set(bundle.files) == {"classifier", "golden", "golden_frames", "reference"}
    assert bundle.manifest.training.frames == 80
    assert bundle.manifest.training.groups == 10
    assert bundle.manifest.training.group_names == tuple(f"g{place}" for place in range(10))


def test_a_bundle_without_a_seal_and_without_golden_frames_still_loads(tmp_path):
    folder = write_bundle(tmp_path, golden=False)
    (folder / SEAL).unlink()

    assert set(load_bundle(folder).files) == {"classifier", "golden", "reference"}


def test_one_byte_of_the_manifest_changed_is_refused(folder):
    """Also where it is still a manifest: a threshold is a number like another."""
    path = folder / MANIFEST
    contents = bytearray(path.read_bytes())
    at = contents.index(b'"threshold": 0.6') + len(b'"threshold": 0.')
    contents[at] ^= 1
    path.write_bytes(bytes(contents))

    with pytest.raises(ModelError, match=r"model\.json was changed.*Restore the file"):
        load_bundle(folder)


def test_the_seal_is_one_that_sha256sum_checks(folder):
    done = subprocess.run(["sha256sum", "--check", SEAL], cwd=folder, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"{MANIFEST}: OK\n")


def test_one_byte_of_the_seal_changed_is_refused(folder):
    contents = bytearray((folder / SEAL).read_bytes())
    contents[3] ^= 1
    (folder / SEAL).write_bytes(bytes(contents))

    with pytest.raises(ModelError, match="not the one in"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["classifier.onnx", "golden.npz", "golden_frames.npz"])
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


def test_the_shipped_bundle_loads_and_reproduces_what_it_knows():
    bundle = load_bundle(default_bundle())
    classifier, chain = OnnxClassifier(bundle), chain_of(bundle)

    assert (chain.names, chain.digest) == (classifier.feature_names, classifier.feature_digest)
    assert check_rows(bundle, classifier) <= ROW_TOLERANCE
    if FRAMES in bundle.files:
        assert check_frames(bundle, chain, classifier) <= FRAME_TOLERANCE
    assert sum(path.stat().st_size for path in default_bundle().rglob("*")) < 40_000_000
