import contextlib
import json
import shutil

import numpy as np
import pytest
import tifffile
from classifiers.bundles import write_bundle
from rich.progress import Progress
from typer.testing import CliRunner

from camsortxs.adapters.folder import FolderFrames
from camsortxs.cli import app
from camsortxs.cli.classify import Counted, Seen

KEYS = ["path", "dataset", "index", "technique", "decided", "probabilities", "contradiction", "ms", "error"]
NAMES = ["SAXS", "WAXS", "GISAXS", "GIWAXS"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def frames(tmp_path, make_frame):
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(2):
        tifffile.imwrite(folder / f"lit_{index}.tif", make_frame(index).image)
    tifffile.imwrite(folder / "shut.tif", np.zeros((120, 100), dtype=np.int32))
    return folder


def classify(*arguments):
    done = CliRunner().invoke(app, ["classify", *map(str, arguments)])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done


def test_each_frame_is_one_line_with_exactly_the_agreed_keys(frames, model):
    code, rows, done = classify(frames, "--model", model, "--format", "json")

    assert code == 0, done.output
    assert len(rows) == len(done.stdout.splitlines()) == 3
    assert all(list(row) == KEYS for row in rows)
    for row in rows[:2]:
        assert list(row["probabilities"]) == NAMES
        assert sum(row["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
        assert row["technique"] in (*NAMES, None)
        assert row["technique"] in (row["decided"], None)
        assert row["ms"] > 0
    assert (rows[2]["decided"], rows[2]["technique"], rows[2]["probabilities"]) == ("no_signal", None, None)


def test_the_table_tells_frames_apart_whatever_their_files_are_called(tmp_path, make_frame, model):
    for place in ("a/scan[red]_1.tif", "b/scan[red]_1.tif", "[x/broken].tif"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(tmp_path / place, np.stack([make_frame(0).image] * (2 if place[0] == "b" else 1)))
    (tmp_path / "[x" / "broken].tif").write_bytes(b"no TIFF [/x]")
    with contextlib.chdir(tmp_path):
        code, _, done = classify("a", "b", "[x", "--model", model)

    assert code == 3, done.output
    for name in ("a/scan[red]_1.tif", "b/scan[red]_1.tif::[0]", "b/scan[red]_1.tif::[1]", "broken].tif"):
        assert name in done.stdout


def test_a_picture_that_cannot_be_written_is_told_of_first(frames, model, tmp_path):
    (tmp_path / "file").touch()
    code, _, done = classify(frames, "--model", model, "--contact-sheet", tmp_path / "file" / "sheet.png")

    assert code == 2
    assert "--contact-sheet" in done.stderr
    assert "cannot be written" in done.stderr
    assert done.stdout == ""


def test_the_table_says_why_a_frame_shows_nothing(frames, model):
    _, _, done = classify(frames, "--model", model)

    (line,) = (line for line in done.stdout.splitlines() if "shut.tif" in line)
    assert "no_signal" in line
    assert "dark" in line


def test_what_cannot_be_read_is_a_row_and_the_others_are_done(frames, model, tmp_path):
    broken = frames / "a_first.tif"
    broken.write_bytes(b"II*\x00 cut short")
    code, rows, _ = classify(frames, tmp_path / "gone.cbf", "--model", model, "--format", "json")

    assert code == 3
    assert len(rows) == 5
    failed = {row["path"]: row for row in rows if row["error"]}
    assert set(failed) == {str(broken), str(tmp_path / "gone.cbf")}
    assert all(list(row) == KEYS and row["technique"] is None for row in failed.values())


def test_a_bar_moves_by_each_file_that_was_named_or_refused(frames):
    (frames / "a_first.tif").write_bytes(b"II*\x00 cut short")
    with Progress(disable=True) as progress:
        batches = Counted(Seen(FolderFrames(paths=[frames], batch=1), most=0), progress).batches()
        next(batches)
        bar = progress.tasks[0]
        before = (bar.completed, bar.total, bar.description)
        meanwhile = [(bar.completed, bar.description) for _ in batches]

    assert before == (0, 4, "compiling the features, ten seconds")
    assert meanwhile[0] == (1, "0 frames named")
    assert meanwhile[-1] == (3, "3 frames named")
    assert (bar.completed, bar.description) == (4, "3 frames named")


def test_a_changed_bundle_exits_with_2(frames, model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "classifier.onnx").write_bytes(b"something else")
    code, rows, done = classify(frames, "--model", copy, "--format", "json")

    assert (code, rows) == (2, [])
    assert "was changed" in done.stderr


def test_the_table_shows_decision_and_error(frames, model, tmp_path):
    code, _, done = classify(frames, tmp_path / "gone.cbf", "--model", model)

    assert code == 3
    assert "3 frames, 1 not readable" in done.stdout
    assert "no_signal" in done.stdout


def test_help_has_examples():
    assert "camsortxs classify scan_0001.cbf" in CliRunner().invoke(app, ["classify", "--help"]).output


def test_the_contact_sheet_shows_what_was_read(frames, model, tmp_path):
    sheet = tmp_path / "names.png"

    done = CliRunner().invoke(app, ["classify", str(frames), "--model", str(model), "--contact-sheet", str(sheet)])

    assert done.exit_code == 0, done.output
    assert sheet.stat().st_size > 10_000
