"""Tiled's own notifications as a live source, for sites without Kafka."""

import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpx
import structlog
from websockets.exceptions import WebSocketException

from camsortxs.adapters.tiled.pages import newest
from camsortxs.adapters.tiled.runs import TiledRuns
from camsortxs.adapters.tiled.untagged import Bookmark
from camsortxs.errors import SourceError
from camsortxs.frames import Batch

RECENT = 200
"""How many of the newest runs the first look takes in: what ended while nobody looked. The rest is the reconciler's."""
MAX_BYTES = 256 * 1024 * 1024
"""An update longer than this ends a subscription (Tiled's default is 1 MB, and some start documents are longer)."""

log = structlog.get_logger()


class LiveTiledRuns:
    """The runs of a catalogue as they end: their frames, as the back-fill reads them, then their end.

    A subscription says at once that a run has ended. It is no more than a wake-up call: Tiled ends its thread without a
    word, misses what happens between two connections, and is not there at all without a streaming cache on the server.
    What is true is the sweep, every `poll` seconds, from a bookmark: nothing is lost between two of them, whatever
    became of the subscription, and where there is none the source simply looks that often. Our own index comes back as
    an update, too: it is known by its model, and asks for nothing.

    `runs` needs a bookmark, whose first place is `RECENT` runs back. `ready` is told whether Tiled answers,
    `subscribed` of each subscription that begins.
    """

    def __init__(
        self,
        runs: TiledRuns,
        bookmark: Bookmark,
        *,
        poll: float = 10.0,
        ready: Callable[[bool], None] = lambda ready: None,
        subscribed: Callable[[], None] = lambda: None,
    ) -> None:
        self._runs = runs
        self._bookmark = bookmark
        self._poll = poll
        self._ready = ready
        self._subscribed = subscribed
        self._ended: SimpleQueue[str | None] = SimpleQueue()
        self._stopping = False
        self._begun = False
        self._subscription: Any = None
        self._thread: Thread | None = None
        self._next_sweep = 0.0

    def stop(self) -> None:
        """End after the batch in hand: safe to call from a signal handler."""
        self._stopping = True
        self._ended.put(None)

    def batches(self) -> Iterator[Batch]:
        """Yield batches until `stop`. A server that is out of reach is waited for."""
        try:
            while not self._stopping:
                for batch in self._look():
                    yield batch
                    if self._told_to_stop():
                        return
                self._wait()
        finally:
            self._unsubscribe()

    def _told_to_stop(self) -> bool:
        return self._stopping

    def _look(self) -> Iterator[Batch]:
        """Yield what is there to be done."""
        try:
            if not self._begun:
                self._bookmark.cursor = newest(self._runs.catalogue.raw, back=RECENT)
                self._begun = True
            if time.monotonic() >= self._next_sweep:
                self._subscribe()
                yield from self._runs.batches()
                self._next_sweep = time.monotonic() + self._poll
            for uid in self._heard():
                self._bookmark.wait(uid)  # should this try fail, the next sweep looks at it again
                yield from self._runs.batches_of(uid)
            self._ready(True)
        except (SourceError, httpx.HTTPError, KeyError) as error:  # KeyError: there is no container of raw runs yet
            log.warning("tiled_unread", error=f"{type(error).__name__}: {error}")
            self._next_sweep = time.monotonic() + self._poll
            self._ready(False)

    def _wait(self) -> None:
        """Wait for a run to end, or for the next sweep."""
        try:
            self._ended.put(self._ended.get(timeout=max(0.0, self._next_sweep - time.monotonic())))
        except Empty:
            return

    def _heard(self) -> list[str]:
        heard = []
        while not self._ended.empty():
            heard.append(self._ended.get())
        return [uid for uid in dict.fromkeys(heard) if uid is not None]

    def _subscribe(self) -> None:
        """Begin a subscription where none is alive: the first one, or one after another that ended without a word."""
        if self._thread is not None and self._thread.is_alive():
            return
        # Not `start_in_thread`: it waits for ever where there is nobody to connect to.
        self._subscription = self._runs.catalogue.raw.subscribe()
        # Tiled keeps weak references: these are methods of an object that outlives the thread.
        self._subscription.child_created.add_callback(self._update)
        self._subscription.child_metadata_updated.add_callback(self._update)
        self._thread = Thread(target=self._listen, args=(self._subscription,), name="tiled-live", daemon=True)
        self._thread.start()
        self._subscribed()

    def _listen(self, subscription: Any) -> None:
        try:
            subscription.start(max_size=MAX_BYTES)
        except (OSError, RuntimeError, WebSocketException, httpx.HTTPError) as error:
            log.info("tiled_not_subscribed", error=f"{type(error).__name__}: {error}", poll_seconds=self._poll)
        log.debug("tiled_subscription_ended")

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.disconnect(wait=False)
        if self._thread is not None:
            self._thread.join(5.0)

    def _update(self, update: Any) -> None:
        metadata = update.metadata or {}
        if metadata.get("stop") and not self._runs.catalogue.index_in(metadata).get("model"):
            self._ended.put(update.key)
