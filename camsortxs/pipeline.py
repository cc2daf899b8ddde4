"""The one straight line: frames, features, probabilities, records, written, acknowledged.

Live, back-fill and the command line are this line with another source and another sink.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol

from camsortxs.challenge import Challenger
from camsortxs.clock import Clock
from camsortxs.conclude import conclude
from camsortxs.frames import Batch, Source
from camsortxs.look import Looks
from camsortxs.model import Model
from camsortxs.records import Outcome, Sink
from camsortxs.threads import workers as threads


class Observer(Protocol):
    """Somebody who wants to know: Prometheus, a progress bar."""

    def observe(self, outcome: Outcome) -> None:
        """Be told what became of a batch, after it was written and acknowledged."""
        ...


class Pipeline:
    """Names the technique of every frame of a source and hands the records to a sink.

    `workers` threads look at the frames of a batch, each at `model.group` of them at once: while one waits for a file
    or unpacks it, another computes, and no more than workers x group unread frames are in memory.
    """

    def __init__(self, *, model: Model, sink: Sink, observers: Sequence[Observer] = (), workers: int = 1) -> None:
        self._model = model
        self._challenger: Challenger | None = None
        self._sink = sink
        self._observers = tuple(observers)
        self._workers = threads(workers, name="look")

    def serve(self, model: Model) -> None:
        """Use this model from the next batch on; callable from any thread."""
        self._model = model

    def challenge(self, challenger: Challenger | None) -> None:
        """Have this one, or none, look on from the next batch on; callable from any thread."""
        self._challenger = challenger

    def run(self, source: Source) -> None:
        """Take every batch of `source` down the line."""
        for batch in source.batches():
            self.process(batch)

    def process(self, batch: Batch) -> Outcome:
        """Take one batch down the line; it is acknowledged only after the sink has it."""
        clock = Clock()
        model, challenger = self._model, self._challenger  # once: all records of a batch are of one model
        looks = list(self._look(batch, model, challenger, clock))
        frames = [seen for one in looks for seen in one.seen]
        records = conclude(frames, model, clock)
        if challenger is not None:
            with clock.stage("challenge"):
                records = challenger.comment(records, frames, model)
        outcome = Outcome(
            model=model.reference,
            records=records,
            rejected=(*batch.rejected, *(refused for one in looks for refused in one.rejected)),
            ended=batch.ended,
            seconds=clock.seconds,
        )
        with clock.stage("write"):
            self._sink.write(outcome)
        batch.acknowledge()
        for observer in self._observers:
            observer.observe(outcome)
        return outcome

    def _look(self, batch: Batch, model: Model, challenger: Challenger | None, clock: Clock) -> Iterator[Looks]:
        items = (*batch.frames, *batch.unread)
        groups = [items[first : first + model.group] for first in range(0, len(items), model.group)]
        beside = challenger.beside(model) if challenger is not None else None
        for looks in self._workers.map(partial(model.look, featurizer=model.featurizer, beside=beside), groups):
            clock.add(looks.seconds)
            yield looks
