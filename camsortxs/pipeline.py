"""The one straight line: frames, features, probabilities, records, written, acknowledged.

Live, back-fill and the command line are this line with another source and another sink.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from camsortxs.classifiers.base import Classifier
from camsortxs.decision import decide, technique_of
from camsortxs.errors import ModelError
from camsortxs.evidence import fuse, gather
from camsortxs.features.base import Featurizer
from camsortxs.frames import Batch, Frame, FrameKey, Source
from camsortxs.records import Outcome, Prediction, Record, Sink
from camsortxs.signal import no_signal
from camsortxs.techniques import Parent


class Observer(Protocol):
    """Somebody who wants to know: Prometheus, a progress bar."""

    def observe(self, outcome: Outcome) -> None:
        """Be told what became of a batch, after it was written and acknowledged."""
        ...


class Pipeline:
    """Names the technique of every frame of a source and hands the records to a sink.

    Raises
    ------
    ModelError
        At construction, when the classifier was trained on other features than the featurizer makes.
    """

    def __init__(
        self, *, featurizer: Featurizer, classifier: Classifier, sink: Sink, observers: Sequence[Observer] = ()
    ) -> None:
        if (featurizer.names, featurizer.digest) != (classifier.feature_names, classifier.feature_digest):
            raise ModelError(f"{classifier.reference} was trained on other features than the featurizer makes")
        self._featurizer = featurizer
        self._classifier = classifier
        self._sink = sink
        self._observers = tuple(observers)

    def run(self, source: Source) -> None:
        """Take every batch of `source` down the line."""
        for batch in source.batches():
            self.process(batch)

    def process(self, batch: Batch) -> Outcome:
        """Take one batch down the line; it is acknowledged only after the sink has it."""
        clock = _Clock()
        records = self._recognise(batch.frames, clock) if batch.frames else ()
        outcome = Outcome(
            model=self._classifier.reference,
            records=records,
            rejected=batch.rejected,
            ended=batch.ended,
            seconds=clock.seconds,
        )
        with clock.stage("write"):
            self._sink.write(outcome)
        batch.acknowledge()
        for observer in self._observers:
            observer.observe(outcome)
        return outcome

    def _recognise(self, frames: Sequence[Frame], clock: "_Clock") -> tuple[Record, ...]:
        with clock.stage("check"):
            dark = {frame.key for frame in frames if no_signal(frame)}
        lit = [frame for frame in frames if frame.key not in dark]
        predictions = {key: _nothing_seen(key) for key in dark}
        if lit:
            with clock.stage("featurize"):
                features = self._featurizer.featurize(lit)
            with clock.stage("classify"):
                probabilities = self._classifier.classify(features)
            for frame, p in zip(lit, probabilities, strict=True):
                evidence = gather(frame)
                fused, contradiction = fuse(p, evidence)
                decided = decide(fused, self._classifier.threshold)
                predictions[frame.key] = Prediction(
                    key=frame.key,
                    technique=technique_of(decided),
                    decided=decided,
                    probabilities=fused,
                    evidence=evidence.used,
                    contradiction=contradiction,
                )
        seconds = sum(clock.seconds.values()) / len(frames)
        return tuple(
            Record(
                prediction=predictions[frame.key],
                model=self._classifier.reference,
                threshold=self._classifier.threshold,
                feature_digest=self._classifier.feature_digest,
                seconds=seconds,
                taken_at=frame.taken_at,
                detector=frame.detector,
            )
            for frame in frames
        )


def _nothing_seen(key: FrameKey) -> Prediction:
    return Prediction(key=key, technique=None, decided=Parent.NO_SIGNAL, probabilities=None)


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start
