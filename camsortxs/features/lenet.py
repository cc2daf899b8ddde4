"""Method 7: a LeNet trained in domain.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86, 2278 (1998), adapted to pictures of 128 x 128
(`camsortxs.offline.embedding.families`).
"""

import numpy as np
import numpy.typing as npt

from camsortxs.features.embedding import Embedding, seen
from camsortxs.features.standard import Standard

NAME = "lenet"
DENSE = 84
CHANNELS = 16
PARTS = 2
DENSE_COLUMNS = tuple(f"e{i:02d}" for i in range(DENSE))
MAP_COLUMNS = tuple(f"r{r}c{c}.k{k:02d}" for r in range(PARTS) for c in range(PARTS) for k in range(CHANNELS))


def dense(standard: Standard, embedding: Embedding) -> npt.NDArray[np.float32]:
    """Return what the last dense layer before the classes answers (84,)."""
    return seen(standard, embedding).numbers


def pooled_map(standard: Standard, embedding: Embedding) -> npt.NDArray[np.float32]:
    """Return the means of the last convolutional map over each quarter of the picture (2 x 2 x 16 = 64,)."""
    image = seen(standard, embedding).map
    side, channels = image.shape[0] // PARTS, image.shape[2]
    pooled: npt.NDArray[np.float32] = image.reshape(PARTS, side, PARTS, side, channels).mean(axis=(1, 3)).ravel()
    return pooled
