"""Labelled pictures as a network is shown them: split by group, turned at random."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from camsortxs.errors import ModelError
from camsortxs.features.embedding import PICTURE_SIDE, picture_of
from camsortxs.features.standard import standardise
from camsortxs.frames import Frame
from camsortxs.offline.dataset import LabelledFrame
from camsortxs.techniques import TECHNIQUES

PARTS = 6
"""A sixth or so of the frames, in whole groups, stops the training, another measures it, the rest is learnt."""
_GAIN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """`images` (pictures, 128, 128) uint8, the place of each label in `TECHNIQUES`, and the groups."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[Any]

    @property
    def digest(self) -> str:
        """Sha256 of pictures, labels and groups."""
        state = hashlib.sha256(self.images.tobytes())
        state.update(self.labels.tobytes())
        state.update("\n".join(map(str, self.groups)).encode())
        return state.hexdigest()

    def at(self, places: npt.NDArray[np.int64]) -> "Pictures":
        """Return those at `places`."""
        return Pictures(images=self.images[places], labels=self.labels[places], groups=self.groups[places])

    def and_(self, other: "Pictures") -> "Pictures":
        """Return these and those of `other`."""
        return Pictures(
            images=np.concatenate([self.images, other.images]),
            labels=np.concatenate([self.labels, other.labels]),
            groups=np.concatenate([self.groups.astype(str), other.groups.astype(str)]),
        )


def gather(rows: Iterable[tuple[npt.NDArray[np.uint8], int, str]]) -> Pictures:
    """Put pictures with their labels and groups together."""
    kept = list(rows)
    return Pictures(
        images=np.array([image for image, _, _ in kept], np.uint8).reshape(-1, PICTURE_SIDE, PICTURE_SIDE),
        labels=np.array([label for _, label, _ in kept], np.int64),
        groups=np.array([group for _, _, group in kept], dtype=str),
    )


def read_pictures(labelled: Iterable[LabelledFrame]) -> Pictures:
    """Return the pictures of labelled frames, whose groups are their sources."""
    return gather((eight_bits(item.frame), int(np.argmax(item.target)), item.group) for item in labelled)


def eight_bits(frame: Frame) -> npt.NDArray[np.uint8]:
    """Return the picture (128, 128) of a frame in 256 levels, which is how training sees it."""
    levels: npt.NDArray[np.uint8] = np.rint(picture_of(standardise(frame)) * 255).astype(np.uint8)
    return levels


def split(pictures: Pictures, seed: int) -> tuple[Pictures, Pictures, Pictures]:
    """Return what is learnt, what stops the training, and what measures it: no group is in two of them.

    Raises
    ------
    ModelError
        When there are fewer than three groups.
    """
    groups = len(set(pictures.groups.tolist()))
    if groups < 3:
        raise ModelError(f"{groups} groups cannot be split into training, validation and measurement: give three")
    folds = StratifiedGroupKFold(min(PARTS, groups), shuffle=True, random_state=seed)
    try:
        places = [apart for _, apart in folds.split(pictures.images, pictures.labels, pictures.groups)]
    except ValueError as error:
        raise ModelError(f"{len(pictures.labels)} frames are too few to be split ({error})") from error
    if any(len(part) == 0 for part in places[:2]):
        raise ModelError("the groups cannot be split: most of the frames are of one source")
    return pictures.at(np.sort(np.concatenate(places[2:]))), pictures.at(places[0]), pictures.at(places[1])


def batches(
    pictures: Pictures, size: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield each picture once (batch, 128, 128, 1) with its target (batch, 4), in random order, turned and brightened.

    A detector may be mounted in any quarter turn, and a mirrored sample is a sample: all eight are the same technique.
    Other angles would tilt the horizon and the cut-off of the detector as nobody mounts them. More light bends
    log(1 + counts), which on the standardised scale is nearly a power.
    """
    order = rng.permutation(len(pictures.labels))
    levels = np.linspace(0.0, 1.0, 256)
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        images = np.empty((len(chosen), PICTURE_SIDE, PICTURE_SIDE, 1), dtype=np.float32)
        powers = np.exp(rng.uniform(-_GAIN, _GAIN, len(chosen)))
        turns, mirrored = rng.integers(4, size=len(chosen)), rng.random(len(chosen)) < 0.5
        for image, place, power, turn, mirror in zip(images, chosen, powers, turns, mirrored, strict=True):
            turned = np.rot90(pictures.images[place], turn)
            image[..., 0] = (levels**power).astype(np.float32)[turned[:, ::-1] if mirror else turned]
        yield images, targets(pictures.labels[chosen])


def shown(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return pictures (batch, 128, 128) as they are, for a network (batch, 128, 128, 1)."""
    return (images[..., None] / np.float32(255)).astype(np.float32)


def targets(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the probabilities (batch, 4) to aim at: all on the label, for what lies between is left out."""
    return np.eye(len(TECHNIQUES), dtype=np.float32)[labels]
