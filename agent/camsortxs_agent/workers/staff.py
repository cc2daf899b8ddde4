"""Which workers look at the frames of the model that serves."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic, sleep

from camsortxs.features.base import Featurizer
from camsortxs.features.chain import Chain
from camsortxs.frames import Rejected
from camsortxs.model import Model
from camsortxs_agent.announced import Announced
from camsortxs_agent.settings import Settings
from camsortxs_agent.workers.pool import Workers
from camsortxs_agent.workers.settings import WorkerSettings


class Staff:
    """Has frames looked at by `count` workers, if more than one, and where features are computed on the CPU.

    Not those of a model that looks through embeddings: networks take their time without the interpreter's lock, and
    onnxruntime has threads, with which nothing can be forked. Models with the same features share their workers; others
    get new ones, and the old ones end once nobody asks them any more.
    """

    def __init__(self, settings: Settings, *, count: int, lost: Callable[[str], None]) -> None:
        self._settings = settings
        self._count = count
        self._lost = lost
        self._digest = ""
        self._workers: Workers | None = None

    @property
    def processes(self) -> int:
        """How many of them look at frames: none where they are not wanted, or not ready yet."""
        return self._count if self._workers is not None and self._workers.ready else 0

    def __call__(self, model: Model) -> Model:
        """Return the model with workers that look at its frames."""
        self._take_on(model.featurizer)
        return model if self._workers is None else replace(model, look=self._workers)

    def count(self, announced: Announced) -> int | Rejected | None:
        """Have a worker find out how many images an event has, as `Workers.count`; None where there are no workers."""
        return None if self._workers is None else self._workers.count(announced)

    def settle(self, stop: Callable[[], bool], *, limit: float = 120.0) -> None:
        """Wait until there are workers, or there will be none, or it is time to stop; `limit` seconds at most.

        A file that its reader dies of would end an agent that reads it itself, and come again at its next start.
        """
        deadline = monotonic() + limit
        while self._workers is not None and not (self._workers.settled or stop() or monotonic() > deadline):
            sleep(0.1)

    def begin(self, chain: Featurizer) -> None:
        """Take on the first workers already, for a model that is still being loaded."""
        if self._workers is None:
            self._take_on(chain)

    def _take_on(self, chain: Featurizer) -> None:
        if self._count == 1 or not isinstance(chain, Chain) or chain.embeddings:
            self._workers = None
        elif self._workers is None or self._digest != chain.digest:
            wanted = WorkerSettings(
                representations=chain.representations, pixels=self._settings.pixels, log=self._settings.log
            )
            self._workers = Workers(wanted, count=self._count, lost=self._lost)
        self._digest = chain.digest
