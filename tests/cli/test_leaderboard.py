import csv
import json

import pytest
from offline.grid.small import made_up, small_dataset
from typer.testing import CliRunner

from camsortxs.cli import app
from camsortxs.cli.data_options import DataOptions
from camsortxs.frames import Rejected
from camsortxs.offline.gather import Gathered
from camsortxs.offline.grid import cost
from camsortxs.offline.grid import run as running
from camsortxs.offline.grid.table import Kept, load, save


@pytest.fixture(autouse=True)
def ran(monkeypatch):
    """Cells and features take no time; what was run is listed."""
    seen = []

    def quick(cell, dataset, setting):
        seen.append(str(cell))
        return made_up(cell, dataset)

    monkeypatch.setattr(running, "run_cell", quick)
    monkeypatch.setattr(cost, "featurization", lambda features, *_, **__: dict.fromkeys(features, 100.0))
    return seen


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(Kept(dataset=small_dataset(), words="four clouds", options=("--copies", "1")), tmp_path / "frames.npz")
    return lambda *words: CliRunner().invoke(
        app, ["leaderboard", "--dataset", "frames.npz", "--resamples", "5", *words]
    )


def test_the_whole_board_is_written_and_a_second_call_runs_nothing(ask, tmp_path, ran):
    first = ask()
    assert first.exit_code == 0, first.output
    assert len(ran) == 10, "what the dataset has features for"
    assert "10 cells" in first.stdout

    page = (tmp_path / "models" / "LEADERBOARD.md").read_text()
    with (tmp_path / "models" / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert "camsortxs leaderboard --copies 1 --trees 60" in page
    assert "four clouds" in page
    assert len(rows) == 10
    assert len(list((tmp_path / "models" / "leaderboard").glob("*.png"))) == 4

    assert ask().exit_code == 0
    assert len(ran) == 10


def test_the_command_of_a_row_runs_that_row_and_writes_nothing(ask, tmp_path, ran):
    ask()
    with (tmp_path / "models" / "leaderboard.csv").open(newline="") as file:
        command = list(csv.DictReader(file))[3]
    before = (tmp_path / "models" / "LEADERBOARD.md").stat().st_mtime_ns
    words = command["command"].removeprefix("camsortxs leaderboard --copies 1 ").split()
    told = ask(*words, "--work", "elsewhere", "--format", "json")

    (row,) = [json.loads(line) for line in told.stdout.splitlines()]
    assert ran[10:] == [f"{row['features']}:{row['classifier']}"]
    assert row["features"] == command["features"]
    assert row["figures"]["measured"]["mcc"]["value"] == pytest.approx(float(command["measured_mcc"]), abs=1e-4)
    assert (tmp_path / "models" / "LEADERBOARD.md").stat().st_mtime_ns == before


def test_what_cannot_run_says_what_to_do(ask, tmp_path):
    for words, message in (
        (["--only", "glcm.d1:svm"], "FEATURES:CLASSIFIER"),
        (["--only", "lbp.p8:et"], "does not hold the features of lbp.p8:et"),
        (["--budget", "0"], "give it more minutes"),
    ):
        told = ask(*words)
        assert told.exit_code == 2
        assert message in told.stderr
    (tmp_path / "frames.npz").write_bytes(b"nothing")
    assert "holds no dataset" in ask().stderr
    assert not (tmp_path / "models").exists()


def test_stopped_by_hand_it_says_how_to_go_on(ask, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run_cell", stop)
    told = ask()

    assert told.exit_code == 130
    assert "Call it again" in told.stderr


def test_frames_are_gathered_with_the_features_that_the_cells_look_at(tmp_path, monkeypatch, ran):
    """What could not be read does not stop the others, and the exit code says so."""
    monkeypatch.chdir(tmp_path)
    asked = []

    def gather(data, chain, screen):
        asked.append((chain.representations, data.simulated))
        lost = Rejected(reason="missing_file", message="it is not there")
        return Gathered(dataset=small_dataset(), failed=(lost,), words="some clouds", known=0)

    monkeypatch.setattr(DataOptions, "gather", gather)
    words = ["--simulated", "20", "--copies", "3", "--only", "histogram.statistics:et", "--only", "glcm.d1:rf"]
    told = CliRunner().invoke(app, ["leaderboard", *words, "--resamples", "5", "--save", "kept.npz", "--out", "board"])

    assert told.exit_code == 3
    assert asked == [(("histogram.statistics", "glcm.d1"), 20)]
    assert sorted(ran) == ["glcm.d1:rf", "histogram.statistics:et"]
    page = (tmp_path / "board" / "LEADERBOARD.md").read_text()
    assert "camsortxs leaderboard --simulated 20 --seed 1 --copies 3 --trees 60" in page
    assert "some clouds" in page
    assert load(tmp_path / "kept.npz").dataset.digest == small_dataset().digest
