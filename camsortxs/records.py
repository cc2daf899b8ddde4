"""What the line concludes about a frame, and the port that conclusions leave through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from camsortxs.flags import Flag
from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.techniques import Decision, Technique


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one frame shows.

    `technique` is None unless we stand by one of the four; `decided` then is the parent we are sure of, `unknown` or
    `no_signal`. `probabilities` follow the order of `TECHNIQUES`, None for a frame without signal. `evidence` names
    the metadata that weighed in, `contradiction` says where it disagrees with the image; `flags` stand beside it all.
    """

    key: FrameKey
    technique: Technique | None
    decided: Decision
    probabilities: tuple[float, float, float, float] | None
    evidence: tuple[str, ...] = ()
    contradiction: str | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a challenger says of a frame: it is counted and recorded, and never acted on."""

    model: str
    prediction: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A prediction and all that is needed to trace it: model `name@version` and its threshold, feature digest, time.

    `concluded_at` is in s since 1970. `challenger` is what another model says of the frame, where one looks on.
    """

    prediction: Prediction
    model: str
    threshold: float
    feature_digest: str
    seconds: float
    taken_at: datetime | None = None
    concluded_at: float | None = None
    detector: str | None = None
    challenger: Opinion | None = None

    @property
    def key(self) -> FrameKey:
        """The identity of the frame that this is about."""
        return self.prediction.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one batch: the records, the refusals, the runs that it completed, seconds by stage.

    `model` is the `name@version` that was serving, for the runs that leave no record to read it from.
    """

    model: str
    records: tuple[Record, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    ended: tuple[RunEnd, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


class Sink(Protocol):
    """Where conclusions go: Tiled, a Kafka topic, a terminal. Writing the same outcome twice changes nothing."""

    def write(self, outcome: Outcome) -> None:
        """Write all of it, or raise.

        Raises
        ------
        SinkUnavailable
            When it may work later: write the same outcome again.
        SinkRejected
            When it never will.
        """
        ...
