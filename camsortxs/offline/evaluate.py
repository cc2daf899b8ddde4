"""How good the answers are: by frame, and by group, where every source weighs the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.decision import decide, technique_of
from camsortxs.offline.dataset import Dataset
from camsortxs.techniques import TECHNIQUES, Decision, Technique

RESAMPLES = 200
_BINS = 10
_NONE = len(TECHNIQUES)
_GRAZING = np.array([t.grazing for t in TECHNIQUES])
_WIDE = np.array([t.wide for t in TECHNIQUES])

Floats = npt.NDArray[np.float64]


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


def evaluate(answers: Sequence[Answer], *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """Return all metrics by frame and by group, each with a 95 % interval from resampling whole groups.

    The metrics judge the most probable technique of every frame, sure or not. `coverage` is the share of frames
    whose technique is stood by, `accuracy_when_sure` how many of those are right. Precision, F1, AUC (one against
    the rest) and recall are means over the techniques that occur.

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
        "by_group": _with_intervals(table, 1.0 / np.bincount(table.group)[table.group], resamples, seed),
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
    truth: npt.NDArray[np.int64]
    said: npt.NDArray[np.int64]
    p: Floats
    sure: npt.NDArray[np.bool_]
    group: npt.NDArray[np.int64]

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "_Table":
        p = np.array([a.probabilities or (0.25,) * 4 for a in answers], dtype=np.float64)
        seen = np.array([a.probabilities is not None for a in answers])
        return cls(
            truth=np.array([TECHNIQUES.index(a.truth) for a in answers]),
            said=np.where(seen, p.argmax(axis=1), _NONE),
            p=p / p.sum(axis=1, keepdims=True),
            sure=np.array([technique_of(a.decided) is not None for a in answers]),
            group=np.unique([a.group for a in answers], return_inverse=True)[1],
        )


def _with_intervals(table: _Table, weight: Floats, resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    values = _metrics(table, weight)
    rng = np.random.default_rng(seed)
    groups = int(table.group.max()) + 1
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(resamples):
        times = np.bincount(rng.integers(groups, size=groups), minlength=groups)
        for name, value in _metrics(table, weight * times[table.group]).items():
            drawn[name].append(value)
    result = {}
    for name, value in values.items():
        finite = [x for x in drawn[name] if np.isfinite(x)]
        interval = [float(x) for x in np.percentile(finite, [2.5, 97.5])] if finite else None
        result[name] = {"value": value if np.isfinite(value) else None, "interval": interval}
    return result


def _metrics(table: _Table, weight: Floats) -> dict[str, float]:
    from sklearn import metrics  # here, for serving does without it

    kept = weight > 0
    truth, said, p, weight = table.truth[kept], table.said[kept], table.p[kept], weight[kept]
    present = sorted(set(truth.tolist()))
    over = {"labels": present, "average": "macro", "sample_weight": weight, "zero_division": 0}
    right = said == truth
    sure = table.sure[kept]
    angle, grazing = (p[:, _WIDE].sum(axis=1) > 0.5), (p[:, _GRAZING].sum(axis=1) > 0.5)
    seen = said != _NONE
    return {
        "accuracy": float(metrics.accuracy_score(truth, said, sample_weight=weight)),
        "balanced_accuracy": float(metrics.recall_score(truth, said, **over)),
        "precision": float(metrics.precision_score(truth, said, **over)),
        "f1": float(metrics.f1_score(truth, said, **over)),
        "auc": _auc(truth, p, weight, present),
        "kappa": _kappa(truth, said, weight),
        "mcc": float(metrics.matthews_corrcoef([*truth, 0, 1], [*said, 0, 1], sample_weight=[*weight, 0.0, 0.0])),
        "ece": _calibration_error(p, right, weight),
        "grazing_accuracy": float(np.average(seen & (grazing == _GRAZING[truth]), weights=weight)),
        "angle_accuracy": float(np.average(seen & (angle == _WIDE[truth]), weights=weight)),
        "coverage": float(np.average(sure, weights=weight)),
        "accuracy_when_sure": float(np.average(right[sure], weights=weight[sure])) if sure.any() else np.nan,
    }


def _kappa(truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64], weight: Floats) -> float:
    from sklearn import metrics

    if len({*truth.tolist(), *said.tolist()}) < 2:
        return np.nan  # agreement beyond chance means nothing where chance cannot err
    return float(metrics.cohen_kappa_score(truth, said, sample_weight=weight))


def _auc(truth: npt.NDArray[np.int64], p: Floats, weight: Floats, present: list[int]) -> float:
    from sklearn import metrics

    if len(present) < 2:
        return np.nan
    return float(np.mean([metrics.roc_auc_score(truth == k, p[:, k], sample_weight=weight) for k in present]))


def _calibration_error(p: Floats, right: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Return the expected calibration error over ten equal bins of the highest probability (Guo et al., ICML 2017)."""
    sure = p.max(axis=1)
    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    shares = np.bincount(place, weight, minlength=_BINS)
    gap = np.bincount(place, weight * right, minlength=_BINS) - np.bincount(place, weight * sure, minlength=_BINS)
    return float(np.abs(gap).sum() / shares.sum())
