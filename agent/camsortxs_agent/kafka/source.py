"""Documents in: Kafka topics as a source, polled by a thread of its own so that slow writing loses no place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import Empty
from typing import Any

from camsortxs.errors import SourceError
from camsortxs.frames import Batch
from camsortxs_agent.batches import Collector, Lot
from camsortxs_agent.behind import Behind
from camsortxs_agent.kafka.desk import Desk
from camsortxs_agent.kafka.reader import Reader, Tell
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import MAX_BYTES

_IDLE_SECONDS = 0.2


class KafkaSource:
    """Bluesky documents from Kafka topics, as batches of frames.

    `config` goes to librdkafka as it is. An offset is committed when the batch is acknowledged, and never beyond the
    start document of a run that is still open: a restart reads exactly the unfinished runs again. With the offset goes
    the place up to which everything else is done, so that what lies between is not taken for orphans.

    A thread of its own polls and commits. It is `queue_batches` batches ahead at most; then it pauses all partitions,
    and goes on polling. A partition that is taken from us is held for `handover` seconds, which must be less than the
    session timeout, until the batch in hand is acknowledged; what is queued of it goes to the next owner.

    A run without a stop document ends as `INCOMPLETE` once a message `run_age` seconds younger than its start comes in
    its partition, or all is read there and the clock says so: an agent that was away for long first reads what it
    missed.

    `ready` is told whether the broker is there and partitions are assigned, `received` the name of each document, `lag`
    how many messages of a partition (topic, number) are not acknowledged, `moved` each run that was begun here and goes
    on elsewhere: that one in the thread that takes the batches, before the next one. An acknowledgement comes after
    what was given to `behind` before it.
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        topics: Sequence[str],
        runs: Runs,
        batch_frames: int = 32,
        batch_seconds: float = 0.5,
        queue_batches: int = 4,
        handover: float = 1.0,
        max_bytes: int = MAX_BYTES,
        run_age: float = 86400.0,
        ready: Callable[[bool], None] = lambda ready: None,
        received: Callable[[str], None] = lambda name: None,
        lag: Callable[[str, int, int], None] = lambda topic, partition, lag: None,
        moved: Callable[[str], None] = lambda run: None,
        behind: Behind | None = None,
    ) -> None:
        self._desk = Desk(limit=queue_batches)
        self._moved = moved
        self._behind = behind or Behind(limit=0)
        self._reader = Reader(
            config=config,
            topics=topics,
            runs=runs,
            desk=self._desk,
            collector=Collector(frames=batch_frames, seconds=batch_seconds),
            handover=handover,
            max_bytes=max_bytes,
            run_age=run_age,
            tell=Tell(ready=ready, received=received, lag=lag),
        )

    @property
    def queued(self) -> int:
        """How many batches wait to be taken."""
        return self._desk.queued

    def stop(self) -> None:
        """End after the batch in hand: safe to call from a signal handler."""
        self._desk.stopping = True

    def batches(self) -> Iterator[Batch]:
        """Yield batches until `stop`; one without frames acknowledges documents that brought none.

        Raises
        ------
        SourceError
            When the broker refuses us for good (authentication, authorization, fenced), or librdkafka the settings.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka") as threads:
            polling = threads.submit(self._reader.run)
            try:
                yield from self._taken(polling)
                self._behind.finish()  # what is written after we have left is not committed
            finally:
                self._desk.leave()
        polling.result()

    def _acknowledged(self, lot: Lot) -> None:
        self._behind.give(partial(self._desk.written, lot))

    def _taken(self, polling: "Future[None]") -> Iterator[Batch]:
        while not self._desk.stopping:
            if polling.done():  # with an error, or without one: nothing will ever come
                polling.result()
                raise SourceError("Kafka: the thread that polls has ended")
            try:
                item = self._desk.take(timeout=_IDLE_SECONDS)
            except Empty:
                continue
            if isinstance(item, Lot):
                yield item.batch(self._acknowledged)
            else:
                self._moved(item)
