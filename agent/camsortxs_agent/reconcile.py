"""The sweep of the catalogue that finds what the live line never saw: an outage of Kafka, its retention, a bug."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import httpx
import structlog

from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import Bookmark, Catalogue, TiledRuns, TiledSink
from camsortxs.errors import CamsortxsError, SinkRejected
from camsortxs.frames import Batch
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome, Sink
from camsortxs_agent.background import yield_to_the_line

log = structlog.get_logger()

FIRST_AFTER_SECONDS = 60.0
"""An agent that is started over and over does not sweep each time."""
_END_SECONDS = 10.0
_TROUBLE = (CamsortxsError, httpx.HTTPError, OSError, KeyError)
"""What is bound to end a sweep now and then. KeyError: the container of raw runs is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep came to."""

    good: bool
    runs: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Told:
    """Who is told of each run (`tagged`, `recorded` where no index may be written, or `refused`) and of each sweep."""

    run: Callable[[str], None] = lambda result: None
    sweep: Callable[[Swept], None] = lambda swept: None


class Reconciler:
    """Sweeps a catalogue every so often for complete runs without our index, and takes them down the line.

    It is the back-fill with a clock: the same source, the same line (`line` makes one for the sink that it is given),
    the same sink. A run that it and the live line both work on is still concluded once:

    - `rest`, in seconds, is how long after its stop document a run is left to the live line, which needs seconds; and
      what `busy` says is open in this agent is left alone however long it takes.
    - Should the live line be later than that (a lag of hours, another agent of the group), both write the record of
      the same run and model. Creating the container that it lives in is atomic in Tiled: the second one waits for it,
      finds it complete, and leaves it. See `TiledSink`.
    - The index is read right before it is written. The sweep never touches one that is there; the live line, which
      knows more (readings of each event), replaces a sweep's when it comes to another conclusion.

    Cost: the first sweep asks for all runs without an index, which the server filters. Each later one begins at the
    `Bookmark`: three requests (0.3 s among 100,000 runs on SQLite). At most `limit` runs are done in a sweep. It works
    in a thread of its own, at low priority, one frame at a time. A run that Tiled refuses for good, or whose metadata
    cannot be understood, is not tried again before the next start.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        line: Callable[[Sink], Pipeline],
        every: float,
        rest: float,
        limit: int,
        stopping: Callable[[], bool],
        busy: Callable[[str], bool] = lambda uid: False,
        told: Told | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._every = every
        self._stopping = stopping
        self._told = told or Told()
        self._ended = threading.Event()
        self._bookmark = Bookmark()
        self._result: str | None = None
        self._source = TiledRuns(catalogue=catalogue, limit=limit, bookmark=self._bookmark, rest=rest, busy=busy)
        sink = TiledSink(catalogue, by="reconciler", yielding=True, withheld=self._withheld)
        self._line = line(RetryingSink(sink, rejected=self._refused, forget=sink.forget, stopping=self._over))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sweep in a thread for the length of the block; a batch in hand is finished at its end."""
        thread = threading.Thread(target=self._work, name="reconciler", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(_END_SECONDS)
            if thread.is_alive():  # in a request that the Tiled client repeats for up to 45 s: the process may go
                log.warning("reconciler_left_behind")

    def sweep(self) -> Swept:
        """Do one sweep now."""
        began = time.monotonic()
        runs, good = 0, True
        try:
            for batch in self._batches():
                self._line.process(batch)
                for item in batch.rejected:
                    if item.key is None:  # a run, not a frame of one: those stand in its index
                        log.warning("unreadable", reason=item.reason, error=item.message, **item.origin)
                for _ in batch.ended:
                    runs += 1
                    self._told.run(self._result or "tagged")
                    self._result = None
        except _TROUBLE as error:
            good = False
            if not self._over():
                log.warning("sweep_failed", error=f"{type(error).__name__}: {error}")
        except Exception as error:  # unforeseen: without this the thread would end, and nobody would sweep again
            good = False
            log.exception("sweep_failed", error=f"{type(error).__name__}: {error}")
        swept = Swept(good=good and not self._over(), runs=runs, seconds=time.monotonic() - began)
        if not self._over():
            self._told.sweep(swept)
        if runs:
            log.info("swept", runs=runs, seconds=round(swept.seconds, 3), waiting=len(self._bookmark.waiting))
        return swept

    def _work(self) -> None:
        yield_to_the_line()
        pause = min(self._every, FIRST_AFTER_SECONDS)
        with closing(self._catalogue):
            while not self._ended.wait(pause) and not self._stopping():
                pause = self._every
                self.sweep()

    def _batches(self) -> Iterator[Batch]:
        for batch in self._source.batches():
            if self._over():
                return
            yield batch

    def _over(self) -> bool:
        return self._ended.is_set() or self._stopping()

    def _withheld(self, run: str) -> None:
        self._result = "recorded"
        self._bookmark.settle(run)

    def _refused(self, outcome: Outcome, error: SinkRejected) -> None:
        self._result = "refused"
        for end in outcome.ended:
            self._bookmark.settle(end.run)
            log.error("sweep_refused", run=end.run, reason=error.reason, error=str(error))
