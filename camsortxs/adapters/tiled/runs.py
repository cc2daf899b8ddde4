"""Archived runs as a source: the same frames that the live line would have seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx

from camsortxs.adapters.tiled.arrays import Images, image_arrays
from camsortxs.adapters.tiled.connection import Catalogue
from camsortxs.adapters.tiled.untagged import Bookmark, Untagged
from camsortxs.errors import FrameError, SourceError
from camsortxs.frames import Batch, Frame, FrameKey, Rejected, RunEnd


@dataclass(frozen=True, kw_only=True)
class TiledRuns:
    """The complete runs of a catalogue that nobody has tagged yet, oldest first, one after another.

    Resumable by itself: what is tagged is not found again. `limit` bounds the number of runs, `batch` the frames in
    memory. `opened` is told the uid and the start document of each run before its frames come. A `bookmark` kept from
    one sweep to the next spares the next one most of the catalogue; `rest` and `busy` are those of `Untagged`.
    """

    catalogue: Catalogue
    limit: int | None = None
    batch: int = 16
    opened: Callable[[str, dict[str, Any]], None] = lambda run, start: None
    bookmark: Bookmark | None = None
    rest: float = 0.0
    busy: Callable[[str], bool] = lambda uid: False

    def count(self) -> int:
        """Count the runs without a tag, complete or not (one request)."""
        return min(len(self._untagged()), self.limit or 2**63)

    def batches(self) -> Iterator[Batch]:
        """Yield the frames of each run, then its end.

        Raises
        ------
        SourceError
            When the server is out of reach: call again later, it goes on where it stopped.
        """
        # Pages go by cursor over the order of creation, so that tagging while reading skips nothing.
        untagged = self._untagged()
        yield from self._batches(untagged.runs(), untagged.bookmark)

    def batches_of(self, uid: str, *, again: bool = False) -> Iterator[Batch]:
        """Yield the frames of this one run, then its end; nothing when it is not complete, or tagged already.

        With `again` the run is read even where it is tagged.

        Raises
        ------
        SourceError
            As `batches`.
        """
        untagged = self._untagged()
        yield from self._batches(untagged.complete(uid) if again else untagged.fetched(uid), untagged.bookmark)

    def _batches(self, runs: Iterator[tuple[str, Any]], mark: Bookmark) -> Iterator[Batch]:
        try:
            for uid, run in islice(runs, self.limit):
                self.opened(uid, run.metadata["start"])
                try:
                    yield from self._run(uid, run)
                except (AttributeError, LookupError, TypeError, ValueError) as error:  # metadata of an unheard-of shape
                    yield self._given_up(mark, uid, error)
                except (httpx.ConnectError, httpx.ConnectTimeout):  # no fault of this run
                    raise
                except httpx.HTTPError as error:  # what Tiled answers, or that it does not, however often it is asked
                    if not mark.hopeless(uid):
                        raise
                    yield self._given_up(mark, uid, error)
        except httpx.TransportError as error:
            raise SourceError(f"Tiled cannot be reached: {error}") from error
        except httpx.HTTPStatusError as error:
            raise SourceError(f"Tiled refuses: {error}") from error

    @staticmethod
    def _given_up(mark: Bookmark, uid: str, error: Exception) -> Batch:
        """Refuse a run that would otherwise end every sweep at the same place."""
        mark.settle(uid)
        message = f"run {uid} cannot be read: {type(error).__name__}: {error}"
        return Batch(rejected=(Rejected(reason="unreadable_run", message=message, origin={"run": uid}),))

    def _untagged(self) -> Untagged:
        mark = self.bookmark or Bookmark()
        return Untagged(catalogue=self.catalogue, bookmark=mark, rest=self.rest, busy=self.busy)

    def _run(self, uid: str, run: Any) -> Iterator[Batch]:
        for images in image_arrays(run):
            yield from self._frames(uid, images)
        yield Batch(ended=(RunEnd(run=uid, exit_status=run.metadata["stop"].get("exit_status", "success")),))

    def _frames(self, uid: str, images: Images) -> Iterator[Batch]:
        for first in range(0, images.count, self.batch):
            frames: list[Frame] = []
            rejected: list[Rejected] = []
            for index in range(first, min(first + self.batch, images.count)):
                key = FrameKey(run=uid, stream=images.stream, data_key=images.data_key, index=index)
                try:
                    frames.append(images.frame(key))
                except FrameError as error:
                    rejected.append(Rejected(reason=error.reason, message=str(error), key=key, origin={"run": uid}))
            yield Batch(frames=tuple(frames), rejected=tuple(rejected))
