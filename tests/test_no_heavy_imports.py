"""What serves must start quickly, and install without what only trains."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from camsortxs.cli import app

TRAINING = ("sklearn", "pycaret", "lightgbm", "onnx", "onnxmltools", "skl2onnx", "pyFAI", "tensorflow")


@pytest.mark.parametrize("module", ["camsortxs.cli", "camsortxs_agent.__main__", "camsortxs_agent.demo.__main__"])
def test_starting_imports_nothing_that_only_training_needs(module):
    script = f"import sys, {module}; print([name for name in {TRAINING!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_training_without_its_extra_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["camsortxs.cli.train"], "find_spec", lambda name: None)

    done = CliRunner().invoke(app, ["train", "--out", str(tmp_path / "a" / "b")])

    assert done.exit_code == 2
    assert "camsortxs[train,cpu]" in done.stderr
