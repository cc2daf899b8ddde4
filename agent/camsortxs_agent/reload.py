"""A new model without a restart: what is on disk is watched, tried beside the one that serves, and swapped in."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

import structlog

from camsortxs.classifiers.champion import POINTER, read_pointer
from camsortxs.errors import ModelError
from camsortxs_agent.background import yield_to_the_line
from camsortxs_agent.serving import Loaded

log = structlog.get_logger()

_END_SECONDS = 10.0

Role = Literal["champion", "challenger"]
Result = Literal["swapped", "refused", "unchanged"]
Fingerprint = tuple[bytes | None, tuple[tuple[str, int, int, int], ...]]


def fingerprint(path: Path) -> Fingerprint:
    """Return what tells whether anything changed, without reading the bundle.

    The contents of the pointer, where `path` has one; name, size, time and inode of each file of the bundle.
    """
    pointer, folder = None, path
    with suppress(OSError):
        pointer = (path / POINTER).read_bytes()
    with suppress(ModelError):
        if named := read_pointer(path):
            folder = path / named.champion.model
    files: list[tuple[str, int, int, int]] = []
    with suppress(OSError):  # gone since, or not for us to see: loading it will tell
        for file in sorted(folder.rglob("*")):
            about = file.stat()
            files.append((str(file.relative_to(folder)), about.st_size, about.st_mtime_ns, about.st_ino))
    return pointer, tuple(files)


class Reloader:
    """Tries what is at `path` when it has changed, and has it serve when it is good.

    It looks every `every` seconds (0: never by itself) and when it is asked. `load` returns the model that is there
    now, and takes its time in a thread of its own; `swap` is given a good one, and must return at once. A bad one is
    logged and left alone until something changes, or somebody asks: the one that serves goes on. `served` is the model
    that serves at first, `seen` the fingerprint from before it was loaded; without them it begins with a try. `told`
    hears how each try ended.
    """

    def __init__(
        self,
        *,
        role: Role = "champion",
        path: Path,
        every: float,
        served: Loaded | None = None,
        seen: Fingerprint | None = None,
        load: Callable[[], Loaded],
        swap: Callable[[Loaded], None],
        told: Callable[[Result], None] = lambda result: None,
    ) -> None:
        self._log = log.bind(role=role)
        self._path = path
        self._every = every
        self._served = served
        self._seen = seen
        self._load = load
        self._swap = swap
        self._told = told
        self._asked: SimpleQueue[bool] = SimpleQueue()

    def ask(self) -> None:
        """Look now, and try what is there even if it was refused before; safe to call from a signal handler."""
        self._asked.put(True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch in a thread for the length of the block."""
        thread = threading.Thread(target=self._work, name="reload", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._asked.put(False)
            thread.join(_END_SECONDS)

    def look(self, *, anyway: bool = False) -> Result | None:
        """Try what is there, if it has changed or `anyway`; return how that ended, None when nothing was tried."""
        found = fingerprint(self._path)
        if found == self._seen and not anyway:
            return None
        self._seen = found
        result = self._conclude(self._tried())
        self._told(result)
        return result

    def _work(self) -> None:
        asked: bool | None = None
        if self._served is None:
            self.look()
        while asked is not False:
            try:
                asked = self._asked.get(timeout=self._every or None)
            except Empty:
                asked = None
            if asked is not False:
                self.look(anyway=asked is True)

    def _tried(self) -> "Future[Loaded]":
        """Load in a thread that gives way to those of the line; whatever is raised there is a value here."""
        with ThreadPoolExecutor(1, thread_name_prefix="load", initializer=yield_to_the_line) as threads:
            return threads.submit(self._load)

    def _conclude(self, tried: "Future[Loaded]") -> Result:
        serving = self._served.model.reference if self._served else None
        if (error := tried.exception()) is not None:
            self._log.error("model_refused", error=f"{type(error).__name__}: {error}", serving=serving)
            return "refused"
        loaded = tried.result()
        if self._served is not None and loaded.sha256 == self._served.sha256:
            self._log.info("model_unchanged", serving=serving)
            return "unchanged"
        self._swap(loaded)
        self._served = loaded
        self._log.info("model_swapped", before=serving, serving=loaded.model.reference)
        return "swapped"
