"""Which single features tell real frames from simulated ones, and in what direction."""

from typing import Any

import numpy as np
import numpy.typing as npt

LIKE = 0.8
"""A feature that goes with one already named (rank correlation beyond this) says nothing new and is left out."""

Floats = npt.NDArray[np.float64]


def placements(real: npt.NDArray[Any], simulated: npt.NDArray[Any]) -> Floats:
    """Return, for each real value, the share of the simulated ones below it, ties half.

    `real` (frames, ...) against `simulated` (other frames, ...), column by column. Their mean is the AUC of the value
    as a score of "real" (Hanley & McNeil, Radiology 143, 29, 1982).

    >>> placements(np.array([1.0, 5.0]), np.array([1.0, 2.0])).tolist()
    [0.25, 1.0]
    """
    below = [(simulated < value).mean(axis=0) + 0.5 * (simulated == value).mean(axis=0) for value in real]
    return np.asarray(below, dtype=np.float64)


def by_source(values: Floats, sources: npt.NDArray[Any]) -> Floats:
    """Return the means of `values` (frames, ...) within each source, (sources, ...), sources in sorted order."""
    return np.asarray([values[sources == source].mean(axis=0) for source in np.unique(sources)])


def interval(of_sources: Floats, resamples: int, seed: int) -> Floats:
    """Return the 95 % interval (2, ...) of the mean of `of_sources` (sources, ...), whole sources drawn anew.

    It takes the classifier and the simulated frames as given, and with two or three sources it is far too narrow.
    """
    count = len(of_sources)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.asarray(np.percentile(np.tensordot(times / count, of_sources, axes=1), [2.5, 97.5], axis=0))


def giveaways(
    real: npt.NDArray[np.float32],
    simulated: npt.NDArray[np.float32],
    sources: npt.NDArray[Any],
    names: tuple[str, ...],
    *,
    count: int,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the at most `count` features that differ most between `real` and `simulated`, each (frames, features).

    Feature by feature: the AUC of its value, the mean over sources of their frames' `placements`. Ranked by the end of
    the 95 % interval that lies nearer 0.5, so that a feature on which all sources agree comes before one that a single
    odd source carries; those whose interval holds 0.5 are left out, and those that go with one already named (among
    the simulated frames, see `LIKE`). Permutation importance would be of no use here: among hundreds of features that
    go together none is missed alone, and a fold holds but a few real frames.

    Nothing corrects for the number of features: of some hundred, a few differ by chance. Whether there is a difference
    at all is for the classifier to say, this only says where to look.
    """
    of_sources = by_source(placements(real, simulated), sources)
    auc = of_sources.mean(axis=0)
    ends = interval(of_sources, resamples, seed)
    strength = np.maximum(ends[0] - 0.5, 0.5 - ends[1])
    ranks = _standard_ranks(simulated)
    named: list[int] = []
    for place in np.lexsort((-np.abs(auc - 0.5), -strength)).tolist():
        if len(named) == count or strength[place] <= 0:
            break
        if all(abs(ranks[:, place] @ ranks[:, other]) <= LIKE for other in named):
            named.append(place)
    return [
        {
            "feature": names[place],
            "real_is": "larger" if auc[place] > 0.5 else "smaller",
            "auc": float(auc[place]),
            "interval": ends[:, place].tolist(),
            "real_median": float(np.median(real[:, place])),
            "simulated_median": float(np.median(simulated[:, place])),
        }
        for place in named
    ]


def _standard_ranks(values: npt.NDArray[np.float32]) -> Floats:
    """Return the ranks of each column, centred and of unit length: their products are Spearman's correlations."""
    from scipy.stats import rankdata

    ranks = np.asarray(rankdata(values, axis=0), dtype=np.float64)
    ranks -= ranks.mean(axis=0)
    length = np.linalg.norm(ranks, axis=0)
    return np.asarray(ranks / np.where(length > 0, length, 1.0))
