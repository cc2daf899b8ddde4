"""Which runs are open, where each of them began, and which document belongs to which run."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time as wall_clock
from typing import Any

from camsortxs.adapters.reference import PixelReader
from camsortxs.errors import FrameError
from camsortxs.frames import INCOMPLETE, RunEnd
from camsortxs_agent.announced import UNHEARD_OF, Count, nobody_counts
from camsortxs_agent.documents import Item, RunDocuments
from camsortxs_agent.whose import LEADS_ON, NAMES_ANOTHER, NAMES_ITS_RUN, run_of

REMEMBERED = 20_000
"""How many identifiers of closed runs are remembered, to tell a document that comes twice from an orphan."""


@dataclass(slots=True)
class _GivenUp:
    """A run whose stop did not come in time, and whether it was said that more of it came after that."""

    told: bool = False


@dataclass(slots=True)
class _Open:
    documents: RunDocuments
    place: Hashable
    offset: int
    since: float
    stopped: bool = False
    given_up: _GivenUp | None = None
    known: set[str] = field(default_factory=set)


class Runs:
    """The open runs of all partitions (`place`), and for each place the offset that a restart must begin at.

    A run is open from its start document until it is closed, which comes after its records were written. Offsets of one
    place grow, until it is forgotten: what begins first there stands first.
    """

    def __init__(self, *, pixels: PixelReader, count: Count = nobody_counts) -> None:
        self._pixels = pixels
        self._count = count
        self._open: dict[str, _Open] = {}
        self._at: dict[Hashable, dict[str, _Open]] = {}
        self._run_of: dict[str, str] = {}
        self._closed: OrderedDict[str, _GivenUp | None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[str]:
        """Yield the identifiers of the open runs."""
        return iter(self._open)

    def __contains__(self, uid: str) -> bool:
        """Say whether this run is open; may be asked from another thread."""
        return uid in self._open

    def run_of(self, name: str, document: Mapping[str, Any]) -> str | None:
        """Return the run of a document, open or not; None when neither the document nor one before it tells."""
        return run_of(name, document, self._run_of)

    def consume(
        self, name: str, document: Mapping[str, Any], *, place: Hashable, offset: int, time: float | None = None
    ) -> Iterator[Item]:
        """Yield what one document brings; `time` (s since 1970) is when it was sent.

        Raises
        ------
        FrameError
            With reason `orphan` for a document of a run whose start was never seen; `late` for the first one of a run
            that was given up before; `unknown_document`, `malformed`.
        """
        try:
            yield from self._consume(name, document, place=place, offset=offset, time=time)
        except UNHEARD_OF as error:  # anything may stand where a document should say something else
            raise FrameError("malformed", f"{name}: {type(error).__name__}: {error}"[:500]) from error

    def _consume(
        self, name: str, document: Mapping[str, Any], *, place: Hashable, offset: int, time: float | None
    ) -> Iterator[Item]:
        if name == "start":
            documents = RunDocuments(document, pixels=self._pixels, count=self._count)
            if documents.uid not in self._open:
                run = _Open(documents, place, offset, since=wall_clock() if time is None else time)
                self._open[documents.uid] = self._at.setdefault(place, {})[documents.uid] = run
            return
        for run in self._runs_of(name, document):
            if name in LEADS_ON and isinstance(uid := document.get("uid"), str):
                self._run_of[uid] = run.documents.uid
                run.known.add(uid)
            if name == "stop" and run.stopped:
                continue  # a producer said it twice: whoever concludes the run has forgotten it with the first
            yield from run.documents.consume(name, document, time=time)
            run.stopped = run.stopped or name == "stop"

    def first_offset(self, place: Hashable) -> int | None:
        """Return the smallest offset that an open run of this place began at; None when no run is open there."""
        return next((run.offset for run in self._at.get(place, {}).values()), None)

    def overdue(self, place: Hashable, *, before: float) -> list[RunEnd]:
        """Give up runs of a place that began before then (s since 1970), each once: their stop may never come.

        They stay open until they are closed; what documents of theirs still come is refused once, then ignored.
        """
        found = []
        for uid, run in self._at.get(place, {}).items():
            if run.since >= before:
                break
            if not (run.stopped or run.given_up):
                run.given_up = _GivenUp()
                found.append(RunEnd(run=uid, exit_status=INCOMPLETE))
        return found

    def closer(self, uid: str) -> Callable[[], None]:
        """Return what closes a run once its records are written; documents of it that come again are then ignored.

        It closes this reading of the run only: when its place was lost and came back, the run is read anew.
        """
        run = self._open.get(uid)

        def close() -> None:
            if run is None or self._open.get(uid) is not run:
                return
            del self._open[uid], self._at[run.place][uid]
            for known in (uid, *run.known):
                if run.given_up is None:  # else a letter about what still comes should name it
                    self._run_of.pop(known, None)
                self._remember(known, run.given_up)

        return close

    def _remember(self, known: str, given_up: _GivenUp | None) -> None:
        """Keep an identifier of a closed run."""
        self._closed[known] = given_up
        while len(self._closed) > REMEMBERED:
            forgotten, _ = self._closed.popitem(last=False)
            if self._run_of.get(forgotten) not in self._open:  # it may be read anew
                self._run_of.pop(forgotten, None)

    def forget(self, place: Hashable) -> list[str]:
        """Forget all runs of a place that somebody else now reads from where we had acknowledged; return their uids."""
        forgotten = self._at.pop(place, {})
        for uid, run in forgotten.items():
            del self._open[uid]
            for known in run.known:
                self._run_of.pop(known, None)
        for given_up in filter(None, self._closed.values()):
            given_up.told = False  # what was said may have been lost with the place
        return list(forgotten)

    def _runs_of(self, name: str, document: Mapping[str, Any]) -> list[_Open]:
        if name in NAMES_ITS_RUN:
            uid = document.get(NAMES_ITS_RUN[name])
            if uid is None and name == "resource":  # event-model before 1.12: a resource of whoever is running
                return [run for run in self._open.values() if not run.given_up]
        elif name in NAMES_ANOTHER:
            other = document.get(NAMES_ANOTHER[name])
            uid = self._run_of.get(other, other) if isinstance(other, str) else None
        else:
            raise FrameError("unknown_document", f"no Bluesky document is called {name[:80]!r}")
        if not isinstance(uid, str):
            raise FrameError("malformed", f"{name} does not say what it belongs to")
        if uid in self._closed and uid not in self._open:
            return self._late(name, document, uid, self._closed[uid])
        if uid not in self._open:
            raise FrameError("orphan", f"{name} of {uid[:80]}, whose start was never seen")
        run = self._open[uid]
        return self._late(name, document, uid, run.given_up) if run.given_up else [run]

    def _late(self, name: str, document: Mapping[str, Any], uid: str, given_up: _GivenUp | None) -> list[_Open]:
        """Return no run; of one that was given up say so once, when more than its stop comes."""
        if given_up is None:
            return []
        if name in LEADS_ON and isinstance(leads := document.get("uid"), str):  # what hangs on it is no orphan
            self._run_of[leads] = uid
            if uid in self._open:
                self._open[uid].known.add(leads)
            else:
                self._remember(leads, given_up)
        if not given_up.told and name != "stop":
            given_up.told = True
            raise FrameError("late", f"{name} of {uid[:80]}, a run that was given up: read it again once it has ended")
        return []
