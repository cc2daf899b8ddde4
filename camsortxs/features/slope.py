"""Gradients of an image that is smoothed over its valid pixels."""

from typing import Any

import numpy as np

from camsortxs.compiled import compiled
from camsortxs.features.filters import Image, gaussian


def slopes(image: Image, near: Image, sigma: float) -> tuple[Image, Image]:
    """Return the gradient along rows and columns of `image` blurred by `sigma` pixels, as `numpy.gradient`.

    The blur is normalised by that of the valid pixels (`valid.near`), so that others, which are 0, do not matter.
    """
    down, across = _slopes(gaussian(image, sigma), near)
    return down, across


@compiled
def _slopes(light: Any, near: Any) -> Any:
    rows, columns = light.shape
    smooth = np.empty_like(light)
    for i in range(rows):
        for j in range(columns):
            smooth[i, j] = light[i, j] / near[i, j]
    down, across = np.empty_like(light), np.empty_like(light)
    for i in range(rows):
        before, here, after = smooth[max(i - 1, 0)], smooth[i], smooth[min(i + 1, rows - 1)]
        step = np.float32(0.5 if 0 < i < rows - 1 else 1.0)
        for j in range(columns):
            down[i, j] = (after[j] - before[j]) * step
        across[i, 0], across[i, columns - 1] = here[1] - here[0], here[columns - 1] - here[columns - 2]
        for j in range(1, columns - 1):
            across[i, j] = (here[j + 1] - here[j - 1]) * np.float32(0.5)
    return down, across
