"""Simulated frames as a table of features, for the commands that train on them or compare with them."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import Progress

from camsortxs.features.chain import Chain
from camsortxs.offline.dataset import Dataset
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.simulate import Drawn

Row = tuple[Any, int, str]


def draw_features(
    kinds: Sequence[str], *, count: int, seed: int, processes: int, chain: Chain, progress: Progress, mid: bool
) -> Dataset:
    """Draw `count` frames of techniques and featurize each where it was drawn: only numbers travel.

    The group of a frame is its detector. Frames between small and wide are left out unless `mid` is wanted.
    """
    from camsortxs import simulate  # here, for it compiles

    drawn = simulate.draw_many(
        kinds, count=count, seed=seed, processes=processes, through=partial(_featurize, chain, mid)
    )
    tracked = progress.track(drawn, total=count, description=f"simulated frames of seed {seed}")
    rows = [row for row in tracked if row is not None]
    return Dataset.certain(
        chain.names,
        values=np.array([values for values, _, _ in rows], dtype=np.float32).reshape(len(rows), len(chain.names)),
        labels=np.array([label for _, label, _ in rows], dtype=np.int64),
        groups=np.array([group for _, _, group in rows]),
    )


def _featurize(chain: Chain, mid: bool, drawn: "Drawn") -> Row | None:
    if drawn.technique is None or (not mid and "mid" in drawn.flags):
        return None
    return chain.featurize([drawn.frame()]).values[0], TECHNIQUES.index(drawn.technique), drawn.detector
