"""How good an embedding's own head is on groups that its training has not seen."""

from dataclasses import asdict
from typing import Any

from camsortxs.classifiers.bundle import TrainingSet
from camsortxs.offline.embedding.fit import Epoch, probabilities
from camsortxs.offline.embedding.pictures import Pictures
from camsortxs.offline.evaluate import Answer, evaluate
from camsortxs.techniques import TECHNIQUES

_KEPT = ("accuracy", "balanced_accuracy", "auc", "ece", "grazing_accuracy", "angle_accuracy")


def measure(model: Any, apart: Pictures, epochs: list[Epoch]) -> dict[str, Any]:
    """Return the figures of a manifest: those on the pictures held out, each epoch, and the minutes that it took.

    The head stands by every answer here; coverage means nothing. Intervals (95 %) resample whole groups.
    """
    said = probabilities(model, apart)
    answers = [
        Answer(truth=TECHNIQUES[label], group=str(group), decided=TECHNIQUES[int(p.argmax())], probabilities=tuple(p))
        for label, group, p in zip(apart.labels, apart.groups, said.astype(float), strict=True)
    ]
    figures = evaluate(answers)
    for by in ("by_frame", "by_group"):
        figures[by] = {name: figures[by][name] for name in _KEPT}
    return {
        "held_out": figures,
        "held_out_groups": sorted({str(group) for group in apart.groups}),
        "epochs": [asdict(epoch) for epoch in epochs],
        "minutes": sum(epoch.seconds for epoch in epochs) / 60,
    }


def training_set(pictures: Pictures, parts: tuple[Pictures, Pictures, Pictures], words: str) -> TrainingSet:
    """Say what it was trained on."""
    learnt, validation, apart = (len(part.labels) for part in parts)
    return TrainingSet(
        digest=pictures.digest,
        frames=len(pictures.labels),
        groups=len(set(pictures.groups.tolist())),
        description=f"{words}: {learnt} learnt, {validation} to stop by, {apart} held out to measure",
    )
