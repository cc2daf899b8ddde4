"""A measured frame as another instrument would have recorded it: the same technique, another detector."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from camsortxs.frames import Frame
from camsortxs.simulate.detectors import DETECTORS

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Rng = np.random.Generator
Change = Callable[[Image, Mask, Rng], tuple[Image, Mask]]

_BAD = -1
_SMALLEST = 192
"""Pixels of a side: no frame is binned or cropped below it."""
_HABITS = (0.5, 0.35, 0.25, 0.4, 0.3, 0.35, 0.7)


def augmented(frame: Frame, *, seed: int) -> Frame:
    """Return `frame` mirrored, turned, tilted, cropped, binned, with other gaps, another stop or another exposure.

    Each change comes by chance, all from `seed`; none moves a frame to another technique. The image becomes int32
    where it was integer, else float32, with -1 in bad pixels; the geometry is left out, for it fits no longer.
    """
    rng = np.random.default_rng(seed)
    image, mask = np.where(frame.mask, 0, frame.image).astype(np.float32), frame.mask
    for change, likely in zip((_mirror, _turn, _tilt, _crop, _bin, _gaps, _expose), _HABITS, strict=True):
        if rng.random() < likely:
            image, mask = change(image, mask, rng)
    if rng.random() < 0.25:  # last, for it looks for the beam
        image, mask = _stop(image, mask, rng)
    counts: npt.NDArray[Any] = np.where(mask, _BAD, image)
    if frame.image.dtype.kind in "iu":
        counts = np.clip(np.rint(counts), _BAD, np.iinfo(np.int32).max // 2).astype(np.int32)
    else:
        counts = counts.astype(np.float32)
    key = replace(frame.key, run=f"{frame.key.run}~{seed}")
    return replace(frame, key=key, image=counts, mask=np.ascontiguousarray(mask), geometry=None)


def _mirror(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    return image[:, ::-1], mask[:, ::-1]


def _turn(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """A detector may be mounted in any quarter turn."""
    turns = int(rng.integers(1, 4))
    return np.rot90(image, turns), np.rot90(mask, turns)


def _tilt(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """Mounted a few degrees askew; what turns in from outside is bad."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 3)), 1.0)
    pixels = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), flags=cv2.INTER_NEAREST)
    bad = cv2.warpAffine(
        mask.astype(np.uint8),
        matrix,
        (width, height),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(1.0,),
    )
    return pixels.astype(np.float32, copy=False), bad.astype(bool)


def _crop(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """A smaller detector at the same place: it keeps most of what was seen."""
    windows = []
    for side in image.shape:
        kept = max(int(side * rng.uniform(0.7, 1.0)), min(side, _SMALLEST))
        start = int(rng.integers(0, side - kept + 1))
        windows.append(slice(start, start + kept))
    rows, columns = windows
    return (image, mask) if mask[rows, columns].mean() > 0.5 else (image[rows, columns], mask[rows, columns])


def _bin(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """Pixels twice as large; a large one is bad when one of its four is."""
    if min(image.shape) < 2 * _SMALLEST:
        return image, mask
    rows, columns = (side // 2 * 2 for side in image.shape)
    pixels, bad = (each[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2) for each in (image, mask))
    return pixels.sum(axis=(1, 3)), bad.any(axis=(1, 3))


def _gaps(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """The modules of another detector."""
    modular = [detector for detector in DETECTORS.values() if detector.module]
    detector = modular[int(rng.integers(len(modular)))]
    if (detector.shape[0] > detector.shape[1]) != (image.shape[0] > image.shape[1]):
        detector = detector.turned()
    both = mask | detector.gaps(image.shape)
    return (image, mask) if both.mean() > 0.6 else (image, both)


def _expose(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """Shorter (photons are thinned) or longer by up to a factor of 30."""
    factor = float(np.exp(rng.uniform(np.log(1 / 30), np.log(30))))
    whole = not np.any(image % 1)
    if factor > 1 or not whole or image.min() < 0:
        return image * np.float32(factor), mask
    thinned = rng.binomial(np.minimum(image, 1e9).astype(np.int64), factor).astype(np.float32)
    # Too few photons would make it a frame that shows nothing.
    return (thinned, mask) if np.count_nonzero(thinned) > 0.05 * thinned.size else (image, mask)


def _stop(image: Image, mask: Mask, rng: Rng) -> tuple[Image, Mask]:
    """Another stop over the brightest place, with an arm to one side."""
    blurred = cv2.blur(np.where(mask, 0, np.log1p(np.maximum(image, 0))), (15, 15))
    row, column = np.unravel_index(int(blurred.argmax()), blurred.shape)
    height, width = image.shape
    radius = rng.uniform(0.01, 0.05) * float(np.hypot(height, width))
    rows, columns = (np.arange(side, dtype=np.float32) for side in image.shape)
    hidden = np.hypot(rows[:, None] - row, columns[None, :] - column) < radius
    arm = np.abs(columns[None, :] - column) < rng.uniform(0.1, 0.5) * radius
    hidden |= arm & ((rows[:, None] > row) if rng.random() < 0.5 else (rows[:, None] < row))
    return np.where(hidden, image * np.float32(rng.uniform(0, 0.02)), image), mask
