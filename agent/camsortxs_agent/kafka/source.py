"""Documents in: Kafka topics as a source, with offsets committed only after the write."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from event_model import DocumentNames

from camsortxs.errors import FrameError, SourceError, traceback_digest
from camsortxs.frames import Batch, Frame, Rejected, RunEnd, Unread
from camsortxs_agent.batches import Collector, Partition, Steady
from camsortxs_agent.kafka.health import LIBRDKAFKA, BrokerHealth
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import MAX_BYTES, decode

_IDLE_SECONDS = 0.2
_LINGER_SECONDS = 0.02
_STALE_SECONDS = 20.0
_CONSUMER: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "topic.metadata.refresh.interval.ms": 10_000,  # how soon a topic is found that is made after us
    "fetch.wait.max.ms": 50,  # some brokers answer a fetch only when it is over: the default adds half a second
}

log = structlog.get_logger()


class KafkaSource:
    """Bluesky documents from Kafka topics, as batches of frames.

    `config` goes to librdkafka as it is. An offset is committed when the batch is acknowledged, and never beyond the
    start document of a run that is still open: a restart reads exactly the unfinished runs again. With the offset goes
    the place up to which everything else is done, so that what lies between is not taken for orphans.

    A run without a stop document ends as `INCOMPLETE` once a message `run_age` seconds younger than its start comes in
    its partition, or all is read there and the clock says so: an agent that was away for long first reads what it
    missed.

    `ready` is told whether the broker is there and partitions are assigned, `received` the name of each document, `lag`
    how many messages of a partition (topic, number) are not acknowledged.
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        topics: Sequence[str],
        runs: Runs,
        batch_frames: int = 32,
        batch_seconds: float = 0.5,
        max_bytes: int = MAX_BYTES,
        run_age: float = 86400.0,
        ready: Callable[[bool], None] = lambda ready: None,
        received: Callable[[str], None] = lambda name: None,
        lag: Callable[[str, int, int], None] = lambda topic, partition, lag: None,
    ) -> None:
        self._config = {**_CONSUMER, **config}
        self._topics = list(topics)
        self._runs = runs
        self._collector = Collector(frames=batch_frames, seconds=batch_seconds)
        self._max_bytes = max_bytes
        self._run_age = run_age
        self._clock = Steady()
        self._health = BrokerHealth(ready)
        self._received = received
        self._lag = lag
        self._consumer: Consumer | None = None
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._stray: list[tuple[Partition, Message]] = []
        self._polled = time.monotonic()
        self._stopping = False

    def stop(self) -> None:
        """End after the batch in hand: safe to call from a signal handler."""
        self._stopping = True

    def batches(self) -> Iterator[Batch]:
        """Yield batches until `stop`; one without frames acknowledges documents that brought none.

        Raises
        ------
        SourceError
            When the broker refuses us for good (authentication, authorization, fenced), or librdkafka the settings.
        """
        try:
            self._consumer = Consumer({**self._config, "error_cb": self._health.error}, logger=LIBRDKAFKA)
        except KafkaException as error:
            raise SourceError(f"Kafka settings: {error.args[0].str()}") from error
        with closing(self._consumer):
            self._consumer.subscribe(
                self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )
            while not self._stopping:
                taken = self._next()
                if taken is not None:
                    yield from self._read(*taken)
                else:
                    self._give_up_idle()
                if self._collector.due or (taken is None and self._something):
                    yield self._batch()
        self._consumer = None

    def keep_alive(self) -> None:
        """Keep our place in the group while a sink is away: nothing is consumed, nothing is lost.

        Raises
        ------
        SourceError
            As `batches`.
        """
        if self._consumer is None:
            return
        assigned = self._consumer.assignment()
        self._consumer.pause(assigned)
        message = self._poll(0)
        if message is not None:  # of a partition that came to us within this very call
            self._stray.append(message)
        self._consumer.resume(self._consumer.assignment())

    def _stay(self) -> None:
        if time.monotonic() - self._polled > _STALE_SECONDS:
            self.keep_alive()

    def _next(self) -> tuple[Partition, Message] | None:
        while self._stray:
            partition, message = self._stray.pop(0)
            if self._current(partition):
                return partition, message
        return self._poll(_IDLE_SECONDS if self._collector.empty else min(_LINGER_SECONDS, self._collector.patience))

    def _poll(self, timeout: float) -> tuple[Partition, Message] | None:
        assert self._consumer is not None  # noqa: S101 - only called between subscribe and close
        message = self._consumer.poll(timeout)
        self._polled = time.monotonic()
        if message is not None and (error := message.error()):
            self._health.error(error)
        self._health.check()
        if message is None or message.error():
            self._health.probe(self._consumer)
            return None
        self._health.there()
        partition = self._partitions.get((message.topic(), message.partition()))
        return None if partition is None else (partition, message)

    def _read(self, partition: Partition, message: Message) -> Iterator[Batch]:
        """Add what a message holds to the batch, yielding each time that it is full."""
        value, offset = message.value(), message.offset()
        origin = {"topic": partition.topic, "partition": partition.number, "offset": offset}
        kind, milliseconds = message.timestamp()
        now = self._clock()
        sent = min(milliseconds / 1000, now) if kind else None
        partition.latest = max(partition.latest, now if sent is None else sent)
        self._give_up(partition, partition.latest)
        payload: bytes | None = value
        try:
            name, document = decode(value, max_bytes=self._max_bytes)
            self._received(name if name in DocumentNames.__members__ else "unknown")
            for item in self._runs.consume(name, document, place=partition.key, offset=offset, time=sent):
                if isinstance(item, Rejected):
                    self._collector.add(partition, _with_origin(item, origin, payload))
                    payload = None  # one copy of the message will do
                elif isinstance(item, Unread):
                    self._collector.add(partition, replace(item, read=partial(_read, item, origin, payload)))
                else:
                    self._collector.add(partition, item)
                if isinstance(item, RunEnd):  # nothing follows in this message, and its run may be closed with it
                    partition.position = offset + 1
                if self._collector.full:
                    yield self._batch()
                    self._stay()
                    if self._stopping or not self._current(partition):
                        return
        except FrameError as error:
            if error.reason != "orphan" or offset >= partition.done:
                refusal = Rejected(reason=error.reason, message=str(error), digest=traceback_digest(error))
                self._collector.add(partition, _with_origin(refusal, origin, payload))
        partition.position = offset + 1

    def _give_up(self, partition: Partition, now: float) -> None:
        for end in self._runs.overdue(partition.key, before=now - self._run_age):
            log.warning("run_incomplete", run=end.run, topic=partition.topic, partition=partition.number)
            self._collector.add(partition, end)

    def _give_up_idle(self) -> None:
        for partition in self._partitions.values():
            if partition.position is not None and self._end(partition) == partition.position:
                self._give_up(partition, self._clock())

    @property
    def _something(self) -> bool:
        """There is something to hand on, or at least to acknowledge."""
        return not self._collector.empty or any(p.position != p.acknowledged for p in self._partitions.values())

    def _batch(self) -> Batch:
        content = self._collector.take(self._current)
        progress = [(partition, partition.position) for partition in self._partitions.values()]
        ended = [self._runs.closer(end.run) for end in content.ended]
        return Batch(
            frames=content.frames,
            unread=content.unread,
            rejected=content.rejected,
            ended=content.ended,
            acknowledge=partial(self._acknowledge, progress, ended, force=bool(ended or content.rejected)),
            keep_alive=self._stay,
        )

    def _acknowledge(
        self, progress: Sequence[tuple[Partition, int | None]], ended: Sequence[Callable[[], None]], *, force: bool
    ) -> None:
        for close in ended:
            close()
        offsets = []
        for partition, position in progress:
            if position is None or not self._current(partition):
                continue
            partition.acknowledged = position
            partition.done = max(partition.done, position)
            self._tell_lag(partition, position)
            begin = self._runs.first_offset(partition.key)
            watermark = position if begin is None else min(begin, position)
            if watermark != partition.committed or force:
                partition.committed = watermark
                offsets.append(TopicPartition(*partition.key, watermark, metadata=str(partition.done)))
        if not offsets or self._consumer is None:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:  # the next commit says it again; until then a restart reads more than it must
            for partition, _ in progress:
                partition.committed = None
            log.warning("commit_failed", error=str(error))

    def _tell_lag(self, partition: Partition, position: int) -> None:
        if (end := self._end(partition)) >= 0:
            self._lag(partition.topic, partition.number, max(0, end - position))

    def _end(self, partition: Partition) -> int:
        """Return the offset that the next message will have, as far as it is known here; negative when it is not."""
        if self._consumer is None:
            return -1
        return int(self._consumer.get_watermark_offsets(TopicPartition(*partition.key), cached=True)[1])

    def _current(self, partition: Partition) -> bool:
        return self._partitions.get(partition.key) is partition

    def _on_assign(self, consumer: Consumer, assigned: Sequence[TopicPartition]) -> None:
        try:
            committed = consumer.committed(list(assigned), timeout=10.0) if assigned else []
        except KafkaException as error:
            log.warning("committed_unknown", error=str(error))
            committed = assigned
        for tp in committed:
            partition = Partition(topic=tp.topic, number=tp.partition, done=_done(consumer, tp))
            self._runs.forget(partition.key)
            self._partitions[partition.key] = partition
        log.info("partitions_assigned", partitions=[f"{tp.topic}/{tp.partition}" for tp in assigned])
        self._health.assigned(True)

    def _on_revoke(self, consumer: Consumer, revoked: Sequence[TopicPartition]) -> None:
        for tp in revoked:
            self._partitions.pop((tp.topic, tp.partition), None)
            self._runs.forget((tp.topic, tp.partition))
            self._lag(tp.topic, tp.partition, 0)  # it is another agent's now
        self._health.assigned(bool(self._partitions))
        log.info("partitions_revoked", partitions=[f"{tp.topic}/{tp.partition}" for tp in revoked])


def _done(consumer: Consumer, committed: TopicPartition) -> int:
    """Return the offset up to which documents without a start are those of runs that were finished before."""
    if committed.metadata and committed.metadata.isdigit():
        return int(committed.metadata)
    if committed.offset < 0 or committed.error:
        return 0
    try:  # a broker that does not keep what we commit beside the offset: all that is there now, then
        return int(consumer.get_watermark_offsets(TopicPartition(committed.topic, committed.partition), timeout=5.0)[1])
    except KafkaException:
        return 0


def _read(item: Unread, origin: Mapping[str, Any], payload: bytes | None) -> list[Frame | Rejected]:
    found = item.read()
    return [_with_origin(each, origin, payload) if isinstance(each, Rejected) else each for each in found]


def _with_origin(item: Rejected, origin: Mapping[str, Any], payload: bytes | None) -> Rejected:
    return replace(item, origin=origin, payload=payload)
