"""The features of a batch, and the port that makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Frame, FrameKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """`values` (batch, features) float32, on the host; `names` name each column, `keys` each row."""

    keys: tuple[FrameKey, ...]
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.keys), len(self.names)) or self.values.dtype != np.float32:
            raise ValueError(f"values {self.values.dtype} {self.values.shape} for {len(self.keys)} x {len(self.names)}")


class Featurizer(Protocol):
    """A pure function from frames to features: nothing fitted lives in it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature, in order."""
        ...

    @property
    def digest(self) -> str:
        """Sha256 of the feature spec: equal digests mean equal features."""
        ...

    def featurize(self, frames: Sequence[Frame]) -> Features:
        """Return the features of `frames`, each row finite and independent of the other frames."""
        ...
