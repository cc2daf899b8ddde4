import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier, calibrate
from camsortxs.errors import ModelError

_SERVE = """
import sys
from pathlib import Path
import numpy as np
from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.chain import Chain
from camsortxs.frames import Frame, FrameKey

bundle = load_bundle(Path(sys.argv[1]))
key = FrameKey(run="r", stream="s", data_key="d", index=0)
frame = Frame(key=key, image=np.arange(6400).reshape(80, 80), mask=np.zeros((80, 80), bool))
features = Chain(bundle.manifest.features.representations).featurize([frame])
assert OnnxClassifier(bundle).classify(features).shape == (1, 4)
trains = "sklearn joblib pycaret lightgbm xgboost catboost crepes dask distributed pandas onnx skl2onnx onnxmltools"
heavy = {*trains.split(), "tensorflow", "keras"} & set(sys.modules)
sys.exit(f"serving imported {sorted(heavy)}" if heavy else 0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


def test_serving_imports_nothing_that_trains_or_unpickles(folder):
    done = subprocess.run([sys.executable, "-c", _SERVE, str(folder)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_bytes_that_are_no_graph_are_refused(folder):
    bundle = load_bundle(folder)
    broken = dataclasses.replace(bundle, files=bundle.files | {"classifier": b"no protobuf"})

    with pytest.raises(ModelError, match="onnxruntime cannot load the classifier"):
        OnnxClassifier(broken)


def test_a_graph_of_other_features_is_refused(folder):
    bundle = load_bundle(folder)
    features = bundle.manifest.features.model_copy(update={"names": ("one", "two")})
    other = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"features": features}))

    with pytest.raises(ModelError, match="the manifest 2"):
        OnnxClassifier(other)


def test_temperature_flattens_and_sharpens_without_changing_the_order():
    p = np.array([[0.7, 0.2, 0.1, 0.0]])

    assert calibrate(p, 2.0)[0, 0] < 0.7 < calibrate(p, 0.5)[0, 0]
    assert calibrate(p, 2.0).argsort().tolist() == p.argsort().tolist()
    assert np.allclose(calibrate(p, 3.0).sum(axis=1), 1.0)
