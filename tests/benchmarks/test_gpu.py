import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_it_measures_and_agrees_with_the_cpu(tmp_path):
    out = tmp_path / "figures.json"
    sizes = ["--shape", "60", "50", "--batch", "2", "--frames", "4", "--rounds", "1"]
    names = ["histogram.statistics", "lbp.p8"]

    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "gpu.py", "--representations", *names, *sizes, "--out", out],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert min(figures["frames_per_second"].values()) > 0
    assert set(figures["agreement"]) == {"the same graph on the CPU", "camsortxs.features"}
    for apart in figures["agreement"].values():
        assert set(apart) == {"image", *names}
        assert max(apart.values()) < 1e-2
    assert "host / copy" in done.stdout


def test_by_default_it_measures_what_the_shipped_model_looks_at():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import gpu
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    shipped = sorted((ROOT / "models" / "first").iterdir())[-1]

    assert list(gpu.SHIPPED) == json.loads((shipped / "model.json").read_text())["features"]["representations"]
