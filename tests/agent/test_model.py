"""Which bundle the agent serves, and what it asks of it first."""

import hashlib
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from classifiers.bundles import make_images, write_bundle

from camsortxs.classifiers.bundle import MANIFEST, SEAL, default_bundle
from camsortxs.classifiers.champion import Pointer, Served, write_pointer
from camsortxs.classifiers.golden import pack_frames
from camsortxs.errors import ModelError
from camsortxs_agent import serving
from camsortxs_agent.settings import ModelSettings


@pytest.fixture
def folder(tmp_path):
    return write_bundle(tmp_path / "models")


def load(path):
    return serving.load_model(ModelSettings(path=path, device="cpu")).model.reference


def test_the_shipped_champion_serves_unless_another_is_named(folder):
    assert load(None) == "@".join(default_bundle().parts[-2:])
    assert load(folder) == "tiny@0.1.0"


def test_the_features_are_told_of_before_they_are_compiled(folder):
    heard = []
    loaded = serving.load_model(ModelSettings(path=folder, device="cpu"), meanwhile=heard.append)
    assert heard == [loaded.model.featurizer]


def test_the_pointer_of_a_folder_of_models_is_followed(folder):
    models = folder.parents[1]
    write_bundle(models, name="tiny/0.2.0")
    for version in ("0.1.0", "0.2.0"):
        served = Served(model=f"tiny/{version}", since=datetime.now(UTC), why="")
        write_pointer(models, Pointer(champion=served))
        assert load(models) == f"tiny@{version}"


def test_a_bundle_that_does_not_see_what_it_saw_is_refused(folder):
    contents = pack_frames(make_images(), np.eye(4, dtype=np.float32)[:2])
    (folder / "golden_frames.npz").write_bytes(contents)
    manifest = json.loads((folder / MANIFEST).read_text())
    for file in manifest["files"]:
        if file["path"] == "golden_frames.npz":
            file["sha256"] = hashlib.sha256(contents).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / SEAL).unlink()

    with pytest.raises(ModelError, match="does not reproduce its own golden frames"):
        load(folder)


def test_an_older_bundle_without_golden_frames_serves(tmp_path):
    assert load(write_bundle(tmp_path, golden=False)) == "tiny@0.1.0"
