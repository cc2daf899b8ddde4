import time
from uuid import uuid4

import pytest

from camsortxs_agent.demo.results import Results, listen
from camsortxs_agent.demo.wire import Publisher, create_topics


def _event(uid: str, index: int, *, latency: float = 0.5) -> dict:
    row = {
        "raw_stream": "primary",
        "raw_data_key": "pilatus",
        "raw_index": index,
        "decided": "SAXS",
        "latency": latency,
    }
    return {"uid": uid, "descriptor": "d", "time": time.time(), "data": row}


def _feed(results, *documents):
    for name, document in documents:
        results(name, document)


START = ("start", {"uid": "run-model-1", "raw_uid": "run"})
DESCRIPTOR = ("descriptor", {"uid": "d", "run_start": "run-model-1"})
STOP = ("stop", {"uid": "s", "run_start": "run-model-1", "camsortxs": {"decided": "SAXS"}})


def test_a_run_is_collected_frame_by_frame():
    results = Results()
    _feed(results, START, DESCRIPTOR, ("event", _event("a", 0)), ("event", _event("b", 1)), STOP)
    heard = results.runs["run"]
    assert set(heard.frames) == {("primary", "pilatus", 0), ("primary", "pilatus", 1)}
    assert heard.index == {"decided": "SAXS"}
    assert heard.latencies == pytest.approx([0.5, 0.5], abs=0.4)
    assert not heard.repeated


def test_the_same_document_again_is_no_repetition_but_another_uid_is():
    results = Results()
    _feed(results, START, DESCRIPTOR, ("event", _event("a", 0)), ("event", _event("a", 0)))
    assert not results.runs["run"].repeated
    assert len(results.runs["run"].latencies) == 1
    _feed(results, ("event", _event("b", 0)))
    assert results.runs["run"].repeated


def test_results_come_over_the_wire(broker):
    topic = f"{uuid4()}.bluesky.camsortxs.documents"
    create_topics(broker, [topic])
    publisher = Publisher(topic, broker, key="k")
    with listen(broker, topic) as results:
        for name, document in (START, DESCRIPTOR, ("event", _event("a", 0)), STOP):
            publisher(name, document)
        publisher.flush()
        deadline = time.monotonic() + 30
        while "run" not in results.runs or results.runs["run"].index is None:
            assert time.monotonic() < deadline, "no results came"
            time.sleep(0.05)
    assert len(results.runs["run"].frames) == 1


def test_a_document_that_breaks_the_form_is_told_at_the_end(broker):
    topic = f"{uuid4()}.bluesky.camsortxs.documents"
    create_topics(broker, [topic])
    publisher = Publisher(topic, broker, key="k")
    publisher("stop", {"run_start": "nobody"})
    publisher(*START)
    publisher.flush()

    def run() -> None:
        with listen(broker, topic) as results:
            deadline = time.monotonic() + 30
            while "run" not in results.runs:
                assert time.monotonic() < deadline, "no results came"
                time.sleep(0.05)

    with pytest.raises(KeyError, match="nobody"):
        run()
