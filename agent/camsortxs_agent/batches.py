"""What is acknowledged together: frames, refusals and run ends, and where they came from."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from camsortxs.frames import Batch, Frame, Rejected, RunEnd, Unread
from camsortxs_agent.announced import Fetch
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

    `position` is the next offset to read, `handed` the position of the last lot, `committed` what we last committed,
    `reached` the offset up to which all is acknowledged (None before the first message, where nothing was committed),
    `done` the offset up to which every document is handled, or belongs to a run that is still open, `latest` the
    latest time (s since 1970) that a message of it was sent at, `lost` whether it goes, or has gone, to another.
    """

    topic: str
    number: int
    position: int | None = None
    handed: int | None = None
    committed: int | None = None
    reached: int | None = None
    done: int = 0
    latest: float = 0.0
    lost: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Topic and number."""
        return self.topic, self.number


@dataclass(kw_only=True)
class Collector:
    """Fills a batch, up to `frames` frames (or as many refusals) or for `seconds` after its first item.

    Pixels and messages that it already holds (of images in files it holds neither) end it sooner, at `size` bytes.
    """

    frames: int
    seconds: float
    size: int = 64_000_000
    _items: list[tuple[Partition, Item]] = field(default_factory=list)
    _since: float = 0.0
    _held: int = 0

    def add(self, partition: Partition, item: Item) -> None:
        """Add what a document of this partition brought."""
        if not self._items:
            self._since = time.monotonic()
        self._items.append((partition, item))
        self._held += _bytes_in(item)

    @property
    def empty(self) -> bool:
        """Nothing was added yet."""
        return not self._items

    @property
    def full(self) -> bool:
        """No more should be added."""
        return len(self._items) >= self.frames or self._held >= self.size

    @property
    def patience(self) -> float:
        """How many seconds may still be waited for more."""
        return max(0.0, self._since + self.seconds - time.monotonic()) if self._items else float("inf")

    @property
    def due(self) -> bool:
        """It is full, or the first item has waited long enough."""
        return self.full or self.patience <= 0

    def take(self) -> list[tuple[Partition, Item]]:
        """Return what was collected, and begin anew."""
        items, self._items, self._held = self._items, [], 0
        return items


@dataclass(eq=False, kw_only=True)
class Lot:
    """What will be a batch, with its progress: the place reached in each partition, the runs to close.

    The thread that polls makes it and hears of it again when it is written; the one that looks makes the batch.

    `urgent` says that there is in it what a restart should know, `origins` from which partitions its items came.
    """

    items: Sequence[tuple[Partition, Item]]
    progress: Sequence[tuple[Partition, int]]
    closers: Sequence[tuple[Partition, Callable[[], None]]]
    handed: bool = False
    urgent: bool = field(init=False)
    origins: set[Partition] = field(init=False)

    def __post_init__(self) -> None:
        self._sum_up()

    def concerns(self, partitions: Collection[Partition]) -> bool:
        """Say whether something in it came from these."""
        return not self.origins.isdisjoint(partitions)

    def batch(self, acknowledge: Callable[["Lot"], None]) -> Batch:
        """Return it without what came from partitions that are lost: neither done nor acknowledged here.

        The items are then the batch's alone: until it is written, no pixels are kept here.
        """
        self.handed = True  # before the look at what is lost: whoever loses a partition looks the other way round
        lost = {p for each in (self.items, self.progress) for p, _ in each if p.lost}
        self.items = [(p, item) for p, item in self.items if p not in lost]
        self.progress = [(p, position) for p, position in self.progress if p not in lost]
        self.closers = [(p, close) for p, close in self.closers if p not in lost]
        self._sum_up()
        items, self.items = [item for _, item in self.items], ()
        return as_batch(items, partial(acknowledge, self))

    def _sum_up(self) -> None:
        self.urgent = bool(self.closers) or any(isinstance(item, Rejected) for _, item in self.items)
        self.origins = {partition for partition, _ in self.items}


def as_batch(items: Sequence[Item], acknowledge: Callable[[], None]) -> Batch:
    """Return what documents brought as what is acknowledged together."""
    return Batch(
        frames=tuple(item for item in items if isinstance(item, Frame)),
        unread=tuple(item for item in items if isinstance(item, Unread)),
        rejected=tuple(item for item in items if isinstance(item, Rejected)),
        ended=tuple(item for item in items if isinstance(item, RunEnd)),
        acknowledge=acknowledge,
    )


def _bytes_in(item: Item) -> int:
    """Return the bytes that are kept as long as an item is."""
    match item:
        case Frame():
            return item.image.nbytes
        case Rejected():
            return len(item.payload or b"")
        case Unread(read=Fetch() as fetch):
            return fetch.original.size  # what stands in the document itself is about as much again
    return 0
