"""The documents of one run, in order, become frames: all four ways that pixels travel.

Inline event data, event pages, resource and datum (pages), stream resource and stream datum.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from event_model import unpack_datum_page, unpack_event_page

from camsortxs.adapters.reference import PixelReader, PixelReference
from camsortxs.errors import FrameError
from camsortxs.frames import Frame, Geometry, Rejected, RunEnd, Unread
from camsortxs.metadata import Reading, geometry
from camsortxs_agent.announced import Announced, Count, Fetch, nobody_counts
from camsortxs_agent.streams import Detector, Stream, StreamResource, field, unpacked

Item = Frame | Unread | Rejected | RunEnd

MAX_UID = 255
"""An identifier longer than that, or with something in it that does not print, has no place in the catalogue."""
MAX_SEQ_NUM = 2**40
"""No run has more events: times the frames of an event, it still is an index that a table can hold."""
MAX_EVENTS = 1_000_000
"""A stream datum of more events than that is refused: one comes at least every few seconds."""


class RunDocuments:
    """Turns the documents of one run into frames, refusals, and the end of the run.

    The index of a frame follows from the `seq_num` of its event, so a document that comes twice makes the same frames
    twice. How many frames the first event of a detector has, all have: `count` is asked, and where it does not know,
    that event is read at once. All others stay unread. A bad document costs what it carries, never the run.
    """

    def __init__(self, start: Mapping[str, Any], *, pixels: PixelReader, count: Count = nobody_counts) -> None:
        self.uid = field(start, "uid", str)
        if not (self.uid.isprintable() and 0 < len(self.uid) <= MAX_UID):
            raise FrameError("malformed", f"no run is called {self.uid[:80]!r}")
        self._start = start
        self._pixels = pixels
        self._count = count
        self._streams: dict[str, Stream] = {}
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._datums: dict[str, Mapping[str, Any]] = {}
        self._stream_resources: dict[str, StreamResource] = {}
        self._per_event: dict[tuple[str, str], int] = {}

    def consume(self, name: str, document: Mapping[str, Any], *, time: float | None = None) -> Iterator[Item]:
        """Yield what the next document brings; `time` (s since 1970) is when it was sent.

        Raises
        ------
        FrameError
            With reason `unknown_document` or `malformed`, when the document as a whole cannot be used.
        """
        match name:
            case "descriptor":
                stream = Stream.of(self._start, document)
                self._streams[stream.uid] = stream
            case "event":
                yield from self._event(document)
            case "event_page":
                for event in unpacked(unpack_event_page, document):
                    yield from self._event(event)
            case "resource":
                self._resources[field(document, "uid", str)] = document
            case "datum":
                self._datums[field(document, "datum_id", str)] = document
            case "datum_page":
                self._datums.update({datum["datum_id"]: datum for datum in unpacked(unpack_datum_page, document)})
            case "stream_resource":
                self._add_stream_resource(document)
            case "stream_datum":
                yield from self._stream_datum(document, time)
            case "stop":
                yield RunEnd(run=self.uid, exit_status=str(document.get("exit_status", "success")))
            case _:
                raise FrameError("unknown_document", f"no Bluesky document is called {name[:80]!r}")

    def _event(self, event: Mapping[str, Any]) -> Iterator[Item]:
        stream = self._stream(event)
        data = field(event, "data", dict)
        seq_num = field(event, "seq_num", int)
        taken_at = _utc(event.get("time"))
        moving = [Reading(name, data.get(name), units) for name, units in stream.moving]
        for detector in stream.detectors:
            if detector.data_key not in data:
                continue
            value = data[detector.data_key]
            yield from self._images(
                stream,
                detector,
                seq_num=seq_num,
                taken_at=taken_at,
                where=geometry([*moving, *detector.readings]) if moving else detector.geometry,
                find=lambda value=value, detector=detector: self._found(value, detector),  # type: ignore[misc]
            )

    def _found(self, value: Any, detector: Detector) -> Any:
        if not isinstance(value, str):
            return value
        datum = self._datums.get(value)
        if datum is None:
            raise FrameError("missing_datum", f"datum {value[:80]} never came")
        return self._old_reference(datum, detector)

    def _old_reference(self, datum: Mapping[str, Any], detector: Detector) -> PixelReference:
        resource = self._resources.get(field(datum, "resource", str))
        if resource is None:
            raise FrameError("missing_resource", f"the resource of datum {datum.get('datum_id')} never came")
        root = str(resource.get("root") or "")
        path = field(resource, "resource_path", str)
        return PixelReference(
            uri=f"{root.rstrip('/')}/{path.lstrip('/')}" if root else path,
            form=field(resource, "spec", str),
            parameters=field(resource, "resource_kwargs", dict),
            datum=field(datum, "datum_kwargs", dict),
            frames=detector.frames,
            shape=detector.shape,
        )

    def _add_stream_resource(self, document: Mapping[str, Any]) -> None:
        uid = field(document, "uid", str)
        data_key = field(document, "data_key", str)
        first = all(known.data_key != data_key for known in self._stream_resources.values())
        if uid not in self._stream_resources:
            self._stream_resources[uid] = StreamResource(document, data_key, origin=0 if first else None)

    def _stream_datum(self, document: Mapping[str, Any], time: float | None) -> Iterator[Item]:
        resource = self._stream_resources.get(field(document, "stream_resource", str))
        if resource is None:
            raise FrameError("missing_resource", f"stream resource {document['stream_resource'][:80]} never came")
        stream = self._stream(document)
        detector = next((d for d in stream.detectors if d.data_key == resource.data_key), None)
        if detector is None:
            return
        indices = field(document, "indices", dict)
        seq_nums = field(document, "seq_nums", dict)
        first, last = field(indices, "start", int), field(indices, "stop", int)
        if first < 0 or last - first > MAX_EVENTS:
            raise FrameError("malformed", f"a stream datum of events {first} to {last}")
        if resource.origin is None:  # a further file of the same detector counts from its own beginning
            resource.origin = first
        for place, index in enumerate(range(first, last)):
            reference = resource.reference(index, detector)
            yield from self._images(
                stream,
                detector,
                seq_num=field(seq_nums, "start", int) + place,
                taken_at=_utc(time),
                where=detector.geometry,
                find=lambda reference=reference: reference,  # type: ignore[misc]
            )

    def _images(
        self,
        stream: Stream,
        detector: Detector,
        *,
        seq_num: int,
        taken_at: datetime | None,
        where: Geometry | None,
        find: Callable[[], Any],
    ) -> Iterator[Item]:
        """Yield the images of one event and one detector: unread, or each of them a frame or a refusal."""
        if not 1 <= seq_num <= MAX_SEQ_NUM:
            raise FrameError("malformed", f"an event numbered {seq_num}")
        announced = Announced(
            run=self.uid,
            stream=stream.name,
            detector=detector,
            event=seq_num - 1,
            taken_at=taken_at,
            geometry=where,
            find=find,
            pixels=self._pixels,
        )
        place = (stream.name, detector.data_key)
        frames = self._per_event[place] if place in self._per_event else self._count(announced)
        if isinstance(frames, Rejected):
            yield frames
            return
        if frames is not None:
            self._per_event[place] = frames
            yield Unread(key=announced.key(frames), read=Fetch(announced, frames))
            return
        try:
            images = announced.load()
        except FrameError as error:
            yield announced.refusal(error, detector.frames)
            return
        # What the first event has, all have: writers get the declared number wrong more often than the pixels.
        self._per_event[place] = len(images)
        yield from announced.frames(images, len(images))

    def _stream(self, document: Mapping[str, Any]) -> Stream:
        stream = self._streams.get(field(document, "descriptor", str))
        if stream is None:
            raise FrameError("missing_descriptor", f"descriptor {document['descriptor'][:80]} never came")
        return stream


def _utc(time: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(time, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
