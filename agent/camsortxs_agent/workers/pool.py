"""The agent's side: frames go out to workers, what they have seen comes back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import LifoQueue

import structlog

from camsortxs.errors import FrameError
from camsortxs.features.base import Featurizer
from camsortxs.frames import Frame, Rejected, Unread
from camsortxs.look import Beside, Looks, look
from camsortxs_agent.announced import Announced, Fetch
from camsortxs_agent.workers.errands import pack_errand, unpack_count, unpack_looks
from camsortxs_agent.workers.foundry import Foundry, Worker
from camsortxs_agent.workers.settings import WorkerSettings

_LIMIT_SECONDS = 120.0
"""How long a worker may take beyond the patience with a late file: no frame takes a tenth of it."""
_TRIES = 2

log = structlog.get_logger()


class Workers:
    """Looks at frames as `camsortxs.look.look`, in `count` processes, each at one event at a time.

    What they cannot be told (pixels that are in a document, a challenger that wants to see them too) is looked at in
    the thread that asks, and so is everything until they are ready. A worker that dies is replaced, and its event is
    tried once more before it is refused, `worker_died`; one that does not answer is killed, and its event is refused,
    `worker_hung`. `lost` is told of each worker that goes that way.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        count: int,
        limit: float = _LIMIT_SECONDS,
        lost: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._foundry = Foundry(settings)
        self._limit = settings.pixels.late_file_seconds + limit
        self._lost = lost
        self._idle: LifoQueue[Worker | None] = LifoQueue()  # who was busy last is warm
        for _ in range(count):
            self._idle.put(None)  # made when it is first asked for

    @property
    def ready(self) -> bool:
        """Say whether frames are sent to them."""
        return self._foundry.ready

    @property
    def settled(self) -> bool:
        """Say whether it is clear if frames are sent to them: they are ready, or never will be."""
        return self._foundry.ready or self._foundry.failed

    def __call__(
        self, items: Sequence[Frame | Unread], featurizer: Featurizer, *, beside: Beside | None = None
    ) -> Looks:
        """Look at a few frames; in any thread."""
        fetch = items[0].read if len(items) == 1 and isinstance(items[0], Unread) else None
        looks = self._sent(fetch) if isinstance(fetch, Fetch) and beside is None and self.ready else None
        return look(items, featurizer, beside=beside) if looks is None else looks

    def count(self, announced: Announced) -> int | Rejected | None:
        """Return how many images an event has, or why nobody can tell; None where it must be found out here."""
        frames = announced.detector.frames
        answer = self._asked(announced, None, refused_as=frames) if self.ready else None
        found = unpack_count(answer) if isinstance(answer, bytes) else answer
        return replace(found, key=announced.key(frames)) if isinstance(found, Rejected) else found

    def _sent(self, fetch: Fetch) -> Looks | None:
        """Return what a worker has seen; None when there is none to ask, or it could not make sense of the errand."""
        answer = self._asked(fetch.announced, fetch.frames, refused_as=fetch.frames)
        if isinstance(answer, Rejected):
            return Looks(seen=(), rejected=(fetch.traced(answer),), seconds={})
        looks = None if answer is None else unpack_looks(answer)
        return None if looks is None else replace(looks, rejected=tuple(fetch.traced(one) for one in looks.rejected))

    def _asked(self, announced: Announced, frames: int | None, *, refused_as: int) -> bytes | Rejected | None:
        """Return a worker's answer; None when there is none to ask, a refusal when they die of it."""
        message = pack_errand(announced, frames)
        try:
            return None if message is None else self._answer(message)
        except FrameError as error:
            refused = announced.refusal(error, refused_as)
            log.error(error.reason, frame=str(refused.key), why=str(error))
            return refused

    def _answer(self, message: bytes) -> bytes | None:
        worker = self._idle.get()
        try:
            for _ in range(_TRIES):
                worker = worker or self._foundry.make()
                if worker is None:
                    return None
                try:
                    return worker.ask(message, limit=self._limit)
                except TimeoutError as error:
                    worker = None
                    self._lost("worker_hung")
                    raise FrameError("worker_hung", f"no answer within {self._limit:g} s") from error
                except (EOFError, OSError):
                    worker = None
                    self._lost("worker_died")
            raise FrameError("worker_died", f"{_TRIES} processes died of it, one after the other")
        finally:
            self._idle.put(worker)
