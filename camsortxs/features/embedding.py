"""What a trained convolutional network sees in a frame: the port that representations 7 and 8 look through."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.features.fill import filled
from camsortxs.features.once import once
from camsortxs.features.sizes import SIDE
from camsortxs.features.standard import Standard

PICTURE_SIDE = 128
"""Height and width of the picture that a network looks at."""

Single = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a network makes of one picture.

    `probabilities` (4,) of its own head, in the order of `TECHNIQUES`; `numbers` (embedding,), what stands before that
    head; `map` (height, width, channels), what its last convolution answers; `weights` (4, channels), the mean over
    the map of the derivative of each technique's score (before softmax), which is what Grad-CAM weighs the map with.
    """

    probabilities: Single
    numbers: Single
    map: Single
    weights: Single


class Embedding(Protocol):
    """A trained network, ready to look. `sha256` is that of its weights, and with it part of a feature spec."""

    @property
    def name(self) -> str:
        """The family, as in `deep.<name>`."""
        ...

    @property
    def version(self) -> str:
        """Its own version."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file that holds graph and weights: equal hashes mean equal numbers."""
        ...

    def __hash__(self) -> int: ...

    def look(self, picture: Single) -> Seen:
        """Look at one picture (PICTURE_SIDE, PICTURE_SIDE) in [0, 1]."""
        ...


def picture_of(standard: Standard) -> Single:
    """Return what a network is shown (PICTURE_SIDE, PICTURE_SIDE): bad pixels and padding filled, 2 x 2 means.

    Filled smoothly (`camsortxs.features.fill`), and the mask is not shown beside it: which pixels are bad tells the
    detector, not the technique, and a network that sees gaps learns which techniques its training set has drawn on
    which detector. Zeros in place of the bad pixels would show the mask by its edges.

    >>> from camsortxs.features.standard import standardise
    >>> from camsortxs.frames import Frame, FrameKey
    >>> key = FrameKey(run="r", stream="s", data_key="d", index=0)
    >>> picture_of(standardise(Frame(key=key, image=np.eye(60), mask=np.zeros((60, 60), bool)))).shape
    (128, 128)
    """
    step = SIDE // PICTURE_SIDE
    cells = filled(standard).reshape(PICTURE_SIDE, step, PICTURE_SIDE, step)
    picture: Single = np.clip(cells.mean(axis=(1, 3)), 0.0, 1.0).astype(np.float32)  # filling rounds
    return picture


@once
def seen(standard: Standard, embedding: Embedding) -> Seen:
    """Look at a standardised frame, once for all the representations of one network."""
    return embedding.look(picture_of(standard))
