"""The source against a broker over the wire."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer
from event_model import pack_event_page
from support.bluesky_runs import BlueskyRun
from support.running import stopped

from camsortxs.adapters.pixels import FilePixels
from camsortxs.frames import Batch, Rejected, RunEnd
from camsortxs_agent.behind import Behind
from camsortxs_agent.kafka import reader
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import encode


def ended(*runs):
    return lambda batches: {end.run for batch in batches for end in batch.ended} >= set(runs)


def frames(number):
    return lambda batches: sum(len(batch.frames) for batch in batches) >= number


def keys(batches):
    return [str(frame.key) for batch in batches for frame in batch.frames]


def in_one_page(documents):
    *before, stop = documents
    page = pack_event_page(*(document for name, document in before if name == "event"))
    return [*(each for each in before if each[0] != "event"), ("event_page", page), stop]


def test_a_run_comes_as_batches_of_frames_and_its_end(publish, make_source, take):
    publish(*BlueskyRun("a", frames=7).inline())
    batches = take(make_source(batch_frames=3), ended("a"))
    assert keys(batches) == [f"a/primary/pil_image[{i}]" for i in range(7)]
    assert max(len(batch.frames) for batch in batches) <= 3
    assert [end for batch in batches for end in batch.ended] == [RunEnd(run="a")]


def test_a_restart_reads_exactly_the_unfinished_run_again(publish, make_source, take):
    publish(*BlueskyRun("done").inline())
    unfinished = list(BlueskyRun("unfinished", frames=4).inline())
    publish(*unfinished[:4])
    first = take(make_source(), frames(5))
    assert {frame.key.run for batch in first for frame in batch.frames} == {"done", "unfinished"}
    publish(*unfinished[4:])
    second = take(make_source(), ended("unfinished"))
    assert keys(second) == [f"unfinished/primary/pil_image[{i}]" for i in range(4)]
    assert not [item for batch in second for item in batch.rejected]


def test_what_was_not_acknowledged_comes_again(publish, make_source, take):
    publish(*BlueskyRun("a").inline())
    take(make_source(), ended("a"), acknowledge=False)
    assert len(keys(take(make_source(), ended("a")))) == 3
    publish(*BlueskyRun("b").inline())
    assert {key[0] for key in keys(take(make_source(), ended("b")))} == {"b"}


def test_what_is_written_behind_is_finished_and_committed_before_it_leaves(publish, make_source, take):
    publish(*BlueskyRun("a").inline())
    behind = Behind(limit=32)
    with behind.running():
        behind.give(lambda: time.sleep(1.0))  # a catalogue that takes its time
        take(make_source(behind=behind), ended("a"))
    publish(*BlueskyRun("b").inline())
    assert {key[0] for key in keys(take(make_source(), ended("b")))} == {"b"}


def test_what_fails_behind_ends_the_source_and_is_raised_there(publish, make_source, take):
    def fail() -> None:
        raise OSError("no more")

    behind = Behind(limit=32, failed=lambda: source.stop())
    source = make_source(behind=behind)
    publish(*BlueskyRun("a").inline())

    def line() -> None:
        for batch in source.batches():
            behind.give(fail)
            batch.acknowledge()

    with behind.running(), pytest.raises(OSError, match="no more"):
        line()
    assert len(keys(take(make_source(), ended("a")))) == 3


def test_runs_that_overlap_leave_no_orphans_after_a_restart(publish, make_source, take, mock_broker):
    address = {"bootstrap.servers": mock_broker, "session.timeout.ms": 6000}  # it lets the first member wait for 3 s
    long, short = list(BlueskyRun("long").inline()), list(BlueskyRun("short").inline())
    publish(*short[:2], *long[:3], *short[2:], to=mock_broker)  # `short` ends after `long` began
    take(make_source(config=address), ended("short"))
    lost = list(BlueskyRun("lost").inline())[1:2]
    publish(*lost, *long[3:], to=mock_broker)
    batches = take(make_source(config=address), ended("long"))
    assert {frame.key.run for batch in batches for frame in batch.frames} == {"long"}
    assert [item.reason for batch in batches for item in batch.rejected] == ["orphan"]  # the descriptor of `lost`


def test_a_bad_message_says_where_it_was_and_costs_nothing_else(publish, make_source, take, topic):
    documents = list(BlueskyRun("a").inline())
    publish(*documents[:3], b"rubbish", ("fax", {"run_start": "a"}), *documents[3:])
    batches = take(make_source(), ended("a"))
    assert len(keys(batches)) == 3
    first, second = [item for batch in batches for item in batch.rejected]
    assert (first.reason, first.payload, first.origin["topic"]) == ("undecodable", b"rubbish", topic)
    assert second.reason == "unknown_document"
    assert second.origin["offset"] == first.origin["offset"] + 1
    publish(*BlueskyRun("b").inline())
    assert not [item for batch in take(make_source(), ended("b")) for item in batch.rejected]


def test_a_page_of_bad_events_is_kept_once(publish, make_source, take, tmp_path):
    publish(*in_one_page(BlueskyRun("a", frames=6).resource(tmp_path)))
    source = make_source(runs=Runs(pixels=FilePixels(roots=[]), count=lambda announced: 1))
    rejected = [item for batch in take(source, ended("a")) for item in batch.rejected]
    assert len(rejected) == 6
    assert [item.payload is not None for item in rejected].count(True) == 1
    assert {item.origin["offset"] for item in rejected} == {rejected[0].origin["offset"]}


def test_events_that_each_hold_their_reader_cost_no_place_in_the_group(
    publish, make_source, take, tmp_path, monkeypatch
):
    monkeypatch.setattr(reader, "_SILENCE_SECONDS", 0.5)
    asked = []

    def hang(announced):  # as a file does that its reader never finishes, but sooner
        asked.append(announced.event)
        time.sleep(1.5)
        return Rejected(reason="worker_hung", message="", key=announced.key(1))

    publish(*in_one_page(BlueskyRun("a", frames=4).resource(tmp_path)))
    runs = Runs(pixels=FilePixels(roots=[]), count=hang)
    source = make_source(runs=runs, config={"max.poll.interval.ms": 4000, "session.timeout.ms": 3000})
    rejected = [item for batch in take(source, ended("a")) for item in batch.rejected]
    assert [item.reason for item in rejected] == ["worker_hung"] * 4
    assert asked == list(range(4))


def test_while_a_sink_hangs_others_join_the_group_and_nothing_is_lost(publish, make_source, take):
    publish(*BlueskyRun("a", frames=40).inline())
    joined = threading.Event()
    hanging = make_source(batch_frames=2, queue_batches=2)
    other = make_source(ready=lambda ready: ready and joined.set())
    seen = []
    with ThreadPoolExecutor() as pool, stopped(hanging, other):
        batches = hanging.batches()
        seen += next(batch for batch in batches if batch.frames).frames  # and there it hangs, with nothing acknowledged
        taking = pool.submit(take, other, lambda batches: joined.is_set())
        assert joined.wait(30), "nobody else can join while a batch is in hand"
        assert hanging.queued <= 3
        hanging.stop()
        batches.close()
        seen += [frame for batch in taking.result() for frame in batch.frames]
    seen += [frame for batch in take(make_source(), ended("a")) for frame in batch.frames]
    assert {frame.key.index for frame in seen} == set(range(40))


def test_no_more_is_read_ahead_than_the_queue_holds(publish, make_source, topic):
    names = []
    publish(*BlueskyRun("a", frames=60).inline())
    source = make_source(batch_frames=2, queue_batches=3, received=names.append)
    seen = []
    for number, batch in enumerate(map(Batch.read, source.batches())):
        if number == 2:
            deadline = time.monotonic() + 2.5  # longer than the patience after which partitions are paused
            while time.monotonic() < deadline:
                assert source.queued <= 3
        assert len(names) <= len(seen) + 2 + 2 * 5 + 1
        seen += batch.frames
        batch.acknowledge()
        if batch.ended:
            source.stop()
    assert [frame.key.index for frame in seen] == list(range(60))


def test_a_thread_that_dies_ends_the_source(publish, make_source):
    def broken(name):
        raise RuntimeError("unforeseen")

    publish(*BlueskyRun("a").inline())
    with pytest.raises(RuntimeError, match="unforeseen"):
        list(make_source(received=broken).batches())


def test_two_agents_of_a_group_share_the_work_and_hand_over(publish, make_source, topic):
    publish(*BlueskyRun("a").inline())
    one, two = make_source(), make_source()
    first = one.batches()
    while not next(first).frames:
        pass  # not acknowledged: the run is open with `one`
    one.stop()
    list(first)
    again = [frame.key.index for batch in _until_end(two) for frame in batch.frames]
    assert again == [0, 1, 2]


def _until_end(source):
    for batch in map(Batch.read, source.batches()):
        yield batch
        batch.acknowledge()
        if batch.ended:
            source.stop()


def test_documents_and_lag_are_told(publish, make_source, take):
    names, lags = [], []
    publish(*BlueskyRun("a").inline())
    take(make_source(received=names.append, lag=lambda topic, partition, lag: lags.append(lag)), ended("a"))
    assert names == ["start", "descriptor", "event", "event", "event", "stop"]
    assert lags[-1] == 0


def test_lag_is_told_while_nothing_is_acknowledged(publish, make_source):
    lags = []
    publish(*BlueskyRun("a").inline())
    source = make_source(lag=lambda topic, partition, lag: lags.append(lag))
    for batch in map(Batch.read, source.batches()):
        if batch.ended:
            deadline = time.monotonic() + 30.0
            while 6 not in lags and time.monotonic() < deadline:
                time.sleep(0.05)
            source.stop()
    assert 6 in lags


def at(seconds):
    """Messages sent then (s since 1970)."""
    return int(seconds * 1000)


def test_a_run_that_never_stops_ends_as_incomplete_and_lets_the_watermark_go(broker, topic, make_source, take):
    now = time.time()
    producer = Producer({"bootstrap.servers": broker})
    left, other = list(BlueskyRun("left").inline())[:-1], list(BlueskyRun("other").inline())
    for since, documents in ((now - 7200, left), (now - 60, other)):
        for document in documents:
            producer.produce(topic, key="k", value=encode(*document), timestamp=at(since))
    producer.flush()
    batches = take(make_source(run_age=3600.0), ended("left", "other"))
    ends = [end for batch in batches for end in batch.ended]
    assert ends == [RunEnd(run="left", exit_status="incomplete"), RunEnd(run="other")]
    assert len(keys(batches)) == 6
    producer.produce(topic, key="k", value=encode(*next(iter(BlueskyRun("next").inline()))))
    producer.produce(topic, key="k", value=b"rubbish")
    producer.flush()
    assert keys(take(make_source(run_age=3600.0), lambda batches: any(batch.rejected for batch in batches))) == []


def test_a_run_in_an_idle_partition_is_given_up_only_when_all_is_read(broker, topic, make_source, take):
    long_ago = time.time() - 7200
    producer = Producer({"bootstrap.servers": broker})
    whole, left = list(BlueskyRun("whole").inline()), list(BlueskyRun("left").inline())[:-1]
    for document in [*whole, *left]:
        producer.produce(topic, key="k", value=encode(*document), timestamp=at(long_ago))
    producer.flush()
    batches = take(make_source(run_age=3600.0), ended("left"))
    ends = [end for batch in batches for end in batch.ended]
    assert ends == [RunEnd(run="whole"), RunEnd(run="left", exit_status="incomplete")]
