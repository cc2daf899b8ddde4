import os
import signal
import time
from dataclasses import replace
from itertools import islice

import pytest

from camsortxs.errors import ModelError, SinkUnavailable, SourceError
from camsortxs.frames import Batch
from camsortxs.pipeline import Pipeline
from camsortxs.testing import MemorySink, tiny_model
from camsortxs_agent.service import Agent, Exit, Stop, run


class Endless:
    """A source that yields `batch` until it is stopped; the process is sent `number` while the first is in hand."""

    def __init__(self, batch=None, number=None):
        self.batch = batch or Batch()
        self.number = number
        self.acknowledged = 0
        self.stopping = False

    def batches(self):
        while not self.stopping:
            if self.number is not None:
                os.kill(os.getpid(), self.number)
                time.sleep(0.01)  # let the handler run
            yield Batch(frames=self.batch.frames, acknowledge=self.acknowledge)

    def acknowledge(self):
        self.acknowledged += 1

    def stop(self):
        self.stopping = True


def agent(source, sink=None):
    line = Pipeline(model=tiny_model(), sink=sink or MemorySink())
    return lambda stop: Agent(pipeline=line, source=source)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_batch_in_hand_be_finished(number, make_frame):
    source, sink = Endless(Batch(frames=(make_frame(),)), number), MemorySink()
    before = signal.getsignal(number)
    assert run(agent(source, sink)) is Exit.DONE
    assert source.acknowledged == 1
    assert len(sink.records) == 1
    assert signal.getsignal(number) is before


def test_a_hangup_asks_for_another_look_at_the_model_and_ends_nothing(make_frame):
    asked = []

    class Hung(Endless):
        def batches(self):
            yield from islice(super().batches(), 2)

    source = Hung(Batch(frames=(make_frame(),)), signal.SIGHUP)

    def build(stop):
        os.kill(os.getpid(), signal.SIGHUP)  # while the model is still loaded: nobody to ask yet
        time.sleep(0.01)
        return replace(agent(source)(stop), reload=lambda: asked.append(len(asked)))

    assert run(build) is Exit.DONE
    assert asked == [0, 1]
    assert source.acknowledged == 2


def failing(error):
    def build(stop: Stop) -> Agent:
        raise error

    return build


@pytest.mark.parametrize(
    ("error", "code"),
    [(ModelError("changed"), 2), (SourceError("authentication"), 1), (RuntimeError("unforeseen"), 1)],
)
def test_exit_codes(error, code):
    assert run(failing(error)) == code


def test_told_to_stop_while_a_sink_is_away_nothing_is_acknowledged(make_frame):
    source = Endless(Batch(frames=(make_frame(),)), signal.SIGTERM)
    assert run(agent(source, MemorySink(failures=[SinkUnavailable("gone")]))) is Exit.DONE
    assert source.acknowledged == 0


def test_a_sink_that_is_away_without_a_signal_is_a_failure(make_frame):
    source = Endless(Batch(frames=(make_frame(),)))
    assert run(agent(source, MemorySink(failures=[SinkUnavailable("gone")]))) is Exit.FAILED
