import io
import json

import numpy as np
import pytest
from classifiers.bundles import REPRESENTATIONS, figures, make_dataset, make_trained, write_bundle

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.offline.convert import to_onnx
from camsortxs.offline.export import export


def test_nothing_is_written_when_onnx_and_python_differ(tmp_path, monkeypatch):
    dataset = make_dataset()
    trained = make_trained(dataset)
    other = make_dataset()
    other.targets[:] = other.targets[::-1]
    monkeypatch.setattr("camsortxs.offline.export.to_onnx", lambda *_: to_onnx(make_trained(other).estimator, 7))

    with pytest.raises(ModelError, match="not exported: ONNX and Python differ in"):
        export(
            trained,
            dataset,
            Chain(REPRESENTATIONS),
            folder=tmp_path / "tiny" / "0.1.0",
            description="",
            held_out=dataset.values,
            metrics=figures(dataset, trained),
            command="",
        )
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_json_onnx_and_arrays_and_says_where_it_comes_from(tmp_path):
    folder = write_bundle(tmp_path)

    assert {path.name for path in folder.iterdir()} == {
        "model.json",
        "MODEL_CARD.md",
        "classifier.onnx",
        "golden.npz",
        "golden_frames.npz",
        "reference.npz",
        "model.json.sha256",
    }
    manifest = json.loads((folder / "model.json").read_text())
    assert manifest["features"]["digest"] == Chain(REPRESENTATIONS).digest
    assert manifest["libraries"]["scikit-learn"]
    with np.load(io.BytesIO(load_bundle(folder).files["golden"]), allow_pickle=False) as golden:
        assert golden["features"].shape == (8, 7)
        assert golden["probabilities"].shape == (8, 4)
    card = (folder / "MODEL_CARD.md").read_text()
    assert "four clouds" in card
    assert "| accuracy |" in card
