"""How good a model was on the groups that it had not seen, while it was trained."""

from typing import Any

import numpy as np

from camsortxs.offline.dataset import Dataset
from camsortxs.offline.evaluate import answers, evaluate
from camsortxs.offline.train import Trained


def out_of_fold_figures(dataset: Dataset, trained: Trained) -> dict[str, Any]:
    """Return the figures of `evaluate` on measured frames where there are any, else on simulated ones.

    `judged_on` says which, `by_origin` has both. Copies are no frames of their own, and not judged.

    Raises
    ------
    ValueError
        When no frame shows one technique for certain.
    """
    by_origin = {}
    for origin in ("measured", "simulated"):
        rows = np.flatnonzero(dataset.plain & (dataset.origins == origin))
        if len(rows):
            by_origin[origin] = evaluate(answers(dataset.take(rows), trained.out_of_fold[rows], trained.threshold))
    if not by_origin:
        raise ValueError("no frame shows one technique for certain: there is nothing to judge a model by")
    judged_on = next(iter(by_origin))
    return {**by_origin[judged_on], "judged_on": judged_on, "by_origin": by_origin}
