"""The realism test: how well a classifier tells real frames from simulated ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.errors import CamsortxsError
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.giveaways import Floats, by_source, giveaways, interval, placements
from camsortxs.techniques import TECHNIQUES, Technique

RESAMPLES = 2000
REPEATS = 5
"""The simulated frames are split this often, and the answers averaged: one split alone moves an AUC by 0.05."""
SHOWN = 8
"""So many features are named for each technique."""
_FEWEST = 2
"""Sources, and simulated frames to a fold: below that nothing is left to learn from, or to compare with."""


class NotEnoughSources(CamsortxsError):
    """Not one technique has the sources (or the simulated frames) that the test needs."""


def measurable(real: Dataset) -> list[Technique]:
    """Return the techniques with enough sources to be asked about: it pays to draw frames of these alone."""
    return [t for place, t in enumerate(TECHNIQUES) if len(np.unique(real.groups[real.labels == place])) >= _FEWEST]


def realism(
    real: Dataset,
    simulated: Dataset,
    *,
    trees: int = 100,
    repeats: int = REPEATS,
    resamples: int = RESAMPLES,
    shown: int = SHOWN,
    seed: int = 0,
) -> dict[str, Any]:
    """Return how well real and simulated frames of each technique are told apart: AUC 0.5 = not at all, 1.0 = always.

    Technique by technique, Extra Trees are asked "real or simulated?" once for every source (the `groups` of `real`):
    they learn from the other sources and most of the simulated frames, then score that source and the simulated
    frames kept back. The AUC of a source is that of its frames against those, under the one classifier that saw
    neither (scores of different folds are never compared, for their scales differ). The technique's AUC is the mean
    over its sources; `all` is the mean over all sources, by name. So a source with one frame counts like one with ten,
    in training as well, where both classes weigh the same. The 95 % intervals draw whole sources anew.

    The simulated frames are split at random, not by detector. Each is an independent draw, so one kept back shares
    nothing with the others but the simulator, and that is what is asked about; every source, in contrast, shares
    sample and instrument. To hold out simulated detectors as well would flatter the simulator: those detectors do
    have real frames in training, so a simulated frame on one of them looks real for its detector alone. Measured on
    two parts of one simulated population, a detector being a source: mean AUC of 80 trials 0.467, against 0.497.

    `outlying` needs no real frame to learn from, so it holds where sources are few: the share of simulated frames that
    are less odd among simulated frames than the real frame is (isolation forest, Liu et al., ICDM 2008, on one half,
    compared with the other). 0.5 = as typical as simulated ones. It sees only what lies outside of all that is drawn.

    Read with care: with few sources an AUC near 0.5 may also mean that there was too little to learn from (two parts
    of one population scatter by 0.11 at three sources, by 0.08 at ten); one below 0.5 says that the sources are less
    like each other than like the simulation. Two sources of one instrument make telling apart easier than it is.

    The classifier two-sample test: Lopez-Paz & Oquab, ICLR 2017. What gives the simulation away: see `giveaways`.

    Raises
    ------
    NotEnoughSources
        When no technique has two sources and two simulated frames for each. A technique that lacks them while
        another has them gets `status` "not enough sources" (or "not enough simulated frames") and no figure.
    ValueError
        When the two tables have different features.
    """
    if real.names != simulated.names:
        raise ValueError(f"{len(real.names)} features of the real and {len(simulated.names)} of the simulated differ")
    techniques, kept = {}, []
    for place, technique in enumerate(TECHNIQUES):
        mine, drawn = real.labels == place, simulated.values[simulated.labels == place]
        values, sources = real.values[mine], real.groups[mine]
        status = _status(sources, len(drawn))
        part: dict[str, Any] = _figures(None, None, sources, resamples, seed)
        part |= {"status": status, "simulated": len(drawn), "sources_auc": {}, "gives_away": []}
        if status == "measured":
            each = [seed * repeats + again for again in range(repeats)]
            told = np.mean([_told_apart(values, drawn, sources, trees, one) for one in each], axis=0)
            odd = np.mean([_outlying(values, drawn, trees, one) for one in each], axis=0)
            kept.append((told, odd, sources))
            part |= _figures(told, odd, sources, resamples, seed)
            part["sources_auc"] = dict(zip(np.unique(sources).tolist(), by_source(told, sources).tolist(), strict=True))
            part["gives_away"] = giveaways(
                values, drawn, sources, real.names, count=shown, resamples=resamples, seed=seed
            )
        techniques[str(technique)] = part
    if not kept:
        raise NotEnoughSources(
            f"no technique has {_FEWEST} sources and {_FEWEST} simulated frames for each: "
            + ", ".join(f"{name} {part['sources']} and {part['simulated']}" for name, part in techniques.items())
        )
    told, odd, sources = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return {"features": len(real.names), "all": _figures(told, odd, sources, resamples, seed), "techniques": techniques}


def _status(sources: npt.NDArray[Any], simulated: int) -> str:
    count = len(np.unique(sources))
    if count < _FEWEST:
        return "not enough sources"
    return "measured" if simulated >= _FEWEST * count else "not enough simulated frames"


def _figures(
    told: Floats | None, odd: Floats | None, sources: npt.NDArray[Any], resamples: int, seed: int
) -> dict[str, Any]:
    result: dict[str, Any] = {"frames": len(sources), "sources": len(np.unique(sources))}
    for name, values in (("auc", told), ("outlying", odd)):
        means = None if values is None else by_source(values, sources)
        result[name] = None if means is None else float(means.mean())
        result[f"{name}_interval"] = None if means is None else interval(means, resamples, seed).tolist()
    return result


def _told_apart(
    real: npt.NDArray[np.float32], drawn: npt.NDArray[np.float32], sources: npt.NDArray[Any], trees: int, seed: int
) -> Floats:
    """Return each real frame's place among simulated frames, (frames,), under trees that know neither."""
    from sklearn.ensemble import ExtraTreesClassifier

    source = np.unique(sources, return_inverse=True)[1]
    size = np.bincount(source)
    folds = np.random.default_rng(seed).permutation(len(drawn)) % len(size)
    told = np.zeros(len(real))
    for fold in range(len(size)):
        apart, out = source == fold, folds == fold
        each = 1.0 / size[source[~apart]]  # every source alike, and all of them together like the simulated frames
        weight = np.concatenate([each / each.mean() / (~apart).sum(), np.full((~out).sum(), 1.0 / (~out).sum())])
        forest = ExtraTreesClassifier(trees, min_samples_leaf=2, random_state=seed)
        forest.fit(np.concatenate([real[~apart], drawn[~out]]), np.arange(len(weight)) < (~apart).sum(), weight)
        told[apart] = placements(forest.predict_proba(real[apart])[:, 1], forest.predict_proba(drawn[out])[:, 1])
    return told


def _outlying(real: npt.NDArray[np.float32], drawn: npt.NDArray[np.float32], trees: int, seed: int) -> Floats:
    """Return each real frame's place among simulated frames by oddity, (frames,), mean of the two halves."""
    from sklearn.ensemble import IsolationForest

    half = np.random.default_rng(seed).permutation(len(drawn)) % 2 == 0
    odd = np.zeros(len(real))
    for inside in (half, ~half):
        forest = IsolationForest(n_estimators=trees, max_samples=int(inside.sum()), random_state=seed)
        forest.fit(drawn[inside])
        odd += placements(-forest.score_samples(real), -forest.score_samples(drawn[~inside])) / 2
    return odd
