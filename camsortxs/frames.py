"""A frame, what is known about it, and the port that frames arrive through."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import prod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from camsortxs.errors import FrameError

MAX_PIXELS = 64_000_000
"""A frame with more pixels than this is refused: the largest detector in use (Eiger2 16M) has 18 million."""
MIN_SIDE = 16
"""An array with a side shorter than this is a spectrum or a table, not an image, whatever was declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameKey:
    """The identity of a frame: which run, which stream, which detector, which of its frames."""

    run: str
    stream: str
    data_key: str
    index: int

    def __str__(self) -> str:
        return f"{self.run}/{self.stream}/{self.data_key}[{self.index}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Where the detector stood. Each value is None where the metadata does not say.

    Distances in metre, wavelength in metre, the beam centre as (row, column) in pixel, the incidence angle in degree.
    """

    distance: float | None = None
    wavelength: float | None = None
    pixel_size: float | None = None
    beam_centre: tuple[float, float] | None = None
    incidence_angle: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One detector image: `image` (height, width), `mask` of the same shape, True = bad pixel.

    `taken_at` is in UTC.

    Raises
    ------
    FrameError
        When the image is not 2-D, is complex or not numeric, has no pixel, too many, or no valid one.
    """

    key: FrameKey
    image: npt.NDArray[Any]
    mask: npt.NDArray[np.bool_]
    geometry: Geometry | None = None
    taken_at: datetime | None = None
    detector: str | None = None

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.mask.shape != self.image.shape or self.mask.dtype != np.bool_:
            raise FrameError("bad_mask", f"{self.key}: the mask is {self.mask.dtype} {self.mask.shape}")
        if self.mask.all():
            raise FrameError("all_bad", f"{self.key}: not one of {self.image.size} pixels is valid")


def check_image(image: npt.NDArray[Any]) -> None:
    """Refuse an array that no detector writes.

    Raises
    ------
    FrameError
        With reason `not_numeric`, `not_2d`, `empty` or `too_large`.
    """
    check_shape(image.shape, image.dtype)


def check_shape(shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    """Refuse a declared shape and type before any memory is spent on reading it; errors as in `check_image`.

    >>> check_shape((1679, 1475), "int32")
    """
    kind = np.dtype(dtype)
    if kind.kind not in "biuf":
        raise FrameError("not_numeric", f"pixels of type {kind} are not real numbers")
    if len(shape) != 2:
        raise FrameError("not_2d", f"an image of shape {shape} is not two-dimensional")
    pixels = prod(shape)
    if pixels == 0:
        raise FrameError("empty", f"an image of shape {shape} has no pixels")
    if pixels > MAX_PIXELS:
        raise FrameError("too_large", f"{pixels / 1e6:.3g} megapixels are more than {MAX_PIXELS / 1e6:.3g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Something that could not be used, and why; `origin` says where from: a path, or topic/partition/offset.

    `digest` is that of the traceback (`camsortxs.errors.traceback_digest`), where there was one.
    """

    reason: str
    message: str
    origin: Mapping[str, Any] = field(default_factory=dict)
    key: FrameKey | None = None
    payload: bytes | None = None
    digest: str | None = None

    def without_payload(self) -> "Rejected":
        """Return it without the original bytes, for those who keep it for long: a dead letter has them."""
        return replace(self, payload=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Frames whose pixels are still where the detector left them, `key` being that of the first.

    `read` fetches them once somebody has time to look at them, so that no more pixels are in memory than are worked on.
    It may be called in any thread, once; what goes wrong is a `Rejected` of its own.
    """

    key: FrameKey
    read: Callable[[], Sequence[Frame | Rejected]]


INCOMPLETE = "incomplete"
"""How a run ended whose stop document never came: it has a record, but nobody waits for it to be complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """A run is complete, or as complete as it will be (`INCOMPLETE`): its record and its index can be written."""

    run: str
    exit_status: str = "success"


def _nothing() -> None:
    """Do nothing: archives need no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames, read and unread, refusals and run ends that are acknowledged together."""

    frames: tuple[Frame, ...] = ()
    unread: tuple[Unread, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    ended: tuple[RunEnd, ...] = ()
    acknowledge: Callable[[], None] = _nothing

    def read(self) -> "Batch":
        """Return the batch with everything that is unread fetched: for those who need all pixels at once."""
        found = [each for item in self.unread for each in item.read()]
        return replace(
            self,
            frames=(*self.frames, *(each for each in found if isinstance(each, Frame))),
            unread=(),
            rejected=(*self.rejected, *(each for each in found if isinstance(each, Rejected))),
        )


class Source(Protocol):
    """Where frames come from: Kafka, an archive, a folder, a simulator."""

    def batches(self) -> Iterator[Batch]:
        """Yield batches in order until there are no more, or until told to stop.

        Raises
        ------
        SourceError
            When it cannot go on; a single bad frame is a `Rejected` in its batch instead.
        """
        ...
