"""How the features of the frames that a model learnt from were distributed: what later frames are compared with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.arrays import packed, unpacked
from camsortxs.classifiers.bundle import Bundle
from camsortxs.errors import ModelError

REFERENCE = "reference"
"""The role of the file."""
BINS = 10
TAIL = 0.5
"""Percent of the training frames that are taken for outliers, on either side."""

Single = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reference:
    """Of each feature: the `edges` (features, BINS - 1) of its deciles, the `shares` (features, BINS) between them.

    `low` and `high` (features,) hold all but the outliers between them.
    """

    edges: Single
    shares: Single
    low: Single
    high: Single

    def bins(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return the bin of each value (frames, features): how many edges it lies above."""
        return np.asarray((values[:, :, None] > self.edges).sum(axis=2, dtype=np.uint8))

    def outside(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Say which values (frames, features) the model has hardly seen the like of."""
        return np.asarray((values < self.low) | (values > self.high))


def reference_of(values: Single) -> Reference:
    """Sum up the features (frames, features) of the training frames.

    >>> reference = reference_of(np.arange(1000, dtype=np.float32)[:, None])
    >>> reference.edges[0, :2].round(1).tolist(), reference.shares.round(1).tolist()[0][:2]
    ([99.9000015258789, 199.8000030517578], [0.10000000149011612, 0.10000000149011612])
    """
    edges = np.percentile(values, np.linspace(0, 100, BINS + 1)[1:-1], axis=0).T.astype(np.float32)
    low, high = np.percentile(values, (TAIL, 100 - TAIL), axis=0).astype(np.float32)
    blank = Reference(edges=edges, shares=np.zeros((len(edges), BINS), np.float32), low=low, high=high)
    # Not a tenth each: many features have a value, 0 say, that is that of several deciles.
    place = blank.bins(values)
    shares = np.stack([(place == k).mean(axis=0) for k in range(BINS)], axis=1, dtype=np.float32)
    return Reference(edges=edges, shares=shares, low=low, high=high)


def pack(reference: Reference) -> bytes:
    """Return the contents of the file."""
    return packed(edges=reference.edges, shares=reference.shares, low=reference.low, high=reference.high)


def load_reference(bundle: Bundle) -> Reference | None:
    """Return the reference of a bundle; None where it carries none.

    Raises
    ------
    ModelError
        When it cannot be read, or is that of other features.
    """
    if REFERENCE not in bundle.files:
        return None
    shapes = {"edges": (BINS - 1,), "shares": (BINS,), "low": (), "high": ()}
    arrays = unpacked(bundle, REFERENCE, tuple(shapes), called="reference of its features")
    features = len(bundle.manifest.features.names)
    if any(
        arrays[name].shape != (features, *shape) or arrays[name].dtype.kind != "f" for name, shape in shapes.items()
    ):
        raise ModelError(f"{bundle.folder}: the reference is not that of its {features} features: restore it")
    return Reference(**{name: arrays[name].astype(np.float32) for name in shapes})
