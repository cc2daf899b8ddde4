"""What serves must start quickly, and install without what only trains."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from camsortxs import __version__
from camsortxs.cli import app

SLOW = ("numba", "scipy", "cv2", "matplotlib", "h5py", "fabio", "onnxruntime", "httpx", "tiled", "confluent_kafka")
TRAINING = ("sklearn", "pycaret", "lightgbm", "onnx", "onnxmltools", "skl2onnx", "pyFAI", "tensorflow")


def imported(module, names):
    """Return which of these modules a process has that imports that one."""
    script = f"import sys, {module}; print([name for name in {names!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("module", ["camsortxs.cli", "camsortxs_agent.wiring", "camsortxs_agent.demo.__main__"])
def test_starting_imports_nothing_that_only_training_needs(module):
    assert imported(module, TRAINING) == "[]"


@pytest.mark.parametrize("module", ["camsortxs.cli", "camsortxs_agent.__main__"])
def test_help_and_wrong_options_wait_for_no_slow_import(module):
    assert imported(module, SLOW) == "[]"


@pytest.mark.parametrize("module", ["camsortxs.cli", "camsortxs_agent.__main__"])
def test_version(module):
    done = CliRunner().invoke(import_module(module).app, ["--version"])

    assert (done.exit_code, done.stdout) == (0, f"{__version__}\n")


def test_training_without_its_extra_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["camsortxs.cli.train"], "find_spec", lambda name: None)

    done = CliRunner().invoke(app, ["train", "--out", str(tmp_path / "a" / "b")])

    assert done.exit_code == 2
    assert "camsortxs[train,cpu]" in done.stderr
