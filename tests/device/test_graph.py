import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camsortxs.errors import ModelError

HEAVY = ("scipy", "skimage", "numba", "cv2", "pandas", "pydantic", "tiled")
ONE_OF_EACH = ["histogram.statistics", "glcm.d2", "lbp.p16", "hog.c32", "spectrum.radial", "spectrum.wavelet"]
ON_JAX = os.environ | {"KERAS_BACKEND": "jax"}


def test_what_several_need_is_computed_once(on_device, drawn):
    from camsortxs.device import histogram

    _, standards = on_device(drawn[:1])

    assert histogram._levels(standards) is histogram._levels(standards)
    assert len(standards.made) == 1


def test_a_graph_is_for_one_shape():
    from camsortxs.device.graph import FeatureGraph

    graph = FeatureGraph(["histogram.bins"])

    def run(shape):
        graph.predict_on_batch({"images": np.ones(shape, np.int32), "masks": np.zeros(shape, bool)})

    run((1, 20, 30))
    with pytest.raises(ModelError, match="one shape"):
        run((1, 30, 40))


def test_unknown_representations_are_refused():
    from camsortxs.device.graph import FeatureGraph

    with pytest.raises(ModelError, match=r"glcm\.d3"):
        FeatureGraph(["glcm.d3"])


def test_the_graph_needs_nothing_but_numpy_and_keras():
    script = (
        "import sys, keras; before = set(sys.modules); import camsortxs.device.graph\n"
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ON_JAX)

    assert done.stdout.strip() == "[]"


def test_on_jax_the_same_graph_gives_the_features_of_the_cpu(drawn, tmp_path):
    from camsortxs.features.chain import Chain
    from camsortxs.features.standard import standardise

    frames = [frame for frame in drawn if frame.image.shape == (300, 260)]
    images, masks = (np.stack([getattr(frame, what) for frame in frames]) for what in ("image", "mask"))
    np.savez(tmp_path / "frames.npz", images=images, masks=masks)
    script = Path(__file__).with_name("run_graph.py")
    subprocess.run([sys.executable, script, tmp_path, *ONE_OF_EACH], check=True, env=ON_JAX, timeout=250)
    found = np.load(tmp_path / "values.npz")

    assert str(found["backend"]) == "jax"
    assert found["image"] == pytest.approx(np.stack([standardise(frame).image for frame in frames]), abs=1e-5)
    for name in ONE_OF_EACH:
        expected = Chain([name]).featurize(frames).values
        assert found[name] == pytest.approx(expected, rel=2e-3, abs=2e-3), name
