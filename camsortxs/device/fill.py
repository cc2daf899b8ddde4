"""Something plausible in place of bad pixels, as in `camsortxs.features.fill`."""

from typing import Any

from keras import ops

from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import SIDE

Tensor = Any


@once
def filled(standards: Standards) -> Tensor:
    """Return the images (B, SIDE, SIDE), bad pixels and padding drawn smoothly from the valid pixels around them.

    Pull and push: the image is halved until one pixel is left, and on the way back, pixels without a value take the
    smoothed one of the coarser image.
    """
    image, valid = standards.image, standards.valid
    finer: list[tuple[Tensor, Tensor]] = []
    side = SIDE
    while side > 1:
        finer.append((image, valid))
        side //= 2
        shape = (-1, side, 2, side, 2)
        count = ops.sum(ops.reshape(valid, shape), axis=(2, 4))
        image = ops.sum(ops.reshape(image * valid, shape), axis=(2, 4)) / ops.maximum(count, 1.0)
        valid = ops.cast(count > 0, "float32")
    for level, there in reversed(finer):
        coarse = ops.repeat(ops.repeat(image, 2, axis=1), 2, axis=2)
        image = ops.where(there > 0, level, _smooth(coarse))
    return image


def _smooth(image: Tensor) -> Tensor:
    """Return the mean of 3 x 3 pixels, those at the edge continued outwards."""
    image = ops.pad(image, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    image = image[:, :-2] + image[:, 1:-1] + image[:, 2:]
    return (image[:, :, :-2] + image[:, :, 1:-1] + image[:, :, 2:]) / 9.0
