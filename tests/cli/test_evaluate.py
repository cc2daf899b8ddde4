import json

import numpy as np
import pytest
import tifffile
from classifiers.bundles import write_bundle
from PIL import Image
from typer.testing import CliRunner

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.cli import app

METRICS = {
    "accuracy", "balanced_accuracy", "precision", "f1", "auc", "kappa", "mcc", "ece", "grazing_accuracy",
    "angle_accuracy", "accuracy_at_90", "accuracy_at_80", "coverage", "accuracy_when_sure",
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def frames(tmp_path, make_frame):
    rows = ["file,technique,source"]
    for index in range(4):
        grazing = index % 2 == 1
        tifffile.imwrite(tmp_path / f"{index}.tif", make_frame(index, grazing=grazing).image)
        rows.append(f"{index}.tif,{'GISAXS' if grazing else 'SAXS'},source {index // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def evaluate(frames, model, *more):
    labels = frames / "labels.csv"
    return CliRunner().invoke(
        app,
        [
            "evaluate",
            "--frames",
            str(frames),
            "--labels",
            str(labels),
            "--model",
            str(model),
            "--resamples",
            "5",
            *more,
        ],
    )


def test_nothing_read_says_why(tmp_path, model):
    (tmp_path / "labels.csv").write_text("file,technique,source\ngone[x].tif,SAXS,a\n")

    done = evaluate(tmp_path, model)

    assert done.exit_code == 3
    assert "gone[x].tif" in done.stderr


def test_all_metrics_by_frame_and_by_source_with_and_without_metadata(frames, model):
    done = evaluate(frames, model, "--format", "json")
    report = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert (report["model"], report["frames"], report["groups"]) == ("tiny@0.1.0", 4, 2)
    assert report["errors"] == []
    for mode in ("image_only", "with_metadata"):
        for by in ("by_frame", "by_group"):
            assert set(report[mode][by]) == METRICS


def test_what_cannot_be_read_is_listed_and_the_others_are_measured(frames, model):
    with (frames / "labels.csv").open("a") as table:
        table.write("gone.tif,WAXS,source 3\n")
    done = evaluate(frames, model, "--format", "json")
    report = json.loads(done.stdout)

    assert done.exit_code == 3
    assert report["frames"] == 4
    assert [error["path"] for error in report["errors"]] == [str(frames / "gone.tif")]


def test_the_table_shows_both_ways_of_counting(frames, model):
    done = evaluate(frames, model)

    assert done.exit_code == 0, done.output
    assert "by source" in done.stdout
    assert "image alone: 4 frames of 2 sources" in done.stdout


def test_sources_and_wrong_frames_are_told_and_drawn(frames, model, tmp_path):
    table = frames / "labels.csv"
    table.write_text(table.read_text().replace("0.tif,SAXS", "0.tif,GIWAXS"))
    done = evaluate(frames, model, "--format", "json", "--sheet", str(tmp_path / "wrong.png"))
    report = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert sum(one["frames"] for one in report["sources"].values()) == 4
    wrong = [one for one in report["wrong"] if one["mode"] == "image_only"]
    assert {"0.tif"} <= {one["file"] for one in wrong}
    assert len(wrong) == 4 - sum(one["image_only"] for one in report["sources"].values())
    assert wrong[0]["truth"] != wrong[0]["most_probable"]
    with Image.open(tmp_path / "wrong.png") as drawn:
        assert drawn.size[0] > 400
    assert "0.tif" in evaluate(frames, model).stdout


def test_sources_that_were_learnt_from_and_are_not_remembered_are_told(frames, model):
    table = frames / "labels.csv"
    known = load_bundle(model).manifest.training.group_names[0]
    table.write_text(table.read_text().replace("source 1", known))
    done = evaluate(frames, model, "--format", "json")

    assert json.loads(done.stdout)["learnt_from"] == [known]
    assert "Too good to be true" in evaluate(frames, model).stdout


def test_a_table_without_sources_exits_with_2(frames, model):
    (frames / "labels.csv").write_text("file,technique\n0.tif,SAXS\n")
    done = evaluate(frames, model)

    assert done.exit_code == 2
    assert "no column source" in done.stderr


def test_the_real_frames_are_all_read(real_frames, model):
    done = evaluate(real_frames, model, "--format", "json")
    report = json.loads(done.stdout)

    assert (done.exit_code, report["errors"]) == (0, [])
    assert report["frames"] == 59


def test_frames_that_show_none_of_the_four_are_counted_apart(frames, model):
    tifffile.imwrite(frames / "dark.tif", np.zeros((120, 100), dtype=np.int32))
    with (frames / "labels.csv").open("a") as labels:
        labels.write("dark.tif,no_signal,source 9\n")

    done = evaluate(frames, model, "--format", "json")

    report = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert report["nothing"] == {
        "frames": 1,
        "withheld": 1.0,
        "kinds": {"source 9": {"frames": 1, "withheld": 1.0}},
    }
    assert report["frames"] == report["image_only"]["frames"] == 4


def test_a_table_of_nothing_else_is_fine(frames, model):
    tifffile.imwrite(frames / "dark.tif", np.zeros((120, 100), dtype=np.int32))
    (frames / "labels.csv").write_text("file,technique,source\ndark.tif,no_signal,a\n")

    done = evaluate(frames, model)

    assert done.exit_code == 0, done.output
    assert "1 frames show none of the four: 100% were named none" in done.stdout
