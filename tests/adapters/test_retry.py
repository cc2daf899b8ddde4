import pytest
import stamina

from camsortxs.adapters.retry import RetryingSink, by_run
from camsortxs.errors import SinkRejected, SinkUnavailable
from camsortxs.frames import Rejected, RunEnd
from camsortxs.records import Outcome
from camsortxs.testing import MemorySink


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=20):
        yield


def ending(*runs: str) -> Outcome:
    return Outcome(model="m@1", ended=tuple(RunEnd(run=run) for run in runs))


def test_it_keeps_trying_until_the_sink_is_back_and_says_so_each_time():
    sink = MemorySink(failures=[SinkUnavailable("gone") for _ in range(3)])
    waits = []

    RetryingSink(sink, waiting=waits.append).write(ending("a"))

    assert set(sink.ended) == {"a"}
    assert len(waits) == 3


def test_what_is_refused_is_reported_and_holds_back_no_other_run():
    sink = MemorySink(failures=[SinkRejected("tiled_422", "no")])
    refused = []

    RetryingSink(sink, rejected=lambda outcome, error: refused.append((outcome.ended[0].run, error.reason))).write(
        ending("a", "b")
    )

    assert refused == [("a", "tiled_422")]
    assert set(sink.ended) == {"b"}


@pytest.mark.parametrize("failure", [SinkRejected("tiled_422", "no"), SinkUnavailable("not complete", patience=0.0)])
def test_a_run_that_is_given_up_is_forgotten(failure):
    forgotten = []

    RetryingSink(MemorySink(failures=[failure]), forget=forgotten.append).write(ending("a", "b"))

    assert forgotten == ["a"]


def test_a_refusal_that_cannot_be_kept_now_is_kept_later():
    sink = MemorySink(failures=[SinkRejected("tiled_422", "no")])
    answers, kept, waits = [SinkUnavailable("the disk is full"), None], [], []

    def keep(outcome, error):
        if (answer := answers.pop(0)) is not None:
            raise answer
        kept.append(outcome.ended[0].run)

    RetryingSink(sink, rejected=keep, waiting=waits.append).write(ending("a", "b"))

    assert (kept, [str(wait) for wait in waits]) == (["a"], ["the disk is full"])
    assert set(sink.ended) == {"b"}


def test_patience_ends():
    sink = MemorySink(failures=[SinkUnavailable("not complete", patience=0.0) for _ in range(9)])
    refused = []

    RetryingSink(sink, rejected=lambda outcome, error: refused.append(error.reason)).write(ending("a"))

    assert refused == ["out_of_patience"]


def test_stopping_ends_the_wait_with_nothing_acknowledged():
    sink = MemorySink(failures=[SinkUnavailable("gone")])

    with pytest.raises(SinkUnavailable):
        RetryingSink(sink, stopping=lambda: True).write(ending("a"))


def test_refusals_of_no_run_are_handed_on_too():
    outcome = Outcome(model="m@1", rejected=(Rejected(reason="undecodable", message="m"),), ended=(RunEnd(run="a"),))

    assert [(len(part.rejected), len(part.ended)) for part in by_run(outcome)] == [(0, 1), (1, 0)]
