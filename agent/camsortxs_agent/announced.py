"""The images of one detector in one event: announced by a document, fetched when there is time to look at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy.typing as npt

from camsortxs.adapters.reference import PixelReader, PixelReference, as_images
from camsortxs.errors import FrameError, traceback_digest
from camsortxs.frames import MAX_PIXELS, Frame, FrameKey, Geometry, Rejected
from camsortxs.masks import bad_pixels
from camsortxs_agent.streams import Detector

UNHEARD_OF = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a document of an unheard-of shape leads to, wherever it is looked at."""


@dataclass(frozen=True, kw_only=True)
class Announced:
    """What the documents say of the images; `event` counts from 0.

    `find` gives them as they stand in a document, or says in which files `pixels` will find them.
    """

    run: str
    stream: str
    detector: Detector
    event: int
    taken_at: datetime | None
    geometry: Geometry | None
    find: Callable[[], Any]
    pixels: PixelReader

    def key(self, frames: int, offset: int = 0) -> FrameKey:
        """Return the identity of an image where each event has so many frames."""
        index = self.event * frames + offset
        return FrameKey(run=self.run, stream=self.stream, data_key=self.detector.data_key, index=index)

    def load(self) -> npt.NDArray[Any]:
        """Return the images (frames, height, width).

        Raises
        ------
        FrameError
            Those of the reader; `malformed`; `too_large`, before anything is read.
        """
        shape = self.detector.shape
        if shape and shape[0] * shape[1] > MAX_PIXELS:
            raise FrameError("too_large", f"images of {shape} are declared")
        try:
            found = self.find()
            return self.pixels.read(found) if isinstance(found, PixelReference) else as_images(found)
        except UNHEARD_OF as error:
            raise FrameError("malformed", f"{type(error).__name__}: {error}"[:500]) from error

    def fetch(self, frames: int) -> list[Frame | Rejected]:
        """Return the images as frames, and a refusal for what is none of the `frames` that each event has."""
        try:
            return self.frames(self.load(), frames)
        except FrameError as error:
            return [self.refusal(error, frames)]

    def frames(self, images: npt.NDArray[Any], frames: int) -> list[Frame | Rejected]:
        """Return images that were loaded as frames and refusals."""
        items: list[Frame | Rejected] = []
        if len(images) > frames:
            surplus = FrameError("shape_changed", f"{len(images)} frames in an event, {frames} in the first one")
            items.append(self.refusal(surplus, frames))
        for offset, image in enumerate(images[:frames]):
            try:
                items.append(
                    Frame(
                        key=self.key(frames, offset),
                        image=image,
                        mask=bad_pixels(image),
                        geometry=self.geometry,
                        taken_at=self.taken_at,
                        detector=self.detector.name,
                    )
                )
            except FrameError as error:
                items.append(self.refusal(error, frames, offset))
        return items

    def refusal(self, error: FrameError, frames: int, offset: int = 0) -> Rejected:
        """Say that an image, or all of them, cannot be used."""
        return Rejected(
            reason=error.reason,
            message=str(error),
            key=self.key(frames, offset),
            digest=traceback_digest(error) if error.__traceback__ else None,
        )


Count = Callable[[Announced], int | Rejected | None]
"""Who is asked how many images an event has; the answer is None when they do not know."""


def nobody_counts(announced: Announced) -> None:
    """Know nothing: whoever asks has to read the images."""


class Original:
    """The bytes of a message, for the first of its refusals: a page of bad events is kept once, not once an event."""

    def __init__(self, payload: bytes | None = None) -> None:
        self._left = [payload]
        self.size = len(payload or b"")

    def take(self) -> bytes | None:
        """Return them, to one of all threads that ask."""
        try:
            return self._left.pop()
        except IndexError:
            return None


@dataclass(frozen=True, slots=True)
class Fetch:
    """What an `Unread` waits for: to be called in a thread of this process, or looked into and done by another one.

    `origin` and `original` are those of the message that announced the images: a refusal has them.
    """

    announced: Announced
    frames: int
    origin: Mapping[str, Any] = field(default_factory=dict)
    original: Original = field(default_factory=Original)

    def __call__(self) -> list[Frame | Rejected]:
        """Return the images as frames and refusals."""
        found = self.announced.fetch(self.frames)
        return [self.traced(each) if isinstance(each, Rejected) else each for each in found]

    def traced(self, refused: Rejected) -> Rejected:
        """Return a refusal with where it came from."""
        return replace(refused, origin=self.origin, payload=self.original.take())
