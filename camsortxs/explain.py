"""Why a frame was named as it was: what the answer loses when a part of the frame, or a feature, is taken away."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.base import Classifier
from camsortxs.features.base import Features, Featurizer
from camsortxs.features.embedding import Embedding, Seen, seen
from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import standardise
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES, Technique

GRID = 8
"""The longer side of a frame is cut into this many areas."""

HEAT_SIDE = 64
"""The longer side of a frame has this many places in what a network looked at."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What an embedding's own head names the technique by.

    `map` (rows, columns) spans the frame, its longer side of `HEAT_SIDE` places: 0 where nothing speaks for
    `technique`, 1 where most does. `probabilities` are that head's, in the order of `TECHNIQUES`.
    """

    embedding: str
    technique: Technique
    probabilities: tuple[float, ...]
    map: Array


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


def look(frame: Frame, embedding: Embedding, technique: Technique) -> Heat:
    """Return where in `frame` the network of `embedding` sees `technique`."""
    standard = standardise(frame)
    found = seen(standard, embedding)
    cam = cv2.resize(grad_cam(found, technique), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    height, width = standard.shape
    cells = tuple(max(1, round(side * HEAT_SIDE / SIDE)) for side in (width, height))
    whole = cv2.resize(cam[standard.rows, standard.columns], cells, interpolation=cv2.INTER_AREA)
    return Heat(
        embedding=f"{embedding.name}@{embedding.version}",
        technique=technique,
        probabilities=tuple(float(p) for p in found.probabilities),
        map=np.asarray(whole, dtype=np.float64) / max(float(whole.max()), 1e-12),
    )


def grad_cam(found: Seen, technique: Technique) -> npt.NDArray[np.float32]:
    """Return what speaks for `technique` (height, width) in the last convolutional map, not scaled.

    Each channel weighs as much as the score of the technique rises with its mean; what speaks against it is cut off.

    Source: R. R. Selvaraju et al., *Grad-CAM*, ICCV 2017, eq. 1 and 2.

    >>> ones = np.ones((2, 2, 1), np.float32)
    >>> weights = np.array([[3.0], [-3.0], [0.0], [0.0]], np.float32)
    >>> found = Seen(probabilities=weights[:, 0], numbers=weights[:, 0], map=ones, weights=weights)
    >>> [grad_cam(found, Technique(name)).tolist() for name in ("SAXS", "WAXS")]
    [[[3.0, 3.0], [3.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """
    heat: npt.NDArray[np.float32] = np.maximum(found.map @ found.weights[TECHNIQUES.index(technique)], np.float32(0))
    return heat


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
