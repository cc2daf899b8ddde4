"""The features of a chain, computed on the device."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.features.catalogue import HANDMADE
from camsortxs.features.chain import Chain
from camsortxs.features.pooling import plain
from camsortxs.frames import Frame, FrameKey

if TYPE_CHECKING:
    from camsortxs.device.graph import FeatureGraph

BATCHES = (1, 4, 16)
"""A graph is compiled for each of these sizes, for each shape and type of frames: seconds each."""
_GRAPHS = 32


class DeviceChain:
    """What `camsortxs.features.chain.Chain` computes on the CPU, under the same names and digest.

    The values are those of the chain to float32 rounding, which also may move a pixel of the standardised frame to the
    next grey level. Runs on the backend and the device of Keras (`KERAS_BACKEND`), which is not imported before the
    first frame, or `warm_up`. Frames of one shape and type go together, `batches` at a time; a smaller number is filled
    up with empty frames. May be called from several threads, which take turns.

    >>> chain = DeviceChain(["histogram.statistics", "glcm.d1"])
    >>> chain.digest == Chain(["histogram.statistics", "glcm.d1"]).digest
    True

    Raises
    ------
    ModelError
        When a name is not in the catalogue, or none is given, or one looks through an embedding.
    """

    def __init__(self, representations: Sequence[str], batches: Sequence[int] = BATCHES) -> None:
        if deep := [name for name in representations if name not in HANDMADE]:
            raise ModelError(f"unknown representations {deep}: the device computes {', '.join(HANDMADE)}")
        self._chain = Chain(representations)
        self._batches = sorted(batches)
        self._graph = lru_cache(maxsize=_GRAPHS)(partial(_graph, tuple(representations)))
        self._turn = Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature, in order."""
        return self._chain.names

    @property
    def digest(self) -> str:
        """Sha256 of the canonical spec, that of the chain on the CPU."""
        return self._chain.digest

    def featurize(self, frames: Sequence[Frame]) -> Features:
        """Return (batch, features): each row finite, a function of its own frame alone."""
        values = np.empty((len(frames), len(self.names)), dtype=np.float32)
        alike: dict[tuple[tuple[int, ...], str], list[int]] = {}
        plains = [plain(frame.image) for frame in frames]
        for place, image in enumerate(plains):
            alike.setdefault((image.shape, image.dtype.name), []).append(place)
        for (shape, kind), places in alike.items():
            for size, batch in self._portions(places):
                images, masks = np.zeros((size, *shape), kind), np.zeros((size, *shape), np.bool_)
                for row, place in enumerate(batch):
                    images[row], masks[row] = plains[place], frames[place].mask
                with self._turn:
                    found = self._graph(size, shape, kind).predict_on_batch({"images": images, "masks": masks})
                joined = np.concatenate([found[name] for name in self._chain.representations], axis=1)[: len(batch)]
                values[batch] = np.nan_to_num(joined, posinf=0, neginf=0)
        return Features(keys=tuple(frame.key for frame in frames), names=self.names, values=values)

    def warm_up(self) -> None:
        """Start the backend, some seconds, before a frame waits for it; each shape is compiled when it first comes."""
        key = FrameKey(run="warm-up", stream="warm-up", data_key="warm-up", index=0)
        self.featurize([Frame(key=key, image=np.ones((64, 64), np.int32), mask=np.zeros((64, 64), np.bool_))])

    def _portions(self, places: list[int]) -> Iterator[tuple[int, list[int]]]:
        """Yield which frames go together, and the size that they are filled up to."""
        most = self._batches[-1]
        for start in range(0, len(places), most):
            batch = places[start : start + most]
            yield next(size for size in self._batches if size >= len(batch)), batch


def _graph(representations: tuple[str, ...], size: int, shape: tuple[int, ...], kind: str) -> "FeatureGraph":
    """Return a graph for batches of one size, shape and type: with another one, TensorFlow would trace it anew."""
    from camsortxs.device.graph import FeatureGraph

    return FeatureGraph(representations)
