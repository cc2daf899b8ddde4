"""What a worker is told and what it answers, as bytes: msgpack of plain values, and no pickle."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgpack
import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReader, PixelReference
from camsortxs.errors import FrameError, traceback_digest
from camsortxs.evidence import Evidence
from camsortxs.flags import Flag
from camsortxs.frames import FrameKey, Geometry, Rejected, Unread
from camsortxs.look import Looks, Seen
from camsortxs_agent.announced import UNHEARD_OF, Announced, Fetch
from camsortxs_agent.streams import Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """The images of one event of one detector, and the files in which they are found.

    `frames` are how many there should be; None asks how many there are, and for nothing else.
    """

    run: str
    stream: str
    data_key: str
    detector: str
    shape: tuple[int, int] | None
    event: int
    frames: int | None
    taken_at: datetime | None
    geometry: Geometry | None
    reference: PixelReference

    @classmethod
    def of(cls, announced: Announced, frames: int | None) -> "Errand | None":
        """Return the errand; None when there is none: the pixels are not in files, or nobody knows where."""
        try:
            reference = announced.find()
        except (FrameError, *UNHEARD_OF):  # whoever looks at it here will find out, and refuse it
            return None
        if not (isinstance(reference, PixelReference) and isinstance(announced.pixels, FilePixels)):
            return None
        return cls(
            run=announced.run,
            stream=announced.stream,
            data_key=announced.detector.data_key,
            detector=announced.detector.name,
            shape=announced.detector.shape,
            event=announced.event,
            frames=frames,
            taken_at=announced.taken_at,
            geometry=announced.geometry,
            reference=reference,
        )

    def unread(self, pixels: PixelReader) -> Unread:
        """Return what is to be looked at, to be read with `pixels`."""
        announced, frames = self.announced(pixels), self.frames or 0
        return Unread(key=announced.key(frames), read=Fetch(announced, frames))

    def announced(self, pixels: PixelReader) -> Announced:
        """Return what the documents said, with the `pixels` to be read."""
        return Announced(
            run=self.run,
            stream=self.stream,
            detector=Detector(data_key=self.data_key, name=self.detector, frames=self.frames or 1, shape=self.shape),
            event=self.event,
            taken_at=self.taken_at,
            geometry=self.geometry,
            find=lambda: self.reference,
            pixels=pixels,
        )


_ERRAND = TypeAdapter(Errand)


def pack_errand(announced: Announced, frames: int | None) -> bytes | None:
    """Return the message that sends a worker; None where the images can be had here alone."""
    errand = Errand.of(announced, frames)
    try:
        # Anything may stand in the parameters of a resource; what no worker can be told is not worth a word here.
        return None if errand is None else _ERRAND.dump_json(errand, warnings="none")
    except PydanticSerializationError:
        return None


def unpack_errand(message: bytes) -> Errand | None:
    """Return the errand of a message; None when it did not survive the way: a number where a name should be."""
    try:
        return _ERRAND.validate_json(message)
    except ValidationError:
        return None


def pack_looks(looks: Looks | None) -> bytes:
    """Return the answer of a worker; None says that it could not make sense of the errand."""
    packed: bytes = msgpack.packb(None if looks is None else _plain(looks), datetime=True)
    return packed


def unpack_looks(answer: bytes) -> Looks | None:
    """Return what `pack_looks` was given."""
    plain = msgpack.unpackb(answer, timestamp=3)
    if plain is None:
        return None
    return Looks(
        seen=tuple(_seen(**each) for each in plain["seen"]),
        rejected=tuple(_rejected(**each) for each in plain["rejected"]),
        seconds=plain["seconds"],
    )


def pack_count(announced: Announced) -> bytes:
    """Return the answer of a worker that was asked how many images there are: that, or why they cannot be read."""
    try:
        found: int | dict[str, Any] = len(announced.load())
    except FrameError as error:
        found = {"reason": error.reason, "message": str(error), "digest": traceback_digest(error)}
    packed: bytes = msgpack.packb(found)
    return packed


def unpack_count(answer: bytes) -> int | Rejected | None:
    """Return what `pack_count` found; None when the worker could not make sense of the question."""
    found = msgpack.unpackb(answer)
    return Rejected(**found) if isinstance(found, dict) else found


def _plain(looks: Looks) -> dict[str, Any]:
    return {
        "seen": [
            {
                "key": asdict(one.key),
                "taken_at": one.taken_at,
                "detector": one.detector,
                "evidence": asdict(one.evidence),
                "values": None if one.values is None else one.values.tobytes(),
                "nothing": one.nothing,
            }
            for one in looks.seen
        ],
        "rejected": [
            {
                "reason": one.reason,
                "message": one.message,
                "key": None if one.key is None else asdict(one.key),
                "digest": one.digest,
            }
            for one in looks.rejected
        ],
        "seconds": looks.seconds,
    }


def _seen(*, key: Any, taken_at: Any, detector: Any, evidence: Any, values: bytes | None, nothing: str | None) -> Seen:
    return Seen(
        key=FrameKey(**key),
        taken_at=taken_at,
        detector=detector,
        evidence=Evidence(**evidence | {"used": tuple(evidence["used"])}),
        values=None if values is None else np.frombuffer(values, np.float32),
        nothing=None if nothing is None else Flag(nothing),
    )


def _rejected(*, key: Any, **rest: Any) -> Rejected:
    return Rejected(key=None if key is None else FrameKey(**key), **rest)
