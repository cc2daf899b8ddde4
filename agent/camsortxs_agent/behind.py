"""Work that the line does not wait for: done in order, by a thread of its own, a few pieces behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from queue import Queue
from threading import Semaphore, Thread

import structlog

from camsortxs.records import Outcome

log = structlog.get_logger()

Piece = Callable[[], None]
_END_SECONDS = 10.0


class Behind:
    """Does pieces of work in the order in which it was given them, at most `limit` behind; with 0, each at once.

    What a piece raises is raised where the next one is given, or where the last one is waited for; what was given after
    it is not done. `failed` is told of it at once: nobody may come any more.
    """

    def __init__(self, *, limit: int, failed: Piece = lambda: None) -> None:
        self._limit = limit
        self._failed = failed
        self._room = Semaphore(limit)
        self._pieces: Queue[Piece | None] = Queue()
        self._error: Exception | None = None
        self._over = False

    @property
    def waiting(self) -> int:
        """How many pieces are not done, the one in hand included: `limit` at most."""
        return self._pieces.unfinished_tasks

    def give(self, piece: Piece) -> None:
        """Have a piece of work done, once there is room.

        Raises
        ------
        Exception
            What an earlier piece has raised.
        """
        if not self._limit:
            piece()
            return
        self._room.acquire()
        self._check()
        self._pieces.put(piece)

    def finish(self) -> None:
        """Wait until all is done; errors as of `give`."""
        self._pieces.join()
        self._check()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Work for the length of the block; what is not done at its end, and was not waited for, is left undone."""
        thread = Thread(target=self._work, name="behind", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over = True
            self._pieces.put(None)
            thread.join(_END_SECONDS)
            if thread.is_alive():  # in a request that the Tiled client repeats for up to 45 s: the process may go
                log.warning("write_left_behind")

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            try:
                if not self._over:
                    piece()
            except Exception as error:  # noqa: BLE001 - raised again in the line, which is where the unforeseen is caught
                self._error, self._over = error, True
                self._failed()
            finally:
                self._room.release()
                self._pieces.task_done()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


class Later:
    """A sink that has each outcome written behind the line; what was refused waits there without its bytes."""

    def __init__(self, behind: Behind, write: Callable[[Outcome], None]) -> None:
        self._behind = behind
        self._write = write

    def write(self, outcome: Outcome) -> None:
        """Take an outcome; errors as of `Behind.give`."""
        lighter = replace(outcome, rejected=tuple(item.without_payload() for item in outcome.rejected))
        self._behind.give(partial(self._write, lighter))
