"""How good the answers are: by frame, and by group, where every source weighs the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.decision import decide, technique_of
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.metrics import Answered, Floats, metrics
from camsortxs.techniques import TECHNIQUES, Decision, Technique

RESAMPLES = 200
_NONE = len(TECHNIQUES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one labelled frame; `probabilities` None where no signal was seen, which counts as wrong."""

    truth: Technique
    group: str
    decided: Decision
    probabilities: tuple[float, ...] | None
    name: str = ""


def answers(dataset: Dataset, probabilities: npt.NDArray[np.floating[Any]], threshold: float) -> list[Answer]:
    """Return what `probabilities` (frames, 4) say of the frames of a labelled dataset."""
    return [
        Answer(truth=TECHNIQUES[label], group=str(group), decided=decide(p, threshold), probabilities=tuple(p))
        for label, group, p in zip(dataset.labels, dataset.groups, probabilities.tolist(), strict=True)
    ]


def by_group(answers: Sequence[Answer], *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return all metrics by group alone, as in `evaluate`."""
    table = _Table.of(answers)
    return _with_intervals(table, 1.0 / np.bincount(table.group)[table.group], resamples, seed)


def evaluate(answers: Sequence[Answer], *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """Return all metrics by frame and by group, each with a 95 % interval from resampling whole groups.

    The metrics judge the most probable technique of every frame, sure or not. `coverage` is the share of frames
    whose technique is stood by, `accuracy_when_sure` how many of those are right; `accuracy_at_90` that of the surest
    90 % of the frames, `accuracy_at_80` likewise. Precision, F1, AUC (one against the rest) and recall are means over
    the techniques that occur.

    Raises
    ------
    ValueError
        When there is no answer.
    """
    if not answers:
        raise ValueError("no frame could be evaluated")
    table = _Table.of(answers)
    return {
        "frames": len(answers),
        "groups": int(table.group.max()) + 1,
        "by_frame": _with_intervals(table, np.ones(len(answers)), resamples, seed),
        "by_group": by_group(answers, resamples=resamples, seed=seed),
        "recall": {
            str(technique): {
                "frames": int((table.truth == place).sum()),
                "groups": len(set(table.group[table.truth == place])),
                "recall": float((table.said[table.truth == place] == place).mean()),
            }
            for place, technique in enumerate(TECHNIQUES)
            if (table.truth == place).any()
        },
        "confusion": {
            str(technique): {
                str(said): int(((table.truth == place) & (table.said == other)).sum())
                for other, said in enumerate((*TECHNIQUES, "no_signal"))
            }
            for place, technique in enumerate(TECHNIQUES)
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    answered: Answered
    group: npt.NDArray[np.int64]

    @property
    def truth(self) -> npt.NDArray[np.int64]:
        return self.answered.truth

    @property
    def said(self) -> npt.NDArray[np.int64]:
        return self.answered.said

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "_Table":
        p = np.array([a.probabilities or (0.25,) * 4 for a in answers], dtype=np.float64)
        seen = np.array([a.probabilities is not None for a in answers])
        return cls(
            answered=Answered(
                truth=np.array([TECHNIQUES.index(a.truth) for a in answers]),
                said=np.where(seen, p.argmax(axis=1), _NONE),
                p=p / p.sum(axis=1, keepdims=True),
                sure=np.array([technique_of(a.decided) is not None for a in answers]),
            ),
            group=np.unique([a.group for a in answers], return_inverse=True)[1],
        )


def _with_intervals(table: _Table, weight: Floats, resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    values = metrics(table.answered, weight)
    rng = np.random.default_rng(seed)
    groups = int(table.group.max()) + 1
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(resamples):
        times = np.bincount(rng.integers(groups, size=groups), minlength=groups)
        for name, value in metrics(table.answered, weight * times[table.group]).items():
            drawn[name].append(value)
    result = {}
    for name, value in values.items():
        finite = [x for x in drawn[name] if np.isfinite(x)]
        interval = [float(x) for x in np.percentile(finite, [2.5, 97.5])] if finite else None
        result[name] = {"value": value if np.isfinite(value) else None, "interval": interval}
    return result
