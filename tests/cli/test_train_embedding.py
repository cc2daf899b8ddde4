import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from camsortxs import simulate
from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.embeddings import load_embedding
from camsortxs.cli import app
from camsortxs.simulate import draw

_CLASSIFY = """
import sys
from camsortxs.cli import app

app(["classify", sys.argv[1], "--model", sys.argv[2], "--format", "json"], standalone_mode=False)
heavy = {"tensorflow", "keras", "tf2onnx", "pycaret", "sklearn", "joblib"} & set(sys.modules)
sys.exit(f"serving imported {sorted(heavy)}" if heavy else 0)
"""


@pytest.fixture
def small(monkeypatch):
    """Draw small frames, so that drawing takes no time."""
    monkeypatch.setattr(simulate, "draw_many", partial(simulate.draw_many, shape=(96, 96)))


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


# pycaret pulls in libraries that deprecate one another; the converters warn of versions.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_from_frames_to_answers_and_no_tensorflow_where_it_serves(tmp_path, small):
    """train-embedding, train, classify."""
    folder = tmp_path / "lenet" / "0.0.1"
    learn = ("--simulated", 80, "--epochs", 1, "--work", tmp_path / "work", "--out", folder, "--format", "json")
    done = invoke("train-embedding", "lenet", *learn)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    embedding = load_embedding(folder)
    assert (report["sha256"], report["bytes"]) == (embedding.sha256, len(embedding.graph))
    assert "simulated frames" in report["training"]["description"]
    assert report["metrics"]["held_out_groups"]
    assert "epoch 1 of 1" in done.stderr

    out = tmp_path / "seeing" / "0.0.1"
    names = "histogram.statistics,lenet.dense,lenet.map"
    fit = ("--representations", names, "--embedding", folder, "--simulated", 80, "--trees", 10, "--out", out)
    done = invoke("train", *fit)
    assert done.exit_code == 0, done.output
    assert load_bundle(out).manifest.features.representations == tuple(names.split(","))
    card = (out / "MODEL_CARD.md").read_text()
    assert "it looks through lenet 0.0.1" in card
    assert f"--representations {names} --embedding models/embeddings/lenet/0.0.1" in card

    tifffile.imwrite(tmp_path / "frame.tif", draw("GISAXS", seed=1, shape=(120, 100)).image)
    command = [sys.executable, "-c", _CLASSIFY, str(tmp_path / "frame.tif"), str(out)]
    served = subprocess.run(command, capture_output=True, text=True, check=False)
    assert served.returncode == 0, served.stderr
    row = json.loads(served.stdout)
    assert sum(row["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)

    done = invoke("explain", tmp_path / "frame.tif", "--model", out, "--out", tmp_path / "why.png", "--format", "json")
    assert done.exit_code == 0, done.output
    assert [heat["embedding"] for heat in json.loads(done.stdout)["grad_cam"]] == ["lenet@0.0.1"]


def test_labelled_frames_teach_it_too_and_what_cannot_be_read_is_told(tmp_path, make_frame):
    rows = ["file,technique,source"]
    for place in range(24):
        grazing = place % 2 == 1
        tifffile.imwrite(tmp_path / f"{place}.tif", make_frame(place, grazing=grazing).image)
        rows.append(f"{place}.tif,{'GISAXS' if grazing else 'SAXS'},beamline {place % 6}")
    tifffile.imwrite(tmp_path / "empty.tif", make_frame(0).image)
    rows += ["gone.tif,WAXS,beamline 1", "empty.tif,no_signal,beamline 2"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    folder = tmp_path / "lenet" / "0.0.1"
    done = invoke(
        *("train-embedding", "lenet", "--simulated", 0, "--frames", tmp_path, "--labels", tmp_path / "labels.csv"),
        *("--epochs", 1, "--work", tmp_path / "work", "--out", folder),
    )

    assert done.exit_code == 3, done.output
    assert "gone.tif" in done.stderr
    assert load_embedding(folder).manifest.training.frames == 24
    assert "recall of GISAXS" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet", "--out", "resnet/0.0.1"), "there are lenet, mobilenet_025"),
        (("lenet", "--out", "mine/0.0.1"), "another name than lenet"),
        (("lenet", "--out", "lenet/0.0.1", "--simulated", 4), "4 frames are too few to be split"),
        (("lenet", "--out", "lenet/0.0.1", "--simulated", 0), "nothing to learn from"),
        (("lenet", "--out", "lenet/0.0.1", "--frames", "."), "go together"),
        (("lenet", "--out", "lenet/0.0.1", "--weights", "imagenet"), "no imagenet weights for lenet"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(tmp_path, small, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = invoke("train-embedding", *arguments)

    assert done.exit_code == 2, done.output
    assert message in done.stderr.replace("\n", " ")
    assert not (tmp_path / "lenet").exists()


def test_a_classifier_that_wants_an_embedding_that_is_not_there_is_refused(tmp_path):
    done = invoke("train", "--representations", "deep.nothing", "--out", tmp_path / "a" / "0.0.1")
    assert done.exit_code == 2
    assert "unknown representations" in done.stderr

    done = invoke("train", "--embedding", tmp_path, "--out", tmp_path / "a" / "0.0.1")
    assert done.exit_code == 2
    assert "is no embedding" in done.stderr


def test_without_tensorflow_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("camsortxs.offline.embedding.backend.NEEDED", ("no_such_library",))
    done = invoke("train-embedding", "lenet", "--out", tmp_path / "lenet" / "0.0.1")

    assert done.exit_code == 2
    assert "no_such_library is not there" in done.stderr
    assert "camsortxs[deep,cpu]" in done.stderr


def test_help_has_examples():
    assert "camsortxs train-embedding lenet --simulated 6000" in invoke("train-embedding", "--help").output


def test_the_picture_is_the_same_whoever_asks(tmp_path, make_frame):
    """Training looks at 256 levels, serving at all of them: the difference is rounding."""
    from camsortxs.features.embedding import picture_of
    from camsortxs.features.standard import standardise
    from camsortxs.offline.embedding.pictures import eight_bits

    frame = make_frame()
    assert np.abs(eight_bits(frame) / 255.0 - picture_of(standardise(frame))).max() <= 0.5 / 255 + 1e-6
