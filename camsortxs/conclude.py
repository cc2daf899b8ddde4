"""From what was seen of frames to what is said of them: probabilities, evidence, a decision, a record each."""

from collections.abc import Sequence
from time import time

import numpy as np

from camsortxs.clock import Clock
from camsortxs.decision import decide, shows_scattering, technique_of
from camsortxs.evidence import Evidence, fuse
from camsortxs.features.base import Features
from camsortxs.flags import Flag
from camsortxs.look import Seen
from camsortxs.model import Model
from camsortxs.records import Prediction, Record
from camsortxs.techniques import Parent


def conclude(frames: Sequence[Seen], model: Model, clock: Clock) -> tuple[Record, ...]:
    """Ask the classifier of `model` about frames whose features its featurizer made; a record for each, in order."""
    lit = [(seen.key, seen.values) for seen in frames if seen.values is not None]
    probabilities = {}
    if lit:
        with clock.stage("classify"):
            keys, values = zip(*lit, strict=True)
            features = Features(keys=keys, names=model.featurizer.names, values=np.stack(values))
            probabilities = dict(zip(keys, model.classifier.classify(features), strict=True))
    seconds = sum(clock.seconds.values()) / max(len(frames), 1)
    now = time()
    return tuple(
        Record(
            prediction=_predict(seen, probabilities.get(seen.key), model.classifier.threshold),
            model=model.reference,
            threshold=model.classifier.threshold,
            feature_digest=model.classifier.feature_digest,
            seconds=seconds,
            taken_at=seen.taken_at,
            concluded_at=now,
            detector=seen.detector,
        )
        for seen in frames
    )


def _predict(seen: Seen, probabilities: Sequence[float] | None, threshold: float) -> Prediction:
    if probabilities is None:
        why = (seen.nothing,) if seen.nothing else ()
        return Prediction(key=seen.key, technique=None, decided=Parent.NO_SIGNAL, probabilities=None, flags=why)
    evidence = seen.evidence if shows_scattering(probabilities) else Evidence()
    fused, contradiction = fuse(probabilities, evidence)
    decided = decide(fused, threshold)
    careful = {Flag.MID: evidence.mid, Flag.METADATA_CONFLICT: contradiction is not None}
    return Prediction(
        key=seen.key,
        technique=technique_of(decided),
        decided=decided,
        probabilities=fused,
        evidence=evidence.used,
        contradiction=contradiction,
        flags=tuple(flag for flag, holds in careful.items() if holds),
    )
