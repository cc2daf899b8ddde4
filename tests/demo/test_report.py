from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")

TAG = {"decided": "SAXS", "technique": "SAXS", "probability": 0.9, "frames": 4, "rejected": [], "by": "live"}


@pytest.fixture
def make():
    """Make a report of one run: `make(found={...}, taken={...})` changes what is told of it."""
    from camsortxs_agent.demo.report import Report, Taken  # here, where the filter holds
    from camsortxs_agent.demo.results import Heard
    from camsortxs_agent.demo.verify import Found

    def make_report(*, found=None, taken=None, latencies=(0.1, 0.3)) -> Report:
        thumbnail = np.zeros((8, 8, 3), dtype=np.float32)
        run = Taken(run="r", name="sample", truth="SAXS", frames=4, live=True, thumbnail=thumbnail)
        there = Found(tag=TAG, taggings=1, records=1, complete=True)
        heard = Heard(latencies=list(latencies))
        for index in range(4):
            heard.frames["primary", "pilatus", index].add(str(index))
        return Report(
            taken=[replace(run, **(taken or {}))],
            found={"r": replace(there, **(found or {}))},
            heard={"r": heard},
            seconds=2.0,
        )

    return make_report


def test_a_run_that_is_as_it_must_be(make):
    report = make()
    assert report.problems() == []
    assert report.line(tiled="http://t", contact_sheet=Path("s.png")) == {
        "runs": 1,
        "tagged": 1,
        "correct": 1,
        "duplicates": 0,
        "frames": 4,
        "frames_per_second": 2.0,
        "latency_ms_p50": 200.0,
        "latency_ms_p99": 298.0,
        "tiled": "http://t",
        "contact_sheet": "s.png",
        "held_back": 0,
        "labelled": 1,
        "rejected": 0,
    }


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({"tag": None}, "has no tag"),
        ({"taggings": 2}, "twice"),
        ({"records": 2}, "twice"),
        ({"tag": TAG | {"by": "back-fill"}}, "was missed by the agent"),
        ({"complete": False}, "lost its stop document"),
        ({"tag": TAG | {"frames": 3}}, "has 4 frames, its tag accounts for 3"),
    ],
)
def test_what_is_wrong_is_said(make, found, problem):
    (line,) = make(found=found).problems()
    assert problem in line


def test_refused_frames_are_accounted_for(make):
    report = make(found={"tag": TAG | {"frames": 3, "rejected": [{"reason": "missing_file", "count": 1}]}})
    assert report.problems() == []
    assert report.line(tiled="", contact_sheet=Path())["rejected"] == 1


def test_a_frame_counted_twice_is_a_duplicate(make):
    report = make()
    report.heard["r"].frames["primary", "pilatus", 0].add("another")
    assert report.line(tiled="", contact_sheet=Path())["duplicates"] == 1
    assert "twice" in report.problems()[0]


@pytest.mark.parametrize(
    ("decided", "truth", "correct"),
    [("SAXS", "SAXS", True), ("unknown", "SAXS", False), ("no_signal", "no_signal", True), ("SAXS", None, None)],
)
def test_what_counts_as_correct(make, decided, truth, correct):
    report = make(found={"tag": TAG | {"decided": decided}}, taken={"truth": truth})
    assert report.correct(report.taken[0]) is correct


@pytest.mark.parametrize(
    ("decided", "held_back"),
    [
        ("unknown", True),
        ("wide angle", True),
        ("grazing incidence", True),
        ("small angle", False),
        ("transmission", False),
        ("WAXS", False),
        ("GIWAXS", False),
        ("no_signal", False),
    ],
)
def test_a_parent_of_the_truth_is_held_back_another_is_wrong(make, decided, held_back):
    report = make(found={"tag": TAG | {"decided": decided}}, taken={"truth": "GIWAXS"})
    assert report.held_back(report.taken[0]) is held_back


def test_nothing_heard_is_no_division_by_zero(make):
    assert make(latencies=()).line(tiled="", contact_sheet=Path())["latency_ms_p50"] is None


def test_the_sheet_is_drawn(make, tmp_path):
    make().draw(tmp_path / "sheet.png")
    make(found={"tag": None}, taken={"truth": None}).draw(tmp_path / "untagged.png")
    unsure = {name: value for name, value in TAG.items() if name not in ("technique", "probability")}
    make(found={"tag": unsure | {"decided": "unknown"}}).draw(tmp_path / "unsure.png")
    assert (tmp_path / "sheet.png").stat().st_size > 1000
