"""Why a frame was named as it was: what the answer loses when a part of the frame, or a feature, is taken away."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.base import Classifier
from camsortxs.features.base import Features, Featurizer
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES, Technique

GRID = 8
"""The longer side of a frame is cut into this many areas."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the image alone says, and what it says it by.

    `probabilities` in the order of `TECHNIQUES`, of which `technique` is the most probable. `features` are
    (name, value, loss), the largest loss first; `areas` (rows, columns) is the loss when an area of the frame is
    masked, NaN where it is masked anyway. A loss is probability of the technique; a gain is negative.
    """

    technique: Technique
    probabilities: tuple[float, ...]
    features: tuple[tuple[str, float, float], ...]
    areas: Array


def explain(
    frame: Frame, featurizer: Featurizer, classifier: Classifier, others: npt.NDArray[np.float32]
) -> Explanation:
    """Take away one area at a time, then one feature at a time, and ask again.

    An area is taken away by masking it. A feature is taken away by giving it the values that it has in `others`
    (rows, features), frames of all kinds, and taking the mean of the answers: what the model would say, did it know all
    but this. Features that say the same stand in for each other, so that the loss of each may be small.

    Source: M. D. Zeiler and R. Fergus, ECCV 2014, 818 (occlusion); L. Breiman, Mach. Learn. 45, 5 (2001) (permutation).

    Raises
    ------
    FrameError
        When the frame has no valid pixel outside of an area.
    """
    features = featurizer.featurize([frame])
    probabilities = classifier.classify(features)[0]
    best = int(np.argmax(probabilities))
    values = features.values[0]
    swapped = np.repeat(values[None], len(values) * len(others), axis=0).reshape(len(values), len(others), -1)
    place = np.arange(len(values))
    swapped[place, :, place] = others.T
    answers = _ask(classifier, features, swapped.reshape(-1, len(values)))[:, best].reshape(len(values), len(others))
    losses = probabilities[best] - answers.mean(axis=1)
    order = np.argsort(-losses)
    return Explanation(
        technique=TECHNIQUES[best],
        probabilities=tuple(float(p) for p in probabilities),
        features=tuple((features.names[i], float(values[i]), float(losses[i])) for i in order),
        areas=_areas(frame, featurizer, classifier, best, float(probabilities[best])),
    )


def _ask(classifier: Classifier, like: Features, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return classifier.classify(Features(keys=like.keys * len(values), names=like.names, values=values))


def _areas(frame: Frame, featurizer: Featurizer, classifier: Classifier, best: int, whole: float) -> Array:
    side = max(frame.image.shape) / GRID
    shape = tuple(max(1, round(pixels / side)) for pixels in frame.image.shape)
    losses = np.full(shape, np.nan)
    for row, column, area in _cut(frame.image.shape, shape):
        if not frame.mask[area].mean() > 0.9:
            mask = frame.mask.copy()
            mask[area] = True
            without = featurizer.featurize([replace(frame, mask=mask)])
            losses[row, column] = whole - float(classifier.classify(without)[0, best])
    return losses


def _cut(shape: tuple[int, ...], areas: tuple[int, ...]) -> Iterator[tuple[int, int, Any]]:
    rows, columns = (np.linspace(0, side, count + 1).astype(int) for side, count in zip(shape, areas, strict=True))
    for row in range(areas[0]):
        for column in range(areas[1]):
            yield row, column, np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
