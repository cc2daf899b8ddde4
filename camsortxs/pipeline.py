"""The one straight line: frames, features, probabilities, records, written, acknowledged.

Live, back-fill and the command line are this line with another source and another sink.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from camsortxs.classifiers.base import Classifier
from camsortxs.clock import Clock
from camsortxs.decision import decide, shows_scattering, technique_of
from camsortxs.errors import ModelError
from camsortxs.evidence import Evidence, fuse
from camsortxs.features.base import Features, Featurizer
from camsortxs.frames import Batch, Source
from camsortxs.look import Looks, Seen, look
from camsortxs.records import Outcome, Prediction, Record, Sink
from camsortxs.techniques import Parent


class Observer(Protocol):
    """Somebody who wants to know: Prometheus, a progress bar."""

    def observe(self, outcome: Outcome) -> None:
        """Be told what became of a batch, after it was written and acknowledged."""
        ...


class Pipeline:
    """Names the technique of every frame of a source and hands the records to a sink.

    `workers` threads look at the frames of a batch, each at `group` of them at once: while one waits for a file or
    unpacks it, another computes, and no more than workers x group unread frames are in memory.

    Raises
    ------
    ModelError
        At construction, when the classifier was trained on other features than the featurizer makes.
    """

    def __init__(
        self,
        *,
        featurizer: Featurizer,
        classifier: Classifier,
        sink: Sink,
        observers: Sequence[Observer] = (),
        workers: int = 1,
        group: int = 1,
    ) -> None:
        if (featurizer.names, featurizer.digest) != (classifier.feature_names, classifier.feature_digest):
            raise ModelError(f"{classifier.reference} was trained on other features than the featurizer makes")
        self._featurizer = featurizer
        self._classifier = classifier
        self._sink = sink
        self._observers = tuple(observers)
        self._workers = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="look", initializer=_alone)
        self._group = group

    def run(self, source: Source) -> None:
        """Take every batch of `source` down the line."""
        for batch in source.batches():
            self.process(batch)

    def process(self, batch: Batch) -> Outcome:
        """Take one batch down the line; it is acknowledged only after the sink has it."""
        clock = Clock()
        looks = list(self._look(batch, clock))
        records = self._conclude([seen for one in looks for seen in one.seen], clock)
        outcome = Outcome(
            model=self._classifier.reference,
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

    def _look(self, batch: Batch, clock: Clock) -> Iterator[Looks]:
        items = (*batch.frames, *batch.unread)
        groups = [items[first : first + self._group] for first in range(0, len(items), self._group)]
        for looks in self._workers.map(partial(look, featurizer=self._featurizer), groups):
            clock.add(looks.seconds)
            yield looks

    def _conclude(self, frames: Sequence[Seen], clock: Clock) -> tuple[Record, ...]:
        lit = [(seen.key, seen.values) for seen in frames if seen.values is not None]
        probabilities = {}
        if lit:
            with clock.stage("classify"):
                keys, values = zip(*lit, strict=True)
                features = Features(keys=keys, names=self._featurizer.names, values=np.stack(values))
                probabilities = dict(zip(keys, self._classifier.classify(features), strict=True))
        seconds = sum(clock.seconds.values()) / max(len(frames), 1)
        return tuple(
            Record(
                prediction=self._predict(seen, probabilities.get(seen.key)),
                model=self._classifier.reference,
                threshold=self._classifier.threshold,
                feature_digest=self._classifier.feature_digest,
                seconds=seconds,
                taken_at=seen.taken_at,
                detector=seen.detector,
            )
            for seen in frames
        )

    def _predict(self, seen: Seen, probabilities: Sequence[float] | None) -> Prediction:
        if probabilities is None:
            return Prediction(key=seen.key, technique=None, decided=Parent.NO_SIGNAL, probabilities=None)
        evidence = seen.evidence if shows_scattering(probabilities) else Evidence()
        fused, contradiction = fuse(probabilities, evidence)
        decided = decide(fused, self._classifier.threshold)
        return Prediction(
            key=seen.key,
            technique=technique_of(decided),
            decided=decided,
            probabilities=fused,
            evidence=evidence.used,
            contradiction=contradiction,
        )


def _alone() -> None:
    """Let each worker keep to its core: threads of BLAS, which spin while they wait, cost as much again as the work."""
    threadpool_limits(limits=1, user_api="blas")
