"""Which complete runs still lack our index: for the back-fill, the agent's reconciler and its Tiled source."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

from tiled.client.container import Container
from tiled.queries import Key, KeyPresent

from camsortxs import derived
from camsortxs.adapters.tiled.connection import Catalogue
from camsortxs.adapters.tiled.pages import named, newest, pages

MAX_REMEMBERED = 10_000
"""How many runs a bookmark remembers as waiting, and as settled: beyond them the oldest are forgotten."""
MAX_FAILURES = 3
"""How often Tiled may fail on one run before the others go on without it."""


@dataclass(kw_only=True)
class Bookmark:
    """What the sweeps before this one found out, so that the next one need not read the whole catalogue again.

    Every run that was made before `cursor` is tagged, `waiting` (for its end, or for its turn) or `settled` (it can
    never carry a tag). `seen` is the newest run there was when the last sweep began: the cursor goes no further,
    because a database may show a run later than one that was made after it. All of it is memory only: a new bookmark
    begins at the first run, and so also finds tags that somebody took away.
    """

    cursor: int | None = None
    seen: int | None = None
    waiting: dict[str, None] = field(default_factory=dict)
    settled: dict[str, None] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def wait(self, uid: str) -> None:
        """Look at this run again in the next sweep."""
        _remember(self.waiting, uid)

    def settle(self, uid: str) -> None:
        """Never look at this run again, tag or not."""
        self.waiting.pop(uid, None)
        self.failures.pop(uid, None)
        _remember(self.settled, uid)

    def hopeless(self, uid: str) -> bool:
        """Note that Tiled fails on this run; say whether it has done so too often to try again."""
        self.failures[uid] = self.failures.get(uid, 0) + 1
        return self.failures[uid] >= MAX_FAILURES


@dataclass(frozen=True, kw_only=True)
class Untagged:
    """The complete runs of a catalogue without our index, oldest first.

    `rest` is how many seconds after its stop document a run is left to whoever works on it live; `busy` says who is
    being worked on right now.
    """

    catalogue: Catalogue
    bookmark: Bookmark
    rest: float = 0.0
    busy: Callable[[str], bool] = lambda uid: False

    def __len__(self) -> int:
        """Count the runs without an index, complete or not (one request); for an old catalogue, all of them."""
        return len(self._search())

    def runs(self) -> Iterator[tuple[str, Any]]:
        """Yield each run with its uid, fetched at that moment; the bookmark moves on as they are dealt with.

        A sweep that finds nothing takes three requests: the waiting ones, the newest node, the page behind the cursor.

        Raises
        ------
        httpx.HTTPError
            When the server is out of reach, or refuses.
        """
        mark = self.bookmark
        # An old catalogue knows neither queries nor cursors: it is listed whole each time.
        for uid, run in named(self.catalogue.raw, [] if self.catalogue.old else list(mark.waiting)):
            if _complete(run.metadata):
                yield from self._due(uid, run.metadata)
        safe, mark.seen = mark.seen, None if self.catalogue.old else newest(self.catalogue.raw)
        for page in pages(self._search(), after=mark.cursor):
            for uid, run in page.nodes:
                yield from self._due(uid, run.metadata)
            if safe is not None and page.cursor is not None and page.cursor <= safe:
                mark.cursor = page.cursor
        if safe is not None:
            mark.cursor = max(safe, mark.cursor or 0)

    def fetched(self, uid: str) -> Iterator[tuple[str, Any]]:
        """Yield this run when it is due: complete, rested, and still without an index."""
        run = self.catalogue.run(uid)
        if run is not None:
            yield from self._due(uid, run.metadata)

    def complete(self, uid: str) -> Iterator[tuple[str, Any]]:
        """Yield this run when it is complete, whoever has tagged it."""
        run = self.catalogue.run(uid)
        if run is not None and run.metadata.get("start") and _complete(run.metadata):
            yield uid, run

    def _search(self) -> Any:
        raw = self.catalogue.raw
        if self.catalogue.old:  # it knows no such query
            return raw
        # The catalogue's own search() looks below `start` only; our key stands beside it.
        return Container.search(raw, KeyPresent(f"{derived.INDEX_KEY}.model", exists=False))

    def _due(self, uid: str, metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the run if it is due, as it is now: it may have been tagged since its page was fetched."""
        mark = self.bookmark
        if not metadata.get("start") or uid in mark.settled or self._tagged(metadata):
            mark.waiting.pop(uid, None)
            return
        if not _complete(metadata) or _age(metadata) < self.rest or self.busy(uid):
            mark.wait(uid)
            return
        run = self.catalogue.run(uid)
        if run is not None and not self._tagged(run.metadata) and not self._recorded(uid):
            yield uid, run
        mark.waiting.pop(uid, None)

    def _tagged(self, metadata: Mapping[str, Any]) -> bool:
        return self.catalogue.index_in(metadata).get("model") is not None

    def _recorded(self, uid: str) -> bool:
        """Say whether a run that must not be tagged has a record, which is all that it will ever have."""
        if self.catalogue.takes_index:
            return False
        return len(Container.search(self.catalogue.results, Key("start.raw_uid") == uid)) > 0


def _complete(metadata: Mapping[str, Any]) -> bool:
    return isinstance(metadata.get("stop"), Mapping)  # None in an old catalogue


def _age(metadata: Mapping[str, Any]) -> float:
    """Return the seconds since the run ended, by the beamline's clock and ours; for ever, where it does not say."""
    ended = metadata["stop"].get("time")
    return time() - ended if isinstance(ended, int | float) else float("inf")


def _remember(memory: dict[str, None], uid: str) -> None:
    memory[uid] = None
    while len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
