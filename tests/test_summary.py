import pytest

from camsortxs import derived
from camsortxs.flags import Flag
from camsortxs.frames import FrameKey, Rejected
from camsortxs.records import Outcome, Prediction, Record
from camsortxs.summary import gather, summarise
from camsortxs.techniques import Parent, Technique

SAXS = (0.9, 0.05, 0.03, 0.02)
GIWAXS = (0.02, 0.03, 0.05, 0.9)


def record(index, probabilities, *, data_key="pilatus", decided=Technique.SAXS, flags=()) -> Record:
    key = FrameKey(run="r", stream="primary", data_key=data_key, index=index)
    return Record(
        prediction=Prediction(key=key, technique=None, decided=decided, probabilities=probabilities, flags=flags),
        model="m@1",
        threshold=0.6,
        feature_digest="d",
        seconds=0.01,
    )


def test_frames_of_one_detector_are_pooled():
    summary = summarise([record(i, SAXS) for i in range(10)])

    assert summary.decided is Technique.SAXS
    assert summary.probability == pytest.approx(0.9)  # agreement does not inflate the confidence
    assert summary.frames == 10


def test_a_scan_that_changes_geometry_shows_as_disagreement():
    (detector,) = summarise([record(0, SAXS), record(1, SAXS), record(2, SAXS), record(3, GIWAXS)]).detectors

    assert detector.disagreement == 0.25


def test_two_detectors_that_differ_leave_the_run_unknown_but_both_techniques_listed():
    summary = summarise([record(0, SAXS, data_key="saxs"), record(0, GIWAXS, data_key="waxs")])

    assert summary.decided is Parent.UNKNOWN
    assert summary.techniques == (Technique.SAXS, Technique.GIWAXS)
    names = [entry["name"] for entry in derived.index_metadata(summary, [], model="m@1", by="agent")["techniques"]]
    assert names == ["SAXS", "GIWAXS"]


def test_a_detector_without_signal_does_not_outvote_one_with():
    summary = summarise([record(0, None, data_key="dark", decided=Parent.NO_SIGNAL), record(0, SAXS)])

    assert summary.decided is Technique.SAXS


def test_flags_are_counted_by_detector_and_written_as_a_list():
    dark = [record(i, None, decided=Parent.NO_SIGNAL, flags=(Flag.DARK,)) for i in range(2)]
    summary = summarise([*dark, record(2, SAXS, flags=(Flag.MID, Flag.METADATA_CONFLICT)), record(3, SAXS)])
    (written,) = derived.index_metadata(summary, [], model="m@1", by="live")["detectors"]

    assert written["flags"] == [
        {"flag": "dark", "count": 2},
        {"flag": "metadata_conflict", "count": 1},
        {"flag": "mid", "count": 1},
    ]


def test_a_run_of_refusals_is_unknown_with_reasons():
    summary = summarise(
        [], [Rejected(reason="missing_file", message="m"), Rejected(reason="missing_file", message="n")]
    )

    assert summary.decided is Parent.UNKNOWN
    assert summary.rejected == {"missing_file": 2}
    assert summary.probability is None


def test_an_open_run_keeps_no_bytes_of_what_was_refused():
    key = FrameKey(run="r", stream="primary", data_key="pilatus", index=0)
    refused = Rejected(reason="not_2d", message="flat", key=key, payload=b"a whole frame")
    runs = {}

    gather(runs, Outcome(model="m@1", rejected=(refused,)))

    assert [(item.reason, item.payload) for item in runs["r"].rejected.values()] == [("not_2d", None)]


def test_equal_conclusions_differ_only_in_who_and_when():
    summary = summarise([record(0, SAXS)])
    one = derived.index_metadata(summary, [], model="m@1", by="agent")
    other = {**one, "by": "back-fill", "written": "2001-01-01", "human": {"technique": "WAXS"}}

    assert derived.same_conclusion(one, other)
    assert not derived.same_conclusion(one, {**other, "technique": "WAXS"})
