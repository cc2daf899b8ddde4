"""What the line does with pixels: fetch them, check them, compute features, let go of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.clock import Clock
from camsortxs.evidence import Evidence, gather
from camsortxs.features.base import Featurizer
from camsortxs.frames import Frame, FrameKey, Rejected, Unread
from camsortxs.signal import no_signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What remains of a frame once its pixels are gone; `values` (features,) is None when there was no signal."""

    key: FrameKey
    taken_at: datetime | None
    detector: str | None
    evidence: Evidence
    values: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What came of a few frames: those seen, those refused, seconds by stage."""

    seen: tuple[Seen, ...]
    rejected: tuple[Rejected, ...]
    seconds: dict[str, float]


def look(items: Sequence[Frame | Unread], featurizer: Featurizer) -> Looks:
    """Look at a few frames, in any thread."""
    clock = Clock()
    with clock.stage("read"):
        found = [each for item in items for each in (item.read() if isinstance(item, Unread) else [item])]
        frames = [each for each in found if isinstance(each, Frame)]
    with clock.stage("check"):
        lit = [frame for frame in frames if not no_signal(frame)]
    values: dict[FrameKey, npt.NDArray[Any]] = {}
    if lit:
        with clock.stage("featurize"):
            features = featurizer.featurize(lit)
        values = dict(zip(features.keys, features.values, strict=True))
    return Looks(
        seen=tuple(
            Seen(
                key=frame.key,
                taken_at=frame.taken_at,
                detector=frame.detector,
                evidence=gather(frame),
                values=values.get(frame.key),
            )
            for frame in frames
        ),
        rejected=tuple(each for each in found if isinstance(each, Rejected)),
        seconds=clock.seconds,
    )
