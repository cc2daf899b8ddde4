"""Several representations of one standardised frame, joined into one featurizer."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from camsortxs.compiled import compiling
from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.features.catalogue import CATALOGUE, STANDARD_VERSION, Representation
from camsortxs.features.embedding import Embedding
from camsortxs.features.standard import standardise
from camsortxs.frames import Frame, FrameKey
from camsortxs.masks import bad_pixels


class Chain:
    """The representations named, one after another, looking through the `embeddings` (by name) that they need.

    >>> chain = Chain(["histogram.statistics", "glcm.d1"])
    >>> chain.names[0], len(chain.names), len(chain.digest)
    ('histogram.statistics.entropy', 19, 64)

    Raises
    ------
    ModelError
        When a name is not in the catalogue, or none is given, or an embedding that one needs is missing.
    """

    def __init__(self, representations: Sequence[str], embeddings: Mapping[str, Embedding] | None = None) -> None:
        unknown = [name for name in representations if name not in CATALOGUE]
        if unknown or not representations:
            raise ModelError(f"unknown representations {unknown}: this version has {', '.join(CATALOGUE)}")
        self._parts = tuple(CATALOGUE[name] for name in representations)
        given = embeddings or {}
        if missing := [part.name for part in self._parts if part.embedding and part.embedding not in given]:
            raise ModelError(
                f"{', '.join(missing)} cannot be computed without an embedding: train it with "
                "`camsortxs train-embedding`, or use a bundle that carries it"
            )
        self._embeddings = {part.embedding: given[part.embedding] for part in self._parts if part.embedding}
        self._compute = [
            partial(part.compute, embedding=given[part.embedding]) if part.embedding else part.compute
            for part in self._parts
        ]
        self._names = tuple(f"{part.name}.{column}" for part in self._parts for column in part.columns)
        self._digest = hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode()).hexdigest()

    @property
    def spec(self) -> dict[str, Any]:
        """What defines the features: the versions of the standardised frame and of each representation, in order.

        A representation that looks through an embedding also names the sha256 of its weights.
        """
        return {"standard": STANDARD_VERSION, "representations": [self._entry(part) for part in self._parts]}

    @property
    def representations(self) -> tuple[str, ...]:
        """The names that it was made of."""
        return tuple(part.name for part in self._parts)

    @property
    def embeddings(self) -> Mapping[str, Embedding]:
        """The embeddings that it looks through, by name."""
        return MappingProxyType(self._embeddings)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature, in order."""
        return self._names

    @property
    def digest(self) -> str:
        """Sha256 of the canonical spec."""
        return self._digest

    def featurize(self, frames: Sequence[Frame]) -> Features:
        """Return (batch, features): each row finite, a function of its own frame alone."""
        values = np.empty((len(frames), len(self._names)), dtype=np.float32)
        for row, frame in zip(values, frames, strict=True):
            standard = standardise(frame)
            row[:] = np.nan_to_num(np.concatenate([compute(standard) for compute in self._compute]), posinf=0, neginf=0)
        return Features(keys=tuple(frame.key for frame in frames), names=self._names, values=values)

    def warm_up(self) -> None:
        """Compile what is compiled at its first use, some seconds, before a frame waits for it."""
        key = FrameKey(run="warm-up", stream="warm-up", data_key="warm-up", index=0)
        rng = np.random.default_rng(0)
        with compiling():
            for dtype in (np.int32, np.uint32, np.uint16, np.float32):
                image = rng.poisson(5.0, (64, 64)).astype(dtype)
                self.featurize([Frame(key=key, image=image, mask=bad_pixels(image))])

    def _entry(self, part: Representation) -> list[str | int]:
        entry: list[str | int] = [part.name, part.version]
        return [*entry, self._embeddings[part.embedding].sha256] if part.embedding else entry
