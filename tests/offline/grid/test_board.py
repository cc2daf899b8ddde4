import csv

import numpy as np
import pytest
from offline.grid.small import made_up, small_dataset
from PIL import Image

from camsortxs.offline.grid import board, markdown, plots
from camsortxs.offline.grid.board import front, ranked, value_of, write_csv
from camsortxs.offline.grid.figures import MEASURED, SIMULATED, described, figures
from camsortxs.offline.grid.plan import Cell, Setting, parse
from camsortxs.offline.grid.served import Served

RIGHT = {"glcm.d1:et": 0.95, "glcm.d1:rf": 0.7, "histogram.statistics:et": 0.85, "shipped:et": 0.5}
QUICK = {"glcm.d1": 900.0, "histogram.statistics": 100.0, "shipped": 5000.0}


@pytest.fixture
def dataset():
    return small_dataset()


@pytest.fixture
def rows(dataset):
    results = [made_up(cell, dataset, right=RIGHT[str(cell)]) for cell in parse(RIGHT)]
    return ranked(results, dataset, featurization=QUICK, command="camsortxs leaderboard --seed 0", resamples=20)


def told(**changed) -> markdown.Told:
    given = {
        "data": ["8 frames"],
        "setting": Setting(),
        "command": "camsortxs leaderboard --seed 0",
        "cores": 2,
        "left_out": [],
        "sources": 4,
        "digest": "0123abcd",
    }
    return markdown.Told(**{**given, **changed})


def test_the_best_on_measured_frames_comes_first(rows):
    assert str(rows[0].result.cell) == "glcm.d1:et"
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    assert all(row.judged_on == MEASURED for row in rows)
    assert rows[0].command == "camsortxs leaderboard --seed 0 --only glcm.d1:et"
    assert rows[0].numbers == 12
    assert rows[0].microseconds == pytest.approx(950.0)


def test_measured_and_simulated_frames_are_told_apart(dataset):
    """All simulated answers are right here, all measured ones wrong."""
    result = made_up(Cell(features="glcm.d1", classifier="et"), dataset, right=1.0)
    measured = dataset.origins[result.rows] == "measured"
    result.probabilities[measured] = np.roll(result.probabilities[measured], 1, axis=1)
    found = figures(result, dataset, resamples=10)

    assert found[MEASURED]["accuracy"]["value"] == 0.0
    assert found[SIMULATED]["accuracy"]["value"] == 1.0
    assert set(found[MEASURED]) >= {"precision", "f1", "auc", "kappa", "mcc", "ece", "accuracy_at_90"}


def test_every_source_weighs_the_same(dataset):
    result = made_up(Cell(features="glcm.d1", classifier="et"), dataset, right=1.0)
    wrong = dataset.groups[result.rows] == "source 0"
    result.probabilities[wrong] = np.roll(result.probabilities[wrong], 1, axis=1)
    many = np.flatnonzero(~wrong | (np.cumsum(wrong) <= 2))  # two of its frames are kept
    few = board.Result(
        cell=result.cell, rows=result.rows[many], probabilities=result.probabilities[many],
        folds=[], served=result.served, fit_seconds=1.0, seconds=1.0,
    )  # fmt: skip

    assert figures(few, dataset, resamples=5)[MEASURED]["accuracy"]["value"] == pytest.approx(0.75)


def test_without_measured_frames_simulated_ones_rank():
    dataset = small_dataset()
    dataset = dataset.take(dataset.origins == "simulated")
    (row,) = ranked(
        [made_up(Cell(features="glcm.d1", classifier="et"), dataset)],
        dataset,
        featurization=QUICK,
        command="camsortxs leaderboard",
        resamples=5,
    )

    assert row.judged_on == SIMULATED
    assert np.isnan(value_of(row, MEASURED, "auc"))
    text = markdown.page([row], told(sources=0))
    assert "every detector weighing the same" in text
    assert "nan" not in text


def test_the_front_holds_what_nothing_beats(rows):
    cells = [str(row.result.cell) for row in front(rows)]

    assert cells == ["histogram.statistics:et", "glcm.d1:et"]


def test_the_page_says_what_it_rests_on(rows):
    text = markdown.page(rows, told(left_out=parse(["everything:rf"])))

    for part in (
        "4 cells", "balanced\naccuracy on measured frames", "Left out for want of time: everything:rf", "- 8 frames",
        "4 outer folds", "`0123abcd`", "2 cores",
        "4 sources: one more source", "trained once, on simulated", "`glcm.d1:et`",
        "- `shipped`: histogram.statistics, glcm.all", "$ camsortxs leaderboard --seed 0", "95 %",
    ):  # fmt: skip
        assert part in text
    assert text.count("| `glcm.d1:et` |") == 2, "once among the best, once among all"
    assert "nan" not in text
    assert "everything`:" not in text, "a union that no row uses is not explained"


def test_what_no_converter_takes_is_said(dataset):
    result = made_up(Cell(features="glcm.d1", classifier="et"), dataset)
    served = Served(microseconds=9.0, bytes=None, reason="no converter")
    result = board.Result(
        cell=result.cell, rows=result.rows, probabilities=result.probabilities, folds=result.folds,
        served=served, fit_seconds=1.0, seconds=1.0,
    )  # fmt: skip
    rows = ranked([result], dataset, featurization=QUICK, command="c", resamples=5)

    assert "`glcm.d1:et`: no converter" in markdown.page(rows, told())


def test_the_csv_holds_every_metric_and_the_command(rows, tmp_path):
    write_csv(rows, tmp_path / "board.csv")
    with (tmp_path / "board.csv").open(newline="") as file:
        table = list(csv.DictReader(file))

    assert [row["rank"] for row in table] == ["1", "2", "3", "4"]
    assert table[0]["command"].endswith("--only glcm.d1:et")
    assert float(table[0]["measured_mcc"]) == pytest.approx(value_of(rows[0], MEASURED, "mcc"), abs=1e-4)
    assert float(table[0]["simulated_auc_low"]) <= float(table[0]["simulated_auc"])
    assert table[0]["settings"] == '[{"depth": 4, "temperature": 1.1}]'


def test_plots_are_pictures_of_something(rows, dataset, tmp_path):
    paths = plots.draw(rows, dataset, tmp_path)

    assert {path.stem for path in paths} == {"accuracy-against-time", "cells", "confusion-by-source", "reliability"}
    for path in paths:
        with Image.open(path) as picture:
            assert min(picture.size) > 250
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 20


def test_a_dataset_is_described(dataset):
    lines = described(dataset)

    assert lines[0] == "48 measured frames of 4 groups (SAXS 12, WAXS 12, GISAXS 12, GIWAXS 12)"
    assert lines[1].startswith("48 augmented")
    assert lines[2].startswith("160 simulated frames of 10 groups")
