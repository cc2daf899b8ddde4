"""Pixels that lie elsewhere: what documents say of them, and the port that fetches them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.errors import FrameError
from camsortxs.frames import MIN_SIDE, check_image


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelReference:
    """The images of one event, in a file or a series of files.

    `uri` is a file URI or an absolute path, `form` a mimetype or the spec of an old resource, `parameters` are those of
    the (stream) resource, `datum` those of an old datum. `index` counts events within the resource, `frames` are the
    images in one event as declared, `shape` is the declared (height, width).
    """

    uri: str
    form: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    datum: Mapping[str, Any] | None = None
    index: int = 0
    frames: int = 1
    shape: tuple[int, int] | None = None


class PixelReader(Protocol):
    """Fetches the pixels that a reference points at."""

    def read(self, reference: PixelReference) -> npt.NDArray[np.generic]:
        """Return the images of one event, (frames, height, width).

        Raises
        ------
        FrameError
            When they cannot be had: not there in time, not allowed, not readable, too large.
        """
        ...


def as_images(value: Any) -> npt.NDArray[Any]:
    """Return an array or nested list as images (frames, height, width): leading axes run together.

    Raises
    ------
    FrameError
        When there is no image in it: ragged, not numeric, one-dimensional, empty, too large, too narrow, in colour.

    Examples
    --------
    >>> as_images(np.zeros((18, 19))).shape, as_images(np.zeros((5, 2, 18, 19))).shape
    ((1, 18, 19), (10, 18, 19))
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise FrameError("not_numeric", f"not an array: {error}") from error
    if array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim < 2:
        raise FrameError("not_2d", f"an array of shape {array.shape} is not an image")
    if array.size == 0:
        raise FrameError("empty", f"an array of shape {array.shape} has no pixels")
    images = array.reshape(-1, *array.shape[-2:])
    check_image(images[0])
    # Documents may declare what the pixels are not: (100, 120) for (100, 120, 3) would give 100 images of 120 x 3.
    check_colour(array.shape)
    if min(images.shape[1:]) < MIN_SIDE:
        raise FrameError("not_2d", f"an array of shape {array.shape} has images with a side below {MIN_SIDE} pixels")
    return images


def check_colour(shape: tuple[int, ...]) -> None:
    """Refuse an array of colour images (..., height, width, 3 or 4), which is no stack of narrow ones.

    Raises
    ------
    FrameError
        With reason `not_2d`.

    Examples
    --------
    >>> check_colour((5, 1679, 1475))
    """
    if len(shape) > 2 and shape[-1] in (3, 4):
        raise FrameError("not_2d", f"the last axis of an array of shape {shape} looks like colour")
