import json
import shutil

import pytest
import tifffile
from cli.contest import image, write_frames, write_model
from typer.testing import CliRunner

from camsortxs.classifiers.champion import LOG, POINTER, read_pointer
from camsortxs.cli import app


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Four bundles: three that know what they see, one of them without golden frames, and a confused one."""
    models = tmp_path_factory.mktemp("models")
    write_model(models, "old/0.1.0")
    write_model(models, "new/0.2.0")
    write_model(models, "plain/0.1.0", golden=False)
    write_model(models, "bad/0.1.0", confused=True)
    return models


@pytest.fixture
def models(written, tmp_path):
    return shutil.copytree(written, tmp_path / "models")


@pytest.fixture
def frames(tmp_path):
    return write_frames(tmp_path / "frames")


@pytest.fixture
def run(models, frames):
    def invoke(*words, on=frames):
        where = ["--frames", str(on)] if words[0] == "promote" and on else []
        return CliRunner().invoke(app, ["models", *words, *where, "--models", str(models)])

    return invoke


@pytest.fixture
def reigning(models, run):
    """The folder of models, `old/0.1.0` being its champion."""
    assert run("promote", "old/0.1.0").exit_code == 0
    return models


def log_of(models):
    return [json.loads(line) for line in (models / LOG).read_text().splitlines()]


def test_the_list_shows_every_bundle_and_the_champion(run, reigning):
    rows = json.loads(run("list", "--format", "json").stdout)

    assert [row["model"] for row in rows] == ["bad/0.1.0", "new/0.2.0", "old/0.1.0", "plain/0.1.0"]
    assert [row["model"] for row in rows if row["champion"]] == ["old/0.1.0"]
    assert all(row["features"] == 7 and row["balanced_accuracy"] == 1.0 and row["megabytes"] > 0 for row in rows)
    table = run("list").stdout
    assert "★" in table
    assert "ExtraTreesClassifier" in table


def test_a_manifest_that_cannot_be_read_is_listed_as_such(run, models):
    (models / "new" / "0.2.0" / "model.json").write_text("{")
    done = run("list", "--format", "json")

    assert done.exit_code == 3
    assert [row["model"] for row in json.loads(done.stdout) if row["problem"]] == ["new/0.2.0"]


def test_no_models_at_all_is_said(tmp_path):
    runner = CliRunner()

    assert "No model yet" in runner.invoke(app, ["models", "list", "--models", str(tmp_path)]).stdout
    gone = runner.invoke(app, ["models", "list", "--models", str(tmp_path / "gone")])
    assert (gone.exit_code, "is not there" in gone.stderr) == (2, True)


def test_show_is_the_card_or_the_manifest(run, reigning):
    assert "four kinds" in run("show").stdout
    assert json.loads(run("show", "new@0.2.0", "--format", "json").stdout)["version"] == "0.2.0"
    unknown = run("show", "unknown/0.1.0")
    assert (unknown.exit_code, "is no model bundle" in unknown.stderr.replace("\n", " ")) == (2, True)
    assert run("show", "../old/0.1.0").exit_code == 2


def test_a_whole_bundle_is_verified(run, models):
    checks = json.loads(run("verify", "new/0.2.0", "--format", "json").stdout)["new/0.2.0"]

    expected = ["files", "manifest", "loads", "golden rows", "golden frames", "distributions"]
    assert [check["what"] for check in checks] == expected
    assert all(check["good"] is True for check in checks)


@pytest.mark.parametrize("name", ["classifier.onnx", "golden.npz", "golden_frames.npz", "model.json.sha256"])
def test_a_bundle_changed_by_one_byte_is_refused(run, models, name):
    path = models / "new" / "0.2.0" / name
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(bytes(contents))
    done = run("verify", "new/0.2.0", "--format", "json")

    assert done.exit_code == 2
    assert "was changed" in done.stdout
    assert run("promote", "new/0.2.0").exit_code == 2
    assert not (models / POINTER).exists()


def test_a_manifest_changed_by_one_byte_is_refused(run, models):
    path = models / "new" / "0.2.0" / "model.json"
    path.write_bytes(path.read_bytes().replace(b'"threshold": 0.5', b'"threshold": 0.4'))
    done = run("verify", "new/0.2.0", "--format", "json")

    assert done.exit_code == 2
    assert "was changed" in done.stdout


def test_what_an_older_bundle_lacks_is_said(run, models):
    (models / "plain" / "0.1.0" / "model.json.sha256").unlink()
    checks = json.loads(run("verify", "plain/0.1.0", "--format", "json").stdout)["plain/0.1.0"]

    assert {check["what"]: check["good"] for check in checks} == {
        "files": True,
        "manifest": None,
        "loads": True,
        "golden rows": True,
        "golden frames": None,
        "distributions": True,
    }
    assert run("verify", "plain/0.1.0").exit_code == 0


def test_every_bundle_is_verified_at_once(run, models):
    found = json.loads(run("verify", "--all", "--format", "json").stdout)

    assert list(found) == ["bad/0.1.0", "new/0.2.0", "old/0.1.0", "plain/0.1.0"]


def test_the_champion_is_verified_unless_told_otherwise(run, reigning):
    assert list(json.loads(run("verify", "--format", "json").stdout)) == ["old/0.1.0"]


def test_without_a_champion_there_is_nothing_to_verify(run):
    done = run("verify")

    assert (done.exit_code, "camsortxs models promote" in done.stderr.replace("\n", " ")) == (2, True)


def test_the_first_is_promoted_and_an_equal_one_follows(run, reigning):
    done = run("promote", "new/0.2.0", "--format", "json")

    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["promoted"], said["instead_of"], said["verdict"]["groups"]) == (True, "old/0.1.0", 3)
    pointer = read_pointer(reigning)
    assert (pointer.champion.model, [old.model for old in pointer.previous]) == ("new/0.2.0", ["old/0.1.0"])
    assert pointer.champion.figures["criteria"][0]["challenger"] == 1.0
    assert pointer.evaluation.frames == 25
    assert [(line["action"], line["model"]) for line in log_of(reigning)] == [
        ("promoted", "old/0.1.0"),
        ("promoted", "new/0.2.0"),
    ]


def test_a_worse_one_is_refused_with_the_table_that_says_why(run, reigning):
    before = (reigning / POINTER).read_bytes()
    done = run("promote", "bad/0.1.0")

    assert done.exit_code == 4
    assert "recall of SAXS" in done.stdout
    assert "not promoted: accuracy" in done.stderr.replace("\n", " ")
    assert (reigning / POINTER).read_bytes() == before
    assert len(log_of(reigning)) == 1


def test_one_without_golden_frames_is_refused(run, reigning):
    done = run("promote", "plain/0.1.0")

    assert (done.exit_code, "golden frames: none" in done.stderr) == (4, True)


def test_the_champion_again_changes_nothing(run, reigning):
    before = (reigning / POINTER).read_bytes()

    assert run("promote", "old/0.1.0").exit_code == 0
    assert (reigning / POINTER).read_bytes() == before


def test_a_champion_that_cannot_serve_is_no_measure(run, reigning):
    (reigning / "old" / "0.1.0" / "classifier.onnx").write_bytes(b"")
    done = run("promote", "new/0.2.0")

    assert (done.exit_code, "nothing to compare with" in done.stderr.replace("\n", " ")) == (2, True)
    (reigning / POINTER).unlink()
    assert run("promote", "new/0.2.0").exit_code == 0


def change_a_label(frames):
    table = (frames / "labels.csv").read_text()
    (frames / "labels.csv").write_text(table.replace("SAXS_0.tif,SAXS", "SAXS_0.tif,WAXS"))


def leave_out_a_row(frames):
    lines = (frames / "labels.csv").read_text().splitlines()
    (frames / "labels.csv").write_text("\n".join(lines[:-1]) + "\n")


def change_a_pixel(frames):
    pixels = image(0, 0)
    pixels[0, 0] += 1
    tifffile.imwrite(frames / "SAXS_0.tif", pixels)


@pytest.mark.parametrize("change", [change_a_label, leave_out_a_row, change_a_pixel])
def test_an_evaluation_set_that_was_changed_is_refused_unless_told_so(run, reigning, frames, change):
    change(frames)
    done = run("promote", "new/0.2.0")

    assert (done.exit_code, "--new-evaluation-set" in done.stderr) == (4, True)
    assert read_pointer(reigning).champion.model == "old/0.1.0"
    assert run("promote", "new/0.2.0", "--new-evaluation-set").exit_code == 0


def test_rows_in_another_order_are_the_same_set(run, reigning, frames):
    head, *rows = (frames / "labels.csv").read_text().splitlines()
    (frames / "labels.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")

    assert run("promote", "new/0.2.0").exit_code == 0


def test_a_set_with_a_frame_that_cannot_be_read_decides_nothing(run, frames, models):
    (frames / "SAXS_0.tif").write_bytes(b"no picture")
    done = run("promote", "new/0.2.0")

    assert (done.exit_code, "SAXS_0.tif" in done.stderr) == (3, True)
    assert not (models / POINTER).exists()
    (frames / "SAXS_0.tif").unlink()
    gone = run("promote", "new/0.2.0")
    assert (gone.exit_code, "SAXS_0.tif cannot be read" in gone.stderr.replace("\n", "")) == (2, True)


def test_groups_that_the_challenger_learnt_from_are_left_out(run, reigning):
    write_model(reigning, "cheat/0.1.0", groups="source")  # it learnt from sources 0 to 4
    done = run("promote", "cheat/0.1.0", "--format", "json")

    assert done.exit_code == 4
    verdict = json.loads(done.stdout)["verdict"]
    assert verdict["left_out"] == ["source 0", "source 1", "source 2"]
    assert "that neither was trained on" in verdict["why"]


def test_rolling_back_returns_to_the_one_before(run, reigning):
    run("promote", "new/0.2.0")
    done = run("rollback", "--why", "calibrants", "--format", "json")

    assert json.loads(done.stdout) == {"champion": "old/0.1.0", "instead_of": "new/0.2.0", "why": "calibrants"}
    pointer = read_pointer(reigning)
    assert (pointer.champion.model, pointer.previous) == ("old/0.1.0", ())
    assert "rolled back from new/0.2.0: calibrants" in pointer.champion.why
    assert log_of(reigning)[-1]["action"] == "rolled back"
    again = run("rollback")
    assert (again.exit_code, "no champion before this one" in again.stderr) == (2, True)


def test_rolling_back_to_one_that_is_broken_is_refused(run, reigning):
    run("promote", "new/0.2.0")
    before = (reigning / POINTER).read_bytes()
    (reigning / "old" / "0.1.0" / "classifier.onnx").write_bytes(b"")

    assert run("rollback").exit_code == 2
    assert (reigning / POINTER).read_bytes() == before


def test_without_frames_simulated_ones_decide(run, models):
    done = run("promote", "new/0.2.0", "--simulated", "40", "--format", "json", on=None)

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["evaluation"] == "40 simulated frames of seed 977000002"


def test_every_line_of_work_follows_the_pointer(reigning, frames):
    done = CliRunner().invoke(
        app, ["classify", str(frames / "SAXS_0.tif"), "--model", str(reigning), "--format", "json"]
    )

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["decided"] == "SAXS"
