import json
import sys

import pytest
import tifffile
from typer.testing import CliRunner

from camsortxs import simulate
from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.cli import app

pytestmark = [
    # pycaret pulls in libraries that deprecate one another; the converters warn of versions.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
]
TECHNIQUES = ("SAXS", "WAXS", "GISAXS", "GIWAXS")


@pytest.fixture
def small(monkeypatch):
    """Draw small frames, so that drawing takes no time."""
    draw = simulate.draw
    monkeypatch.setattr(simulate, "draw", lambda kind, **more: draw(kind, **{**more, "shape": (96, 96)}))


def train(out, tmp_path, *words):
    fixed = ["--cache", tmp_path / "features.sqlite", "--trees", 10, "--out", out]
    return CliRunner().invoke(app, list(map(str, ["train", *fixed, *words])), env={"COLUMNS": "400"})


def test_one_command_draws_trains_and_exports(tmp_path, small):
    out = tmp_path / "small" / "0.0.1"
    done = train(out, tmp_path, "--simulated", 80)

    assert done.exit_code == 0, done.output
    bundle = load_bundle(out)
    assert bundle.manifest.reference == "small@0.0.1"
    assert bundle.manifest.training.frames == 80
    assert OnnxClassifier(bundle).feature_names == bundle.manifest.features.names
    card = (out / "MODEL_CARD.md").read_text()
    assert "80 simulated frames in" in card
    assert "measured" not in card
    words = "--simulated 80 --seed 1 --classifiers lightgbm_extra --trees 10 --folds 6"
    assert f"`camsortxs train {words} --out models/small/0.0.1`" in card


@pytest.fixture
def folder(tmp_path):
    """Measured frames of three sources, and a file that is none."""
    rows = ["file,technique,source"]
    for place in range(24):
        kind, name = TECHNIQUES[place % 4], f"{place}.tif"
        tifffile.imwrite(tmp_path / name, simulate.draw(kind, seed=5, index=place, shape=(96, 96)).image)
        rows.append(f"{name},{kind},source {place % 3}")
    (tmp_path / "broken.tif").write_bytes(b"not a TIFF")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "broken.tif,SAXS,source 1", ""]))
    return tmp_path


def test_measured_simulated_and_empty_frames_together(tmp_path, small, folder):
    out = tmp_path / "mixed" / "0.0.1"
    done = train(out, tmp_path, "--simulated", 40, "--nothing", 10, "--labels", folder / "labels.csv", "--copies", 1)

    assert done.exit_code == 3, done.output
    assert "broken.tif" in done.stderr
    manifest = load_bundle(out).manifest
    assert 40 + 2 * 24 < manifest.training.frames < 40 + 10 + 2 * 24, "what is dark is not learnt from"
    for words in (
        "40 simulated frames of",
        "10 simulated frames of dark",
        "24 measured frames in 3 groups",
        "24 augmented frames in 3 groups",
    ):
        assert words in manifest.training.description
    assert {"source 0", "source 1", "source 2"} < set(manifest.training.group_names)
    figures = json.loads((out / "model.json").read_text())["metrics"]["out_of_fold"]
    assert figures["judged_on"] == "measured"
    assert figures["frames"] == figures["by_origin"]["measured"]["frames"] == 24
    assert figures["by_origin"]["simulated"]["frames"] <= 40

    again = train(
        tmp_path / "mixed" / "0.0.2",
        tmp_path,
        "--simulated",
        40,
        "--nothing",
        10,
        "--labels",
        folder / "labels.csv",
        "--copies",
        1,
    )
    assert "90 known already" in again.stderr
    assert load_bundle(tmp_path / "mixed" / "0.0.2").manifest.training.digest == manifest.training.digest


@pytest.mark.parametrize(("place", "why"), [("mixed/0.0.1", "there already"), ("mixed", "NAME/VERSION")])
def test_no_bundle_is_overwritten(tmp_path, small, place, why):
    (tmp_path / "mixed" / "0.0.1").mkdir(parents=True)
    (tmp_path / "mixed" / "0.0.1" / "model.json").write_text("{}")

    done = train(tmp_path / place, tmp_path, "--simulated", 80)

    assert done.exit_code == 2
    assert why in done.stderr
    assert (tmp_path / "mixed" / "0.0.1" / "model.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--simulated", "0"], "nothing to learn from"),
        (["--simulated", "40", "--representations", "no.such"], "no.such"),
        (["--classifiers", "et,mlp"], "no classifier mlp"),
        (["--simulated", "0", "--nothing", "8", "--representations", "histogram.statistics"], "groups"),
    ],
)
def test_what_cannot_be_trained_is_exit_code_2(tmp_path, small, words, message):
    done = train(tmp_path / "none" / "0.0.1", tmp_path, *words)

    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "none").exists()


def test_an_archive_out_of_reach_is_exit_code_2(tmp_path, monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)

    done = train(tmp_path / "none" / "0.0.1", tmp_path, "--simulated", 0, "--tiled", "http://127.0.0.1:9")

    assert done.exit_code == 2
    assert "Tiled cannot be read" in done.stderr


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["camsortxs.cli.train"], "find_spec", lambda name: None)

    done = train(tmp_path / "none" / "0.0.1", tmp_path)

    assert done.exit_code == 2
    assert "camsortxs[train,cpu]" in done.stderr
