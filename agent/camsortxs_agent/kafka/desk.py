"""Between the thread that polls and the one that writes: lots go one way, word of what is written the other."""

import time
from collections.abc import Iterator
from queue import Empty, Queue, SimpleQueue

from camsortxs_agent.batches import Lot


class Desk:
    """Two queues, and whether it is time to end.

    `stopping` means that no lot is taken any more, `left` that none is in hand either. Uids of runs that moved away
    travel among the lots, so that they come after all that was begun before, and ahead of what is begun anew.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._lots: Queue[Lot | str] = Queue()  # bounded by who fills it: who polls must never be held up here
        self._word: SimpleQueue[Lot | None] = SimpleQueue()
        self.stopping = False
        self.left = False

    @property
    def queued(self) -> int:
        """How many lots wait to be taken."""
        return self._lots.qsize()

    @property
    def full(self) -> bool:
        """No more should be put."""
        return self.queued >= self._limit

    def put(self, item: Lot | str) -> None:
        """Offer a lot, or tell of a run that moved away."""
        self._lots.put(item)

    def take(self, *, timeout: float) -> Lot | str:
        """Return the next of what was put.

        Raises
        ------
        queue.Empty
            When nothing came within `timeout` seconds.
        """
        item = self._lots.get(timeout=timeout)
        self._word.put(None)  # there is room
        return item

    def written(self, lot: Lot) -> None:
        """Say that what is in a lot is written."""
        self._word.put(lot)

    def leave(self) -> None:
        """Say that none will be taken and none is in hand."""
        self.stopping = self.left = True
        self._word.put(None)

    def heard(self, *, timeout: float = 0.0) -> Iterator[Lot]:
        """Yield the lots that were written since; with none, wait up to `timeout` seconds for any word."""
        until = time.monotonic() + timeout
        while True:
            try:
                lot = self._word.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            until = 0.0
            if lot is not None:
                yield lot
