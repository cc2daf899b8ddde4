"""From the frames of a run to one answer for each of its detectors, and for the run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from camsortxs.decision import decide, technique_of
from camsortxs.flags import Flag
from camsortxs.frames import FrameKey, Rejected
from camsortxs.records import Outcome, Record
from camsortxs.techniques import Decision, Parent, Technique


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSummary:
    """What one detector (run, stream, data key) saw; `flags` counts the frames that have each.

    `disagreement` is the share of its frames whose own most probable technique is another one: a scan that changes
    geometry midway shows here instead of being averaged away.
    """

    stream: str
    data_key: str
    detector: str | None
    decided: Decision
    probabilities: tuple[float, ...] | None
    frames: int
    no_signal: int
    disagreement: float
    contradictions: tuple[str, ...]
    flags: Mapping[Flag, int]

    @property
    def technique(self) -> Technique | None:
        """The technique, when we stand by one."""
        return technique_of(self.decided)

    @property
    def probability(self) -> float | None:
        """The probability of the most probable technique."""
        return max(self.probabilities) if self.probabilities else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run is: its detectors, and the one decision that all of them share (`unknown` when they differ)."""

    decided: Decision
    probability: float | None
    detectors: tuple[DetectorSummary, ...]
    frames: int
    rejected: dict[str, int]

    @property
    def techniques(self) -> tuple[Decision, ...]:
        """Each decision of a detector once, in order."""
        return tuple(dict.fromkeys(detector.decided for detector in self.detectors))


@dataclass(kw_only=True)
class OpenRun:
    """What is known of a run that has not ended, by frame: hearing of it twice changes nothing."""

    records: dict[FrameKey, Record] = field(default_factory=dict)
    rejected: dict[tuple[str, FrameKey], Rejected] = field(default_factory=dict)

    def summary(self) -> RunSummary:
        """Sum up what is known so far."""
        return summarise(self.records.values(), self.rejected.values())


def gather(runs: dict[str, OpenRun], outcome: Outcome) -> None:
    """Add an outcome to the open runs; refusals that belong to no run are left out."""
    for record in outcome.records:
        runs.setdefault(record.key.run, OpenRun()).records[record.key] = record
    for item in outcome.rejected:
        if item.key is not None:
            runs.setdefault(item.key.run, OpenRun()).rejected[item.reason, item.key] = item.without_payload()


def summarise(records: Iterable[Record], rejected: Iterable[Rejected] = ()) -> RunSummary:
    """Gather the records of one run, by stream and data key, in the order of their frames."""

    def detector_of(record: Record) -> tuple[str, str]:
        return record.key.stream, record.key.data_key

    ordered = sorted(records, key=lambda record: (*detector_of(record), record.key.index))
    detectors = tuple(_detector(list(group)) for _, group in groupby(ordered, key=detector_of))
    # A detector that saw nothing does not outvote one that did.
    speaking = [d for d in detectors if d.decided is not Parent.NO_SIGNAL] or list(detectors)
    decisions = {detector.decided for detector in speaking}
    shared = decisions.pop() if len(decisions) == 1 else Parent.UNKNOWN
    return RunSummary(
        decided=shared,
        probability=min((d.probability for d in speaking if d.probability is not None), default=None)
        if technique_of(shared)
        else None,
        detectors=detectors,
        frames=len(ordered),
        rejected=dict(sorted(Counter(item.reason for item in rejected).items())),
    )


def _detector(records: Sequence[Record]) -> DetectorSummary:
    seen = [r.prediction.probabilities for r in records if r.prediction.probabilities is not None]
    decided: Decision = Parent.NO_SIGNAL
    probabilities: tuple[float, ...] | None = None
    disagreement = 0.0
    if seen:
        table = np.asarray(seen)
        mean = np.log(np.clip(table, 1e-6, 1.0)).mean(axis=0)
        pooled = np.exp(mean - mean.max())
        pooled /= pooled.sum()
        probabilities = tuple(float(p) for p in pooled)
        decided = decide(pooled, records[0].threshold)
        disagreement = float(np.mean(table.argmax(axis=1) != pooled.argmax()))
    return DetectorSummary(
        stream=records[0].key.stream,
        data_key=records[0].key.data_key,
        detector=records[0].detector,
        decided=decided,
        probabilities=probabilities,
        frames=len(records),
        no_signal=len(records) - len(seen),
        disagreement=disagreement,
        contradictions=tuple(dict.fromkeys(r.prediction.contradiction for r in records if r.prediction.contradiction)),
        flags=Counter(flag for r in records for flag in r.prediction.flags),
    )
