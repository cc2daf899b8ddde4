import pytest
from support.publisher import Published

from camsortxs.errors import SinkUnavailable
from camsortxs.frames import Batch, Rejected, RunEnd
from camsortxs.pipeline import Pipeline
from camsortxs.testing import ListSource, tiny_model
from camsortxs_agent.results import ResultsTopic


@pytest.fixture
def published():
    return Published()


def run_through(published, *batches, sink=None):
    sink = sink or ResultsTopic(published, topic="results")
    line = Pipeline(model=tiny_model(), sink=sink)
    line.run(ListSource(contents=batches))
    return sink


def test_a_derived_run_is_published_as_the_batches_come(published, make_frame):
    sink = run_through(published, Batch(frames=(make_frame(0), make_frame(1))))
    assert [name for name, _ in published.documents] == ["start", "descriptor", "event", "event"]
    run_through(published, Batch(frames=(make_frame(2, grazing=True),), ended=(RunEnd(run="run"),)), sink=sink)
    documents = published.documents
    assert [name for name, _ in documents[4:]] == ["event", "stop"]
    assert {(topic, key) for topic, key, _ in published.messages} == {("results", "run")}
    assert documents[0][1]["raw_uid"] == "run"
    events = [document for name, document in documents if name == "event"]
    assert [event["seq_num"] for event in events] == [1, 2, 3]
    assert [event["data"]["technique"] for event in events] == ["SAXS", "SAXS", "GISAXS"]
    assert documents[-1][1]["camsortxs"]["frames"] == 3


def test_after_a_restart_the_same_documents_have_the_same_identifiers(published, make_frame):
    batch = Batch(frames=(make_frame(0), make_frame(1)), ended=(RunEnd(run="run"),))
    run_through(published, batch)
    run_through(published, batch)
    uids = [document["uid"] for _, document in published.documents]
    assert uids[:5] == uids[5:]
    assert len(set(uids)) == 5


def test_what_was_not_delivered_is_sent_again_with_the_same_numbers(make_frame):
    published = Published(failures=1)
    sink = ResultsTopic(published, topic="results")
    batch = Batch(frames=(make_frame(0),), ended=(RunEnd(run="run"),))
    with pytest.raises(SinkUnavailable):
        run_through(published, batch, sink=sink)
    run_through(published, batch, sink=sink)
    assert [name for name, _ in published.documents] == ["start", "descriptor", "event", "stop"]


def test_a_run_without_a_frame_says_nothing_and_refusals_are_counted(published, make_frame):
    frame = make_frame(0)
    refused = Rejected(reason="missing_file", message="", key=frame.key)
    run_through(published, Batch(ended=(RunEnd(run="other"),)))
    assert published.messages == []
    run_through(published, Batch(frames=(frame,), rejected=(refused,), ended=(RunEnd(run="run"),)))
    assert published.documents[-1][1]["camsortxs"]["rejected"]


def test_a_refusal_that_is_told_again_counts_once(published, make_frame):
    frame = make_frame(0)
    refused = Rejected(reason="missing_file", message="m", key=make_frame(1).key)
    batch = Batch(frames=(frame,), rejected=(refused,), ended=(RunEnd(run="run"),))
    sink = ResultsTopic(published, topic="results")
    published.failures = 1
    with pytest.raises(SinkUnavailable):
        run_through(published, batch, sink=sink)
    run_through(published, batch, sink=sink)
    index = published.documents[-1][1]["camsortxs"]
    assert index["rejected"] == [{"reason": "missing_file", "count": 1}]


def test_a_run_that_moved_away_is_forgotten_and_begun_anew_when_it_comes_back(published, make_frame):
    sink = run_through(published, Batch(frames=(make_frame(0),)))
    sink.forget("run")
    sink.forget("never heard of")
    run_through(published, Batch(ended=(RunEnd(run="run"),)), sink=sink)
    assert [name for name, _ in published.documents] == ["start", "descriptor", "event"]
    run_through(published, Batch(frames=(make_frame(0),), ended=(RunEnd(run="run"),)), sink=sink)
    assert [name for name, _ in published.documents][3:] == ["start", "descriptor", "event", "stop"]
