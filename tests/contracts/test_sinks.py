"""What every sink keeps to: the fake in memory, the results topic, and the real Tiled over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from support.publisher import Published

from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import TiledSink
from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.records import Outcome, Prediction, Record, Sink
from camsortxs.techniques import Technique
from camsortxs.testing import MemorySink
from camsortxs_agent.results import ResultsTopic
from camsortxs_agent.wire import decode

MODEL = "tiny@0.0.0"


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A sink, how to begin a run in the world that it writes to, and how to see which frames it holds of a run."""

    sink: Sink
    begin: Callable[[], str]
    frames_of: Callable[[str], list[int]]


@pytest.fixture(params=["memory", "retrying", "results topic", "tiled"])
def kit(request) -> Iterator[Kit]:
    if request.param == "tiled":
        yield from _tiled(request.getfixturevalue("catalogue"), request.getfixturevalue("begin_raw_run"))
    elif request.param == "results topic":
        yield from _topic()
    else:
        yield from _memory(retrying=request.param == "retrying")


def _memory(*, retrying: bool) -> Iterator[Kit]:
    memory = MemorySink()
    yield Kit(
        sink=RetryingSink(memory) if retrying else memory,
        begin=lambda: str(uuid4()),
        frames_of=lambda run: sorted(key.index for key in memory.records if key.run == run),
    )


def _topic() -> Iterator[Kit]:
    published = Published()

    def frames_of(run: str) -> list[int]:
        """Delivery is at least once: what has been seen is known by its uid."""
        documents = [decode(value) for _, key, value in published.messages if key == run]
        return sorted({doc["uid"]: doc["data"]["raw_index"] for name, doc in documents if name == "event"}.values())

    yield Kit(sink=ResultsTopic(published, topic="results"), begin=lambda: str(uuid4()), frames_of=frames_of)


def _tiled(catalogue, begin_raw_run) -> Iterator[Kit]:
    def frames_of(run: str) -> list[int]:
        key = f"{run}-{MODEL.replace('@', '-')}"
        if key not in catalogue.results:
            return []
        return sorted(int(i) for i in catalogue.results[key]["primary"]["raw_index"].read())

    yield Kit(sink=TiledSink(catalogue, by="agent"), begin=begin_raw_run, frames_of=frames_of)


def outcome(run: str, *indices: int, ended: bool = False) -> Outcome:
    records = tuple(
        Record(
            prediction=Prediction(
                key=FrameKey(run=run, stream="primary", data_key="pilatus", index=index),
                technique=Technique.SAXS,
                decided=Technique.SAXS,
                probabilities=(0.9, 0.05, 0.03, 0.02),
            ),
            model=MODEL,
            threshold=0.6,
            feature_digest="tiny",
            seconds=0.01,
        )
        for index in indices
    )
    return Outcome(model=MODEL, records=records, ended=(RunEnd(run=run),) if ended else ())


def test_the_frames_of_a_run_arrive_in_several_writes(kit):
    run = kit.begin()

    kit.sink.write(outcome(run, 0, 1))
    kit.sink.write(outcome(run, 2))
    kit.sink.write(outcome(run, ended=True))

    assert kit.frames_of(run) == [0, 1, 2]


def test_writing_the_same_outcome_again_changes_nothing(kit):
    run = kit.begin()
    once = outcome(run, 0, 1, ended=True)

    kit.sink.write(once)
    kit.sink.write(once)

    assert kit.frames_of(run) == [0, 1]


def test_runs_do_not_mix(kit):
    one, other = kit.begin(), kit.begin()

    kit.sink.write(outcome(one, 0))
    kit.sink.write(outcome(other, 5, 6, ended=True))
    kit.sink.write(outcome(one, ended=True))

    assert (kit.frames_of(one), kit.frames_of(other)) == ([0], [5, 6])


def test_refusals_and_an_empty_run_are_taken(kit):
    run = kit.begin()
    key = FrameKey(run=run, stream="primary", data_key="pilatus", index=0)
    refusals = (Rejected(reason="missing_file", message="m", key=key), Rejected(reason="undecodable", message="n"))

    kit.sink.write(replace(outcome(run, ended=True), rejected=refusals))

    assert kit.frames_of(run) == []
