import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from camsortxs.cli import app
from camsortxs.simulate import draw


@pytest.fixture
def path(tmp_path):
    drawn = draw("GISAXS", seed=1, shape=(120, 100))
    tifffile.imwrite(tmp_path / "frame.tif", drawn.image)
    return tmp_path / "frame.tif"


# matplotlib 3.7, which pycaret pins, calls pyparsing by its old names.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_the_shipped_model_explains_itself_in_numbers_and_as_a_picture(path, tmp_path):
    done = CliRunner().invoke(app, ["explain", str(path), "--out", str(tmp_path / "why.png"), "--format", "json"])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["decided"] in ("SAXS", "WAXS", "GISAXS", "GIWAXS", "transmission", "grazing incidence", "unknown")
    losses = [feature["loss"] for feature in found["features"]]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 197
    assert np.array(found["areas"]).shape == (8, 7)
    assert sum(found["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
    assert (tmp_path / "why.png").stat().st_size > 20_000


def test_what_shows_nothing_is_not_explained(tmp_path):
    np.save(tmp_path / "flat.npy", np.full((120, 100), 7, np.int32))

    done = CliRunner().invoke(app, ["explain", str(tmp_path / "flat.npy"), "--out", str(tmp_path / "why.png")])

    assert done.exit_code == 3
    assert "`no_signal` (flat)" in done.stderr
    assert not (tmp_path / "why.png").exists()


def test_a_picture_of_another_kind_is_refused_before_the_work(path, tmp_path):
    done = CliRunner().invoke(app, ["explain", str(path), "--out", str(tmp_path / "why.foo")])

    assert done.exit_code == 2
    assert ".png, .pdf or .svg" in done.stderr


def test_a_file_that_cannot_be_read_is_explained_differently(tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and nothing more")

    done = CliRunner().invoke(app, ["explain", str(tmp_path / "broken.tif"), "--out", str(tmp_path / "why.png")])

    assert done.exit_code == 3
    assert "Cannot explain" in done.stderr
    assert not (tmp_path / "why.png").exists()


def test_a_model_that_is_none_exits_with_2(path, tmp_path):
    done = CliRunner().invoke(app, ["explain", str(path), "--model", str(tmp_path), "--out", str(tmp_path / "why.png")])

    assert done.exit_code == 2


# matplotlib 3.7, which pycaret pins, calls pyparsing by its old names.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_a_network_says_where_it_sees_the_answer(path, tmp_path):
    out = tmp_path / "why.png"
    arguments = [str(path), "--embedding", "lenet", "--out", str(out), "--format", "json"]
    done = CliRunner().invoke(app, ["explain", *arguments])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (heat,) = found["grad_cam"]
    assert heat["embedding"].startswith("lenet@")
    assert heat["technique"] == found["technique"]
    assert sum(heat["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
    assert np.array(heat["map"]).shape == (64, 53)
    assert (np.min(heat["map"]), np.max(heat["map"])) == (0.0, 1.0)
    with Image.open(out) as picture:
        assert picture.width > 2000


@pytest.mark.parametrize("name", ["nasnet", "gone/lenet"])
def test_an_embedding_that_is_none_exits_with_2(path, tmp_path, name):
    arguments = [str(path), "--embedding", name, "--out", str(tmp_path / "why.png")]
    done = CliRunner().invoke(app, ["explain", *arguments])

    assert done.exit_code == 2
    assert "no embedding" in done.stderr
