"""Which runs are open, where each of them began, and which document belongs to which run."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from camsortxs.adapters.reference import PixelReader
from camsortxs.errors import FrameError
from camsortxs_agent.documents import Item, RunDocuments

REMEMBERED = 20_000
"""How many identifiers of closed runs are remembered, to tell a document that comes twice from an orphan."""

_NAMES_ITS_RUN = dict.fromkeys(("descriptor", "resource", "stream_resource", "stop"), "run_start")
_NAMES_ANOTHER = {
    "event": "descriptor",
    "event_page": "descriptor",
    "datum": "resource",
    "datum_page": "resource",
    "stream_datum": "stream_resource",
}


@dataclass(slots=True)
class _Open:
    documents: RunDocuments
    place: Hashable
    offset: int
    known: set[str] = field(default_factory=set)


class Runs:
    """The open runs of all partitions (`place`), and for each place the offset that a restart must begin at.

    A run is open from its start document until it is closed, which comes after its records were written.
    """

    def __init__(self, *, pixels: PixelReader) -> None:
        self._pixels = pixels
        self._open: dict[str, _Open] = {}
        self._run_of: dict[str, str] = {}
        self._closed: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, uid: str) -> bool:
        """Say whether this run is open; may be asked from another thread."""
        return uid in self._open

    def consume(
        self, name: str, document: Mapping[str, Any], *, place: Hashable, offset: int, time: float | None = None
    ) -> Iterator[Item]:
        """Yield what one document brings.

        Raises
        ------
        FrameError
            With reason `orphan` for a document of a run whose start was never seen; `unknown_document`, `malformed`.
        """
        if name == "start":
            documents = RunDocuments(document, pixels=self._pixels)
            self._open.setdefault(documents.uid, _Open(documents, place, offset))
            return
        for run in self._runs_of(name, document):
            if name in ("descriptor", "resource", "stream_resource") and isinstance(uid := document.get("uid"), str):
                self._run_of[uid] = run.documents.uid
                run.known.add(uid)
            yield from run.documents.consume(name, document, time=time)

    def first_offset(self, place: Hashable) -> int | None:
        """Return the smallest offset that an open run of this place began at; None when no run is open there."""
        return min((run.offset for run in self._open.values() if run.place == place), default=None)

    def closer(self, uid: str) -> Callable[[], None]:
        """Return what closes a run once its records are written; documents of it that come again are then ignored.

        It closes this reading of the run only: when its place was lost and came back, the run is read anew.
        """
        run = self._open.get(uid)

        def close() -> None:
            if run is None or self._open.get(uid) is not run:
                return
            del self._open[uid]
            for known in (uid, *run.known):
                self._run_of.pop(known, None)
                self._closed[known] = None
            while len(self._closed) > REMEMBERED:
                del self._closed[next(iter(self._closed))]

        return close

    def forget(self, place: Hashable) -> None:
        """Forget all runs of a place that somebody else now reads from where we had acknowledged."""
        for uid in [uid for uid, run in self._open.items() if run.place == place]:
            for known in self._open.pop(uid).known:
                self._run_of.pop(known, None)

    def _runs_of(self, name: str, document: Mapping[str, Any]) -> list[_Open]:
        if name in _NAMES_ITS_RUN:
            uid = document.get(_NAMES_ITS_RUN[name])
            if uid is None and name == "resource":  # event-model before 1.12: a resource of whoever is running
                return list(self._open.values())
        elif name in _NAMES_ANOTHER:
            other = document.get(_NAMES_ANOTHER[name])
            uid = self._run_of.get(other, other) if isinstance(other, str) else None
        else:
            raise FrameError("unknown_document", f"no Bluesky document is called {name[:80]!r}")
        if not isinstance(uid, str):
            raise FrameError("malformed", f"{name} does not say what it belongs to")
        if uid in self._closed and uid not in self._open:
            return []
        if uid not in self._open:
            raise FrameError("orphan", f"{name} of {uid[:80]}, whose start was never seen")
        return [self._open[uid]]
