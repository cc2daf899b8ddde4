"""What is acknowledged together: frames, refusals and run ends, and where they came from."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from camsortxs.frames import Batch, Frame, Rejected, RunEnd, Unread
from camsortxs_agent.documents import Item


class Steady:
    """The time (s since 1970), read once and counted on from there: nobody who sets the clock makes it jump."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return it."""
        return self._offset + time.monotonic()


@dataclass(eq=False, kw_only=True)
class Partition:
    """One assignment of one partition: the next one is another object, so that what belongs to this one shows.

    `position` is the next offset to read, `acknowledged` the position of the last batch that was, `committed` what we
    last committed, `done` the offset up to which every document is handled, or belongs to a run that is still open,
    `latest` the latest time (s since 1970) that a message of it was sent at.
    """

    topic: str
    number: int
    position: int | None = None
    acknowledged: int | None = None
    committed: int | None = None
    done: int = 0
    latest: float = 0.0

    @property
    def key(self) -> tuple[str, int]:
        """Topic and number."""
        return self.topic, self.number


@dataclass(kw_only=True)
class Collector:
    """Fills a batch, up to `frames` frames (or as many refusals) or for `seconds` after its first item."""

    frames: int
    seconds: float
    _items: list[tuple[Partition, Item]] = field(default_factory=list)
    _since: float = 0.0

    def add(self, partition: Partition, item: Item) -> None:
        """Add what a document of this partition brought."""
        if not self._items:
            self._since = time.monotonic()
        self._items.append((partition, item))

    @property
    def empty(self) -> bool:
        """Nothing was added yet."""
        return not self._items

    @property
    def full(self) -> bool:
        """No more should be added."""
        return len(self._items) >= self.frames

    @property
    def patience(self) -> float:
        """How many seconds may still be waited for more."""
        return max(0.0, self._since + self.seconds - time.monotonic()) if self._items else float("inf")

    @property
    def due(self) -> bool:
        """It is full, or the first item has waited long enough."""
        return self.full or self.patience <= 0

    def take(self, belongs: Callable[[Partition], bool]) -> Batch:
        """Return what was collected, without what came from partitions that we lost since, and begin anew."""
        items = [item for partition, item in self._items if belongs(partition)]
        self._items = []
        return Batch(
            frames=tuple(item for item in items if isinstance(item, Frame)),
            unread=tuple(item for item in items if isinstance(item, Unread)),
            rejected=tuple(item for item in items if isinstance(item, Rejected)),
            ended=tuple(item for item in items if isinstance(item, RunEnd)),
        )
