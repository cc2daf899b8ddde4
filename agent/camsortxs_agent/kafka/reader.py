"""The thread that polls: it alone touches the consumer, the runs and the partitions."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from camsortxs.errors import SourceError
from camsortxs.frames import Rejected, RunEnd
from camsortxs_agent.batches import Collector, Lot, Partition, Steady
from camsortxs_agent.kafka.contents import contents, sent_at
from camsortxs_agent.kafka.desk import Desk
from camsortxs_agent.kafka.health import LIBRDKAFKA, BrokerHealth
from camsortxs_agent.runs import Runs

_IDLE_SECONDS = 0.2
_LINGER_SECONDS = 0.02
_LAG_SECONDS = 1.0
_PATIENCE_SECONDS = 1.0
"""How long a full desk is waited for before the partitions are paused: a pause throws away what was fetched ahead."""

_SILENCE_SECONDS = 30.0
"""How long one message may be read without a poll: a broker takes us for dead after five minutes, ten times that."""

_CONSUMER: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "topic.metadata.refresh.interval.ms": 10_000,  # how soon a topic is found that is made after us
    "fetch.wait.max.ms": 50,  # some brokers answer a fetch only when it is over: the default adds half a second
}

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Who wants to know of what happens here; called in the thread that polls."""

    ready: Callable[[bool], None]
    received: Callable[[str], None]
    lag: Callable[[str, int, int], None]


class Reader:
    """Fills a desk with lots, and commits what it hears to be written."""

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        topics: Sequence[str],
        runs: Runs,
        desk: Desk,
        collector: Collector,
        handover: float,
        max_bytes: int,
        run_age: float,
        tell: Tell,
    ) -> None:
        self._config = {**_CONSUMER, **config}
        self._topics = list(topics)
        self._runs = runs
        self._desk = desk
        self._collector = collector
        self._handover = handover
        self._max_bytes = max_bytes
        self._run_age = run_age
        self._tell = tell
        self._health = BrokerHealth(tell.ready)
        self._clock = Steady()
        self._consumer: Consumer | None = None
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._stray: list[tuple[Partition, Message]] = []
        self._out: list[Lot] = []
        self._paused = False
        self._polled = 0.0
        self._told = 0.0

    def run(self) -> None:
        """Poll until the desk is left; what is written by then is committed.

        Raises
        ------
        SourceError
            As `KafkaSource.batches`.
        """
        try:
            self._consumer = Consumer({**self._config, "error_cb": self._health.error}, logger=LIBRDKAFKA)
        except KafkaException as error:
            raise SourceError(f"Kafka settings: {error.args[0].str()}") from error
        with closing(self._consumer):
            self._consumer.subscribe(
                self._topics,
                on_assign=self._on_assign,
                on_revoke=partial(self._on_revoke, patient=True),
                on_lost=partial(self._on_revoke, patient=False),
            )
            while self._there_is_room():
                self._step()
            self._hear()
        self._consumer = None

    def _step(self) -> None:
        taken = self._next()
        if taken is not None:
            self._read(*taken)
        else:
            self._give_up_idle()
        self._hear()
        if self._collector.due or (taken is None and self._something):
            self._hand_on()

    def _there_is_room(self) -> bool:
        """Wait until lots are taken, or none will be; if that takes long, go on polling: our place is kept."""
        assert self._consumer is not None  # noqa: S101 - only called between subscribe and close
        since = time.monotonic()
        while not self._desk.left and (self._desk.full or self._desk.stopping):
            self._hear(timeout=0.1)
            if time.monotonic() - since > _PATIENCE_SECONDS:
                self._keep_our_place()
        if self._paused and not self._desk.left:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False
        return not self._desk.left

    def _keep_our_place(self) -> None:
        """Poll while no message is wanted: our group sees that we are there."""
        assert self._consumer is not None  # noqa: S101 - only called between subscribe and close
        self._consumer.pause(self._consumer.assignment())
        self._paused = True
        message = self._poll(0)
        if message is not None:  # of a partition that came to us within this very call
            self._stray.append(message)

    def _next(self) -> tuple[Partition, Message] | None:
        while self._stray:
            partition, message = self._stray.pop(0)
            if not partition.lost:
                return partition, message
        return self._poll(_IDLE_SECONDS if self._collector.empty else min(_LINGER_SECONDS, self._collector.patience))

    def _poll(self, timeout: float) -> tuple[Partition, Message] | None:
        assert self._consumer is not None  # noqa: S101 - only called between subscribe and close
        message = self._consumer.poll(timeout)
        if message is not None and (error := message.error()):
            self._health.error(error)
        self._polled = time.monotonic()
        self._health.check()
        if message is None or message.error():
            self._health.probe(self._consumer)
            return None
        self._health.there()
        partition = self._partitions.get((message.topic(), message.partition()))
        return None if partition is None else (partition, message)

    def _read(self, partition: Partition, message: Message) -> None:
        """Add what a message holds to the lot, handing it on each time that it is full."""
        if partition.reached is None:
            partition.reached = message.offset()
        now = self._clock()
        sent = sent_at(message, now)
        partition.latest = max(partition.latest, now if sent is None else sent)
        self._give_up(partition, partition.latest)
        items = contents(message, self._runs, sent=sent, max_bytes=self._max_bytes, received=self._tell.received)
        for item in items:
            if isinstance(item, Rejected) and item.reason == "orphan" and message.offset() < partition.done:
                continue
            self._collector.add(partition, item)
            last = isinstance(item, RunEnd) or (isinstance(item, Rejected) and item.key is None)
            if last:  # nothing follows in this message, and its run may be closed with it
                partition.position = message.offset() + 1
            # Each event of a page may have a file that holds its reader.
            late = time.monotonic() - self._polled > _SILENCE_SECONDS
            if late:
                self._keep_our_place()
            if late or self._collector.full:
                self._hand_on()
                if not self._there_is_room() or partition.lost:
                    return
        partition.position = message.offset() + 1

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
        return not self._collector.empty or any(p.position != p.handed for p in self._partitions.values())

    def _hand_on(self) -> None:
        items = [(partition, item) for partition, item in self._collector.take() if not partition.lost]
        progress = []
        for partition in self._partitions.values():
            partition.handed = partition.position
            if partition.position is not None:
                progress.append((partition, partition.position))
        closers = [(partition, self._runs.closer(i.run)) for partition, i in items if isinstance(i, RunEnd)]
        lot = Lot(items=items, progress=progress, closers=closers)
        self._out.append(lot)
        self._desk.put(lot)

    def _hear(self, *, timeout: float = 0.0) -> None:
        """Commit what was written since, all of it at once; also while nothing is, say how far behind we are."""
        written = list(self._desk.heard(timeout=timeout))
        if time.monotonic() - self._told > _LAG_SECONDS:
            self._told = time.monotonic()
            for partition in self._partitions.values():
                self._tell_lag(partition)
        if not written:
            return
        reached: dict[Partition, int] = {}
        for lot in written:
            self._out.remove(lot)
            for _, close in lot.closers:
                close()
            reached.update(lot.progress)
        self._commit(reached, force=any(lot.urgent for lot in written))

    def _commit(self, reached: Mapping[Partition, int], *, force: bool) -> None:
        offsets = []
        for partition, position in reached.items():
            if self._partitions.get(partition.key) is not partition:
                continue
            partition.done = max(partition.done, position)
            partition.reached = position
            self._tell_lag(partition)
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
            for partition in reached:
                partition.committed = None
            log.warning("commit_failed", error=str(error))

    def _tell_lag(self, partition: Partition) -> None:
        end = self._end(partition)
        if end >= 0 and partition.reached is not None:
            self._tell.lag(partition.topic, partition.number, max(0, end - partition.reached))

    def _end(self, partition: Partition) -> int:
        """Return the offset that the next message will have, as far as it is known here; negative when it is not."""
        if self._consumer is None:
            return -1
        return int(self._consumer.get_watermark_offsets(TopicPartition(*partition.key), cached=True)[1])

    def _on_assign(self, consumer: Consumer, assigned: Sequence[TopicPartition]) -> None:
        try:
            committed = consumer.committed(list(assigned), timeout=10.0) if assigned else []
        except KafkaException as error:
            log.warning("committed_unknown", error=str(error))
            committed = assigned
        for tp in committed:
            partition = Partition(
                topic=tp.topic,
                number=tp.partition,
                done=_done(consumer, tp),
                reached=tp.offset if tp.offset >= 0 else None,
            )
            self._lose(partition.key)
            self._partitions[partition.key] = partition
        self._paused = True  # one that was paused when it left us still is: librdkafka remembers
        log.info("partitions_assigned", partitions=[f"{tp.topic}/{tp.partition}" for tp in assigned])
        self._health.assigned(True)

    def _on_revoke(self, consumer: Consumer, revoked: Sequence[TopicPartition], *, patient: bool) -> None:
        going = {p for tp in revoked if (p := self._partitions.get((tp.topic, tp.partition))) is not None}
        for partition in going:
            partition.lost = True  # what is queued of it stays undone
        until = time.monotonic() + self._handover * patient
        while not self._desk.left and any(lot.handed and lot.concerns(going) for lot in self._out):
            if (left := until - time.monotonic()) <= 0:
                break
            self._hear(timeout=left)
        for tp in revoked:
            self._lose((tp.topic, tp.partition))
            self._tell.lag(tp.topic, tp.partition, 0)  # it is another agent's now
        self._health.assigned(bool(self._partitions))
        log.info("partitions_revoked", partitions=[f"{tp.topic}/{tp.partition}" for tp in revoked])

    def _lose(self, key: tuple[str, int]) -> None:
        partition = self._partitions.pop(key, None)
        if partition is not None:
            partition.lost = True
        for run in self._runs.forget(key):
            self._desk.put(run)


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
