"""The figures of weighted answers, each as scikit-learn defines it but quick enough to be bootstrapped."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.techniques import TECHNIQUES

BINS = 10
COVERAGES = (0.9, 0.8)
"""Shares of the frames, the surest first, whose accuracy is told beside that of all."""

Floats = npt.NDArray[np.float64]

_NONE = len(TECHNIQUES)
_GRAZING = np.array([t.grazing for t in TECHNIQUES])
_WIDE = np.array([t.wide for t in TECHNIQUES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Answers as columns: `truth` and `said` as places in `TECHNIQUES` (one beyond them: no signal was seen).

    `p` (frames, 4) sums to one a row; `sure` where a technique was stood by.
    """

    truth: npt.NDArray[np.int64]
    said: npt.NDArray[np.int64]
    p: Floats
    sure: npt.NDArray[np.bool_]

    def take(self, rows: npt.NDArray[Any]) -> "Answered":
        """Return the answers that `rows` (places, or a mask) names."""
        return Answered(truth=self.truth[rows], said=self.said[rows], p=self.p[rows], sure=self.sure[rows])


def metrics(all_answers: Answered, weights: Floats) -> dict[str, float]:
    """Return all figures of answers that weigh `weights` (frames,); not a number where one means nothing.

    Precision, F1, AUC (one against the rest) and recall are means over the techniques that occur.
    """
    kept = weights > 0
    answers, weight = all_answers.take(kept), weights[kept]
    truth, said, p, sure = answers.truth, answers.said, answers.p, answers.sure
    counts = _sums(truth * (_NONE + 1) + said, weight, (_NONE + 1) ** 2).reshape(_NONE + 1, _NONE + 1)
    present = counts.sum(axis=1) > 0
    hit, true, guessed = counts.diagonal()[present], counts.sum(axis=1)[present], counts.sum(axis=0)[present]
    right = said == truth
    seen = said != _NONE
    angle, grazing = (p[:, _WIDE].sum(axis=1) > 0.5), (p[:, _GRAZING].sum(axis=1) > 0.5)
    confidence = np.where(seen, p.max(axis=1), 0.0)
    return {
        "accuracy": _mean(right, weight),
        "balanced_accuracy": float((hit / true).mean()),
        "precision": float(np.divide(hit, guessed, out=np.zeros_like(hit), where=guessed > 0).mean()),
        "f1": float((2 * hit / (true + guessed)).mean()),
        "auc": _auc(truth, p, weight),
        "kappa": _kappa(counts),
        "mcc": _mcc(counts),
        "ece": calibration_error(p, right, weight),
        "grazing_accuracy": _mean(seen & (grazing == _GRAZING[truth]), weight),
        "angle_accuracy": _mean(seen & (angle == _WIDE[truth]), weight),
        **{f"accuracy_at_{share:.0%}"[:-1]: accuracy_at(share, confidence, right, weight) for share in COVERAGES},
        "coverage": _mean(sure, weight),
        "accuracy_when_sure": _mean(right[sure], weight[sure]) if sure.any() else np.nan,
    }


def accuracy_at(share: float, confidence: Floats, right: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Return how many of the surest answers are right, as many as make up `share` of the weight.

    Among answers that are equally sure, where they do not all fit, each counts in part.

    >>> accuracy_at(0.5, np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False]), np.ones(4))
    1.0
    """
    levels = np.unique(-confidence, return_inverse=True)[1]
    weighed = np.concatenate([[0.0], np.cumsum(np.bincount(levels, weight))])
    correct = np.concatenate([[0.0], np.cumsum(np.bincount(levels, weight * right))])
    wanted = share * weighed[-1]
    return float(np.interp(wanted, weighed, correct) / wanted)


def calibration_error(p: Floats, right: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Return the expected calibration error over ten equal bins of the highest probability (Guo et al., ICML 2017)."""
    shares, sure, accurate = reliability(p, right, weight)
    return float(np.abs(accurate - sure).sum() / shares.sum())


def reliability(p: Floats, right: npt.NDArray[np.bool_], weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, of each of ten equal bins of the highest probability, the weight and its sums of sureness and of hits."""
    sure = p.max(axis=1)
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    return _sums(place, weight, BINS), _sums(place, weight * sure, BINS), _sums(place, weight * right, BINS)


def _sums(places: npt.NDArray[Any], weight: Floats, length: int) -> Floats:
    return np.bincount(places, weight, minlength=length).astype(np.float64, copy=False)


def _mean(values: npt.NDArray[Any], weight: Floats) -> float:
    return float((values * weight).sum() / weight.sum())


def _kappa(counts: Floats) -> float:
    if ((counts.sum(axis=0) + counts.sum(axis=1)) > 0).sum() < 2:
        return np.nan  # agreement beyond chance means nothing where chance cannot err
    total = counts.sum()
    chance = (counts.sum(axis=0) * counts.sum(axis=1)).sum() / total**2
    return float((np.trace(counts) / total - chance) / (1 - chance))


def _mcc(counts: Floats) -> float:
    """Source: J. Gorodkin, Computational Biology and Chemistry 28 (2004) 367, the R_K statistic."""
    true, said, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    spread = (total**2 - (said**2).sum()) * (total**2 - (true**2).sum())
    if spread <= 1e-12 * total**4:
        return 0.0
    return float((np.trace(counts) * total - (true * said).sum()) / np.sqrt(spread))


def _auc(truth: npt.NDArray[np.int64], p: Floats, weight: Floats) -> float:
    present = np.unique(truth)
    if len(present) < 2:
        return np.nan
    return float(np.mean([_rank_auc(truth == k, p[:, k], weight) for k in present]))


def _rank_auc(positive: npt.NDArray[np.bool_], score: Floats, weight: Floats) -> float:
    """Return the weighted share of pairs in the right order, ties counting half (Mann and Whitney)."""
    levels = np.unique(score, return_inverse=True)[1]
    for_it = np.bincount(levels, weight * positive)
    against = np.bincount(levels, weight * ~positive)
    below = np.cumsum(against) - against / 2
    return float((for_it * below).sum() / (for_it.sum() * against.sum()))
