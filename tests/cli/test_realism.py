import csv
import json
from itertools import islice

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import camsortxs.simulate
from camsortxs.cli import app

SHAPE = (96, 110)
FAST = ("--count", "20", "--trees", "20", "--repeats", "1", "--resamples", "50", "--shown", "3")
FIGURES = {"frames", "sources", "auc", "auc_interval", "outlying", "outlying_interval"}


@pytest.fixture(scope="module")
def population():
    """Frames of one small simulated population: what is drawn, and what is written as real, come from it."""
    return list(camsortxs.simulate.draw_many(["SAXS"], count=44, seed=5, shape=SHAPE))


@pytest.fixture(autouse=True)
def _draw_from_it(monkeypatch, population):
    def draw_many(kinds, *, count, through, **_):
        assert set(kinds) <= {"SAXS"}
        return map(through, islice(population, count))

    monkeypatch.setattr(camsortxs.simulate, "draw_many", draw_many)


@pytest.fixture
def folder(tmp_path, population):
    """Write the frames that `--count 20` does not draw as real ones of four sources."""

    def write(change=np.asarray, sources=4):
        with (tmp_path / "labels.csv").open("w", newline="") as file:
            labels = csv.writer(file)
            labels.writerow(["file", "technique", "source"])
            for place, drawn in enumerate(population[20:]):
                tifffile.imwrite(tmp_path / f"{place}.tif", change(drawn.image))
                labels.writerow([f"{place}.tif", "SAXS", f"source {place % sources}"])
        return tmp_path

    return write


def ask(path, *more):
    return CliRunner().invoke(app, ["realism", str(path), *FAST, *more])


def test_frames_that_are_blurred_and_offset_are_told_apart(folder):
    def blurred(image):
        return sum(np.roll(np.maximum(image, 0), (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) + 5000

    done = ask(folder(blurred), "--format", "json")
    saxs = json.loads(done.stdout)["techniques"]["SAXS"]

    assert saxs["auc"] > 0.88
    assert len(saxs["gives_away"]) == 3


def test_the_other_half_of_the_same_population_cannot_be_told_apart_and_the_json_is_as_documented(folder):
    report = json.loads(ask(folder(), "--format", "json").stdout)

    assert set(report) == {"count", "seed", "features", "all", "techniques", "errors"}
    assert (report["count"], report["seed"], report["errors"]) == (20, 3, [])
    assert set(report["all"]) == FIGURES
    assert list(report["techniques"]) == ["SAXS", "WAXS", "GISAXS", "GIWAXS"]
    saxs = report["techniques"]["SAXS"]
    assert set(saxs) == FIGURES | {"status", "simulated", "sources_auc", "gives_away"}
    assert (saxs["frames"], saxs["sources"], saxs["simulated"]) == (24, 4, 20)
    assert 0.15 < saxs["auc"] < 0.85  # a handful of frames
    assert set(saxs["sources_auc"]) == {f"source {place}" for place in range(4)}
    for row in saxs["gives_away"]:
        assert set(row) == {"feature", "real_is", "auc", "interval", "real_median", "simulated_median"}
    assert report["techniques"]["WAXS"]["status"] == "not enough sources"
    assert report["techniques"]["WAXS"]["auc"] is None


def test_the_table_says_where_sources_are_missing(folder):
    done = ask(folder())

    assert done.exit_code == 0, done.output
    assert "0.5 = cannot be told apart" in done.stdout
    assert "WAXS: not enough sources" in done.stdout


def test_a_single_source_is_refused_before_anything_is_drawn(folder, monkeypatch):
    path = folder(sources=1)
    monkeypatch.setattr(camsortxs.simulate, "draw_many", lambda kinds, *, count, **more: iter(range(count)))

    done = ask(path)

    assert done.exit_code == 2
    assert "no technique has 2 sources" in done.stderr


def test_what_cannot_be_read_is_listed_and_the_others_are_measured(folder):
    path = folder()
    with (path / "labels.csv").open("a") as labels:
        labels.write("gone.tif,SAXS,source 9\ndark.tif,no_signal,source 9\n")

    done = ask(path, "--format", "json")
    report = json.loads(done.stdout)

    assert done.exit_code == 3
    assert [error["path"] for error in report["errors"]] == [str(path / "gone.tif")]
    assert report["techniques"]["SAXS"]["frames"] == 24


def test_a_folder_of_which_nothing_can_be_read_says_so(tmp_path):
    (tmp_path / "labels.csv").write_text("file,technique,source\ngone.tif,SAXS,a\n")

    done = ask(tmp_path)

    assert done.exit_code == 3
    assert "not read:" in done.stderr
    assert "gone.tif" in done.stderr


@pytest.mark.parametrize("table", [None, "file,technique\n0.tif,SAXS\n", "file,technique,source\na.tif,XPCS,b\n"])
def test_a_folder_without_usable_labels_exits_with_2(tmp_path, table):
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)

    done = ask(tmp_path)

    assert done.exit_code == 2
    assert "Cannot compare" in done.stderr


def test_other_labels_regroup_the_same_frames(folder, tmp_path_factory):
    path = folder()
    other = tmp_path_factory.mktemp("labels") / "other.csv"
    with other.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["file", "technique", "source"], *([f"{place}.tif", "SAXS", place % 2] for place in range(10))]
        )

    saxs = json.loads(ask(path, "--labels", str(other), "--format", "json").stdout)["techniques"]["SAXS"]

    assert (saxs["frames"], saxs["sources"]) == (10, 2)
