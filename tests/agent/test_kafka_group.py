"""Several agents of one group over the wire: they come and go, and every run is written whole."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from support.bluesky_runs import BlueskyRun
from support.running import stopped

from camsortxs.frames import Batch
from camsortxs_agent.kafka import KafkaPublisher
from camsortxs_agent.wire import encode

FRAMES = 3


@dataclass
class Shared:
    """An idempotent sink: a record is written once, and equal ones are taken for the same."""

    records: dict[str, frozenset[int]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def write(self, run: str, frames: frozenset[int]) -> None:
        with self.changed:
            known = self.records.setdefault(run, frames)
            self.changed.notify_all()
        assert known == frames, f"{run} was written with {sorted(known)}, then with {sorted(frames)}"

    def wait(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.records) >= number, 60), f"only {sorted(self.records)}"


class Member:
    """An agent without a model: it keeps frames until their run ends, as the sinks do."""

    def __init__(self, make_source, shared: Shared) -> None:
        self.open: dict[str, set[int]] = defaultdict(set)
        self.moved: list[str] = []
        self.rejected = []
        self.ready = threading.Event()
        self.source = make_source(
            batch_frames=2, queue_batches=2, moved=self.forget, ready=lambda ready: ready and self.ready.set()
        )
        self.shared = shared

    def forget(self, run: str) -> None:
        self.moved.append(run)
        self.open.pop(run, None)

    def work(self) -> None:
        for batch in map(Batch.read, self.source.batches()):
            self.rejected += batch.rejected
            for frame in batch.frames:
                self.open[frame.key.run].add(frame.key.index)
            for end in batch.ended:
                self.shared.write(end.run, frozenset(self.open.pop(end.run, ())))
            batch.acknowledge()


@pytest.fixture
def send(broker, topic):
    publisher = KafkaPublisher(config={"bootstrap.servers": broker})
    whole: dict[str, list] = {}

    def send(*runs: str, part: slice = slice(None)) -> None:
        """Publish documents of several runs, one of each in turn, each run in the partition of its name."""
        for run in runs:
            whole.setdefault(run, list(BlueskyRun(run, frames=FRAMES).inline()))
        documents = [whole[run][part] for run in runs]
        for turn in zip(*documents, strict=True):
            publisher.publish(topic, [(run, encode(*document)) for run, document in zip(runs, turn, strict=True)])

    return send


def test_three_agents_come_and_go_and_every_run_is_written_whole(send, make_source):
    shared = Shared()
    one, two, three = members = [Member(make_source, shared) for _ in range(3)]
    early, open_, late = ([f"{stem}-{n}" for n in range(8)] for stem in ("early", "open", "late"))
    send(*early)
    send(*open_, part=slice(4))
    with ThreadPoolExecutor() as pool, stopped(*(member.source for member in members)):
        working = [pool.submit(one.work)]
        shared.wait(8)
        working += [pool.submit(two.work), pool.submit(three.work)]
        assert two.ready.wait(30)
        assert three.ready.wait(30)
        two.source.stop()
        send(*late)
        send(*open_, part=slice(4, None))
        shared.wait(24)
        for member in members:
            member.source.stop()
        for work in working:
            work.result()
    assert shared.records == {run: frozenset(range(FRAMES)) for run in (*early, *open_, *late)}
    assert not [item for member in members for item in member.rejected]
    assert one.moved, "no open run ever moved: this shows nothing"


def test_partitions_that_were_paused_when_they_left_are_read_when_they_come_back(send, make_source):
    runs = [f"run-{n}" for n in range(12)]
    send(*runs)
    source, joined = make_source(batch_frames=2, queue_batches=2), threading.Event()
    visitor = make_source(ready=lambda ready: ready and joined.set())
    batches = map(Batch.read, source.batches())
    next(batch for batch in batches if batch.frames)  # in hand, and the queue fills: everything is paused
    ended, gone = set(), threading.Timer(2, visitor.stop)
    alarm = threading.Timer(40, source.stop)
    with ThreadPoolExecutor() as pool, stopped(source, visitor):
        visit = pool.submit(list, visitor.batches())  # it acknowledges nothing
        assert joined.wait(30)
        for timer in (gone, alarm):
            timer.start()
        for batch in batches:
            ended |= {end.run for end in batch.ended}
            batch.acknowledge()
            if ended == set(runs):
                source.stop()
        visit.result()
    alarm.cancel()
    assert ended == set(runs)
