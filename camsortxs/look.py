"""What the line does with pixels: fetch them, check them, compute features, let go of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.clock import Clock
from camsortxs.evidence import Evidence, gather
from camsortxs.features.base import Features, Featurizer
from camsortxs.flags import Flag
from camsortxs.frames import Frame, FrameKey, Rejected, Unread
from camsortxs.signal import no_signal

Rows = Mapping[FrameKey, npt.NDArray[np.float32]]
Beside = Callable[[Sequence[Frame]], Rows]
"""Who is shown the frames too, and makes features of its own of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What remains of a frame once its pixels are gone.

    `values` (features,) is None when there was no signal; `nothing` says why not.
    `beside` are the values of a challenger's features, None where none looks on with features of its own.
    """

    key: FrameKey
    taken_at: datetime | None
    detector: str | None
    evidence: Evidence
    values: npt.NDArray[np.float32] | None
    nothing: Flag | None = None
    beside: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What came of a few frames: those seen, those refused, seconds by stage."""

    seen: tuple[Seen, ...]
    rejected: tuple[Rejected, ...]
    seconds: dict[str, float]


class Look(Protocol):
    """How frames are looked at: as `look` does, wherever that is done."""

    def __call__(
        self, items: Sequence[Frame | Unread], featurizer: Featurizer, *, beside: Beside | None = None
    ) -> Looks:
        """Look at a few frames; called in several threads at once."""
        ...


def look(items: Sequence[Frame | Unread], featurizer: Featurizer, *, beside: Beside | None = None) -> Looks:
    """Look at a few frames, in any thread; `beside` is shown those that are not dark, after the featurizer."""
    clock = Clock()
    with clock.stage("read"):
        found = [each for item in items for each in (item.read() if isinstance(item, Unread) else [item])]
        frames = [each for each in found if isinstance(each, Frame)]
    with clock.stage("check"):
        nothing = {frame.key: no_signal(frame) for frame in frames}
        lit = [frame for frame in frames if nothing[frame.key] is None]
    values: Rows = {}
    others: Rows = {}
    if lit:
        with clock.stage("featurize"):
            values = rows_of(featurizer.featurize(lit))
        if beside is not None:
            with clock.stage("challenge"):
                others = beside(lit)
    return Looks(
        seen=tuple(
            Seen(
                key=frame.key,
                taken_at=frame.taken_at,
                detector=frame.detector,
                evidence=gather(frame),
                values=values.get(frame.key),
                nothing=nothing[frame.key],
                beside=others.get(frame.key),
            )
            for frame in frames
        ),
        rejected=tuple(each for each in found if isinstance(each, Rejected)),
        seconds=clock.seconds,
    )


def rows_of(features: Features) -> Rows:
    """Return each row of features by its frame."""
    return dict(zip(features.keys, features.values, strict=True))
