from functools import partial

import pytest
from typer.testing import CliRunner

from camsortxs import simulate
from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.cli import app


# pycaret pulls in libraries that deprecate one another; the converters warn of versions.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_one_command_draws_trains_and_exports(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "draw_many", partial(simulate.draw_many, shape=(96, 96)))
    out = tmp_path / "small" / "0.0.1"
    done = CliRunner().invoke(app, ["train", "--simulated", "80", "--trees", "10", "--out", str(out)])

    assert done.exit_code == 0, done.output
    bundle = load_bundle(out)
    assert bundle.manifest.reference == "small@0.0.1"
    assert 40 <= bundle.manifest.training.frames <= 80
    assert OnnxClassifier(bundle).feature_names == bundle.manifest.features.names
    assert "simulated frames only" in (out / "MODEL_CARD.md").read_text()
