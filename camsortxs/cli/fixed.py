"""Simulated frames that are the same for every model: golden frames, and an evaluation set for those without their own.

Their seeds are for this alone: a model that learns from them would be asked what it was told.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs import __version__
from camsortxs.classifiers.champion import EvaluationSet
from camsortxs.offline.duel import Question
from camsortxs.techniques import TECHNIQUES

GOLDEN_SEED = 977_000_001
EVALUATION_SEED = 977_000_002
_SHAPE = (192, 160)
_EACH = 2


def golden_images() -> list[npt.NDArray[np.integer[Any]]]:
    """Return eight small images (192, 160) of counts, two a technique: those that a bundle checks itself on."""
    from camsortxs import simulate  # here, for it compiles

    images: list[npt.NDArray[Any]] = []
    for technique in TECHNIQUES:
        found: list[npt.NDArray[Any]] = []
        index = 0
        while len(found) < _EACH:
            drawn = simulate.draw(str(technique), seed=GOLDEN_SEED, index=index, shape=_SHAPE)
            index += 1
            if drawn.technique is technique and "mid" not in drawn.flags and drawn.image.dtype.kind in "iu":
                found.append(drawn.image)
        images += found
    return images


def simulated_questions(count: int) -> Iterator[Question]:
    """Draw `count` frames of the four techniques and a quarter as many that show none of them, one by one.

    The groups are detectors, named apart from those of training. Frames between small and wide angle are left out:
    nobody can be wrong about them.
    """
    from camsortxs import simulate

    empty = [kind for kind in simulate.KINDS if kind not in set(map(str, TECHNIQUES))]
    for kinds, number in ((TECHNIQUES, count), (empty, count // 4)):
        for drawn in simulate.draw_many(kinds, count=number, seed=EVALUATION_SEED):
            if "mid" not in drawn.flags:
                yield Question(
                    frame=drawn.frame(),
                    technique=drawn.technique,
                    group=f"simulated for evaluation: {drawn.detector}",
                    name=f"{drawn.kind} {drawn.index}",
                )


def simulated_evaluation(count: int) -> EvaluationSet:
    """Return what identifies that set: how it is drawn, and by which version."""
    spec = {"simulated": count, "seed": EVALUATION_SEED, "camsortxs": __version__}
    return EvaluationSet(
        digest=hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest(),
        frames=count,
        groups=0,
        description=f"{count} simulated frames of seed {EVALUATION_SEED}",
    )
