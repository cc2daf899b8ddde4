"""What one message holds, whoever reads it: frames, refusals, the end of a run; refusals say where they came from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from confluent_kafka import Message
from event_model import DocumentNames

from camsortxs.errors import FrameError, traceback_digest
from camsortxs.frames import Rejected, Unread
from camsortxs_agent.announced import Fetch, Original
from camsortxs_agent.documents import Item
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import decode


def sent_at(message: Message, now: float) -> float | None:
    """Return when a message was sent (s since 1970), not later than `now`; None when it does not say."""
    kind, milliseconds = message.timestamp()
    return min(milliseconds / 1000, now) if kind else None


def contents(
    message: Message,
    runs: Runs,
    *,
    sent: float | None,
    max_bytes: int,
    received: Callable[[str], None] = lambda name: None,
) -> Iterator[Item]:
    """Yield what a message holds; one that cannot be used is a refusal without a key, after which nothing follows.

    A refusal has topic, partition and offset, the run (by its key, or as far as it is known), and the original bytes:
    of several in one message the first, however late: one copy will do. `received` is told the name of the document.
    """
    origin: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
    }
    payload: bytes | None = message.value()
    place = (origin["topic"], origin["partition"])
    try:
        name, document = decode(payload, max_bytes=max_bytes)
    except FrameError as error:
        yield _refusal(error, origin, payload)
        return
    original = Original(payload)
    received(name if name in DocumentNames.__members__ else "unknown")
    try:
        for item in runs.consume(name, document, place=place, offset=origin["offset"], time=sent):
            if isinstance(item, Rejected):
                yield replace(item, origin=origin, payload=original.take())
            elif isinstance(item, Unread) and isinstance(item.read, Fetch):
                yield replace(item, read=replace(item.read, origin=origin, original=original))
            else:
                yield item
    except FrameError as error:
        if (run := runs.run_of(name, document)) is not None:
            origin["run"] = run
        yield _refusal(error, origin, original.take())


def _refusal(error: FrameError, origin: Mapping[str, Any], payload: bytes | None) -> Rejected:
    digest = traceback_digest(error)
    return Rejected(reason=error.reason, message=str(error), digest=digest, origin=origin, payload=payload)
