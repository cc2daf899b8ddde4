"""What a bundle knows about itself: golden rows and golden frames, with the probabilities that they must give."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.arrays import packed, unpacked
from camsortxs.classifiers.base import Classifier
from camsortxs.classifiers.bundle import Bundle
from camsortxs.errors import FrameError, ModelError
from camsortxs.features.base import Features, Featurizer
from camsortxs.frames import Frame, FrameKey
from camsortxs.masks import bad_pixels

ROWS, FRAMES = "golden", "golden_frames"
"""The roles of the two files."""
ROW_TOLERANCE = 1e-4
FRAME_TOLERANCE = 0.02
"""Features may differ in their last digit from machine to machine, and move a frame to another leaf of a few trees."""
MAX_SIDE = 256

Image = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.float32]


def rows_of(bundle: Bundle) -> tuple[npt.NDArray[np.float32], Probabilities]:
    """Return the golden rows: features (rows, features) and probabilities (rows, 4).

    Raises
    ------
    ModelError
        When the bundle carries none, or they cannot be read.
    """
    arrays = unpacked(bundle, ROWS, ("features", "probabilities"), called="golden rows")
    return arrays["features"], arrays["probabilities"]


def frames_of(bundle: Bundle) -> tuple[tuple[Frame, ...], Probabilities]:
    """Return the golden frames and their probabilities (frames, 4); errors as of `rows_of`."""
    arrays = unpacked(bundle, FRAMES, ("probabilities",), called="golden frames")
    probabilities = arrays["probabilities"]
    try:
        frames = as_frames([arrays[f"frame_{place}"] for place in range(len(probabilities))])
    except (KeyError, FrameError) as error:
        raise ModelError(f"{bundle.folder}: the golden frames cannot be used ({error}): restore them") from error
    return frames, probabilities


def as_frames(images: Sequence[Image]) -> tuple[Frame, ...]:
    """Return images (height, width) as frames whose bad pixels were searched for, as the line does."""
    return tuple(
        Frame(
            key=FrameKey(run="golden", stream="golden", data_key="golden", index=place),
            image=image,
            mask=bad_pixels(image),
        )
        for place, image in enumerate(images)
    )


def pack_rows(features: npt.NDArray[np.float32], probabilities: Probabilities) -> bytes:
    """Return the contents of the file of golden rows."""
    return packed(features=features, probabilities=probabilities)


def pack_frames(images: Sequence[Image], probabilities: Probabilities) -> bytes:
    """Return the contents of the file of golden frames.

    Raises
    ------
    ValueError
        When an image does not hold integers, or is larger than 256 pixels a side.
    """
    for image in images:
        if image.dtype.kind not in "iu" or image.ndim != 2 or max(image.shape) > MAX_SIDE:
            raise ValueError(f"a golden frame of {image.dtype} {image.shape}: integers, up to {MAX_SIDE} a side")
    return packed(**{f"frame_{place}": image for place, image in enumerate(images)}, probabilities=probabilities)


def check_rows(bundle: Bundle, classifier: Classifier) -> float:
    """Ask the classifier about the golden rows; return the largest difference.

    Raises
    ------
    ModelError
        When a probability differs by more than `ROW_TOLERANCE`, or the bundle carries no golden rows.
    """
    values, expected = rows_of(bundle)
    keys = tuple(FrameKey(run="golden", stream="golden", data_key="golden", index=i) for i in range(len(values)))
    try:
        features = Features(keys=keys, names=classifier.feature_names, values=values)
    except ValueError as error:
        raise ModelError(f"{bundle.folder}: the golden rows are not those of its classifier: {error}") from error
    return _agree(bundle, "rows", classifier.classify(features), expected, ROW_TOLERANCE)


def check_frames(bundle: Bundle, featurizer: Featurizer, classifier: Classifier) -> float:
    """Ask featurizer and classifier together about the golden frames; return the largest difference.

    Raises
    ------
    ModelError
        When a probability differs by more than `FRAME_TOLERANCE`, or the bundle carries no golden frames.
    """
    frames, expected = frames_of(bundle)
    served = classifier.classify(featurizer.featurize(frames))
    return _agree(bundle, "frames", served, expected, FRAME_TOLERANCE)


def _agree(bundle: Bundle, what: str, served: Probabilities, expected: Probabilities, tolerance: float) -> float:
    difference = float(np.abs(served - expected).max()) if served.shape == expected.shape else np.inf
    if not difference <= tolerance:
        raise ModelError(
            f"{bundle.folder} does not reproduce its own golden {what}: {difference:.2g} apart, {tolerance:g} at most. "
            "This version of camSortXS computes something else than the one that exported it: use that one, or train "
            "and export the model again"
        )
    return difference
