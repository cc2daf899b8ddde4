"""A stretch of Kafka read once more: from a place or a time to the present end, in no group, committing nothing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from camsortxs.errors import SourceError
from camsortxs.frames import Batch, RunEnd
from camsortxs_agent.batches import as_batch
from camsortxs_agent.documents import Item
from camsortxs_agent.kafka.contents import contents, sent_at
from camsortxs_agent.kafka.health import LIBRDKAFKA
from camsortxs_agent.kafka.words import words
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import MAX_BYTES

_TIMEOUT = 10.0

_Key = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A message: topic, number of the partition, offset."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parsed(cls, text: str) -> "Place":
        """Read `TOPIC:PARTITION:OFFSET`.

        Raises
        ------
        ValueError
            When it is not that.

        Examples
        --------
        >>> Place.parsed("bluesky:0:1234")
        Place(topic='bluesky', partition=0, offset=1234)
        """
        try:
            topic, partition, offset = text.rsplit(":", 2)
            place = cls(topic=topic, partition=int(partition), offset=int(offset))
        except ValueError:
            raise ValueError(f"{text!r} is not TOPIC:PARTITION:OFFSET, as in bluesky:0:1234") from None
        if not topic or not (0 <= place.partition < 2**31 and 0 <= place.offset < 2**63):
            raise ValueError(f"{text!r} is not a place: no topic, or a number that no partition or offset has")
        return place


class Stretch:
    """The messages from `places`, or of `topics` since a time, up to what was the end when the reading began.

    A source with an end. The group of the agent is neither joined nor moved: it may be at work meanwhile. A run whose
    start lies before the stretch gives refusals (`orphan`), one whose stop lies behind it stays in `runs`.

    `sized` is told how many messages there are, `moved` how many of them are read.
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        runs: Runs,
        places: Sequence[Place] = (),
        topics: Sequence[str] = (),
        since: datetime | None = None,
        batch_frames: int = 32,
        max_bytes: int = MAX_BYTES,
        patience: float = 60.0,
        sized: Callable[[int], None] = lambda messages: None,
        moved: Callable[[int], None] = lambda messages: None,
    ) -> None:
        # A place that is not there any more must not become another one.
        ours = {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "error"}
        self._config = {**config, **ours}
        self._runs = runs
        # Of several in one partition, the first counts.
        self._places = sorted(places, key=lambda place: place.offset, reverse=True)
        self._topics = topics
        self._since = since
        self._batch_frames = batch_frames
        self._max_bytes = max_bytes
        self._patience = patience
        self._sized = sized
        self._moved = moved

    def batches(self) -> Iterator[Batch]:
        """Yield what the messages hold, in order.

        Raises
        ------
        SourceError
            When there is no such topic or partition, a place is not kept any more, or the broker does not answer.
        """
        said: list[str] = []
        config = {**self._config, "error_cb": lambda error: said.append(words(error))}
        try:
            with closing(Consumer(config, logger=LIBRDKAFKA)) as consumer:
                spans = dict(_span(consumer, place) for place in self._places or self._since_then(consumer))
                self._sized(sum(map(len, spans.values())))
                yield from self._read(consumer, spans, said)
        except KafkaException as error:
            raise SourceError(f"Kafka: {said[0] if said else words(error.args[0])}") from error

    def _since_then(self, consumer: Consumer) -> list[Place]:
        assert self._since is not None  # noqa: S101 - either places are given, or a time
        milliseconds = int(self._since.timestamp() * 1000)
        wanted = []
        for topic in self._topics:
            found = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
            if found.error is not None:
                raise SourceError(f"Kafka has no topic {topic}: {found.error.str()}")
            wanted += [TopicPartition(topic, number, milliseconds) for number in found.partitions]
        places = consumer.offsets_for_times(wanted, timeout=_TIMEOUT)
        # A time after the last message is told as -1: nothing to read there.
        return [Place(topic=tp.topic, partition=tp.partition, offset=tp.offset) for tp in places if tp.offset >= 0]

    def _read(self, consumer: Consumer, spans: Mapping[_Key, range], said: Sequence[str]) -> Iterator[Batch]:
        consumer.assign([TopicPartition(*key, span.start) for key, span in spans.items()])
        began = time.time()
        early = {key: self._since.timestamp() for key in spans} if self._since else {}
        unread = set(spans)
        items: list[Item] = []
        while unread:
            message = self._next(consumer, said)
            key = (message.topic(), message.partition())
            if message.error() is not None:  # the end; what was compacted away before it never comes
                unread.discard(key)
                continue
            sent = sent_at(message, time.time())
            # Some brokers tell of an end that lies before their last messages: those were sent before we began.
            if message.offset() >= spans[key].stop and (sent is None or sent > began):
                unread.discard(key)
            if key not in unread:
                continue
            self._moved(1)
            if sent is not None and sent < early.get(key, 0.0):  # some know no times, and begin at their first message
                continue
            early.pop(key, None)
            for item in contents(message, self._runs, sent=sent, max_bytes=self._max_bytes):
                items.append(item)
                if len(items) >= self._batch_frames:
                    yield self._batch(items)
                    items = []
        if items:
            yield self._batch(items)

    def _next(self, consumer: Consumer, said: Sequence[str]) -> Message:
        """Return the next message, or the end of a partition."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                return message
            if not error.retriable():
                raise KafkaException(error)
        raise SourceError(f"Kafka does not answer: {said[-1] if said else f'no message for {self._patience:g} s'}")

    def _batch(self, items: Sequence[Item]) -> Batch:
        closers = [self._runs.closer(item.run) for item in items if isinstance(item, RunEnd)]
        return as_batch(items, partial(_call, closers))


def _span(consumer: Consumer, place: Place) -> tuple[_Key, range]:
    """Return the offsets from a place to the end of its partition, as it is now."""
    tp = TopicPartition(place.topic, place.partition)
    try:
        low, high = consumer.get_watermark_offsets(tp, timeout=_TIMEOUT)
    except KafkaException as error:
        raise SourceError(f"Kafka: {place.topic}, partition {place.partition}: {error.args[0].str()}") from error
    if place.offset < low:
        raise SourceError(
            f"{place.topic}, partition {place.partition} keeps nothing before offset {low}: say {place.topic}:"
            f"{place.partition}:{low}, or let the sweep of the catalogue find what was lost"
        )
    return (place.topic, place.partition), range(place.offset, max(place.offset, high))


def _call(closers: Sequence[Callable[[], None]]) -> None:
    for close in closers:
        close()
