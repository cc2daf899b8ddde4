"""Archived runs as a source: the same frames that the live line would have seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
from tiled.client.container import Container
from tiled.queries import KeyPresent

from camsortxs import derived
from camsortxs.adapters.tiled.connection import Catalogue
from camsortxs.errors import FrameError, SourceError
from camsortxs.frames import Batch, Frame, FrameKey, Rejected, RunEnd, check_shape
from camsortxs.masks import bad_pixels

MIN_SIDE = 16
"""Arrays with a shorter side are waveforms and the like, not images."""


@dataclass(frozen=True, kw_only=True)
class TiledRuns:
    """The complete runs of a catalogue that nobody has tagged yet, oldest first, one after another.

    Resumable by itself: what is tagged is not found again. `limit` bounds the number of runs, `batch` the frames in
    memory. `opened` is told the uid and the start document of each run before its frames come.
    """

    catalogue: Catalogue
    limit: int | None = None
    batch: int = 16
    opened: Callable[[str, dict[str, Any]], None] = lambda run, start: None

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
        try:
            done = 0
            # Pages go by cursor over the order of creation, so that tagging while reading skips nothing.
            for uid, run in self._untagged().items():
                if "start" not in run.metadata or "stop" not in run.metadata:
                    continue
                if self.limit is not None and done >= self.limit:
                    return
                done += 1
                self.opened(uid, run.metadata["start"])
                yield from self._run(uid, run)
        except httpx.TransportError as error:
            raise SourceError(f"Tiled cannot be reached: {error}") from error

    def _untagged(self) -> Any:
        # The catalogue's own search() looks below `start` only; our key stands beside it.
        return Container.search(self.catalogue.raw, KeyPresent(f"{derived.INDEX_KEY}.model", exists=False))

    def _run(self, uid: str, run: Any) -> Iterator[Batch]:
        for stream, data_key, array in _image_arrays(run):
            yield from self._array(uid, stream, data_key, array)
        yield Batch(ended=(RunEnd(run=uid, exit_status=run.metadata["stop"].get("exit_status", "success")),))

    def _array(self, uid: str, stream: str, data_key: str, array: Any) -> Iterator[Batch]:
        count = int(np.prod(array.shape[:-2]))
        for first in range(0, count, self.batch):
            frames: list[Frame] = []
            rejected: list[Rejected] = []
            for index in range(first, min(first + self.batch, count)):
                key = FrameKey(run=uid, stream=stream, data_key=data_key, index=index)
                try:
                    check_shape(array.shape[-2:], array.dtype)
                    image = _read(array, index)
                    frames.append(Frame(key=key, image=image, mask=bad_pixels(image), detector=data_key))
                except FrameError as error:
                    rejected.append(Rejected(reason=error.reason, message=str(error), key=key, origin={"run": uid}))
            yield Batch(frames=tuple(frames), rejected=tuple(rejected))


def _image_arrays(run: Any) -> Iterator[tuple[str, str, Any]]:
    """Find the image arrays of a run, in the layouts `run/<stream>/<key>` and `run/streams/<stream>/<key>`."""
    streams = _plain(run)
    if list(streams) == ["streams"]:
        streams = _plain(streams["streams"])
    for stream, node in streams.items():
        for data_key, array in _plain(node).items():
            shape = getattr(array, "shape", ())
            if len(shape) >= 2 and min(shape[-2:]) >= MIN_SIDE:
                yield stream, data_key, array


def _plain(node: Any) -> Any:
    """Return the container without the clients' own shortcuts."""
    return getattr(node, "base", node)


def _read(array: Any, index: int) -> npt.NDArray[Any]:
    """Read one frame (height, width) of an array (..., height, width) over HTTP."""
    place = np.unravel_index(index, array.shape[:-2])
    try:
        return np.asarray(array.read(tuple(int(i) for i in place)))
    except httpx.HTTPStatusError as error:
        raise FrameError("unreadable", f"Tiled answered {error.response.status_code} for frame {index}") from error
