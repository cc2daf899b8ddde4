"""The life of the daemon: start, work until told to stop, and an exit code that tells the supervisor what happened."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from types import FrameType
from typing import Any, Protocol

import structlog

from camsortxs.errors import ModelError, SinkUnavailable, SourceError
from camsortxs.frames import Batch
from camsortxs.pipeline import Pipeline

log = structlog.get_logger()


class Exit(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    BAD_MODEL = 2


class LiveSource(Protocol):
    """A source without an end of its own."""

    def batches(self) -> Iterator[Batch]:
        """Yield batches until told to stop."""
        ...

    def stop(self) -> None:
        """End after the batch in hand; safe to call from a signal handler."""
        ...


class Stop:
    """Whether we were told to stop; settable from a signal handler."""

    def __init__(self) -> None:
        self._said = False

    def __call__(self) -> bool:
        """Say whether it is time."""
        return self._said

    def say(self) -> None:
        """Tell it."""
        self._said = True


def _nothing() -> None:
    """Do nothing."""


@dataclass(kw_only=True)
class Agent:
    """All parts of a daemon, wired; `resources` serves metrics and health while it is entered, and cleans up.

    `settle` waits for what should be there before anything is read. `reload` asks for another look at the model; it is
    called from a signal handler.
    """

    pipeline: Pipeline
    source: LiveSource
    resources: AbstractContextManager[Any] = field(default_factory=nullcontext)
    settle: Callable[[], None] = _nothing
    reload: Callable[[], None] = _nothing


def run(build: Callable[[Stop], Agent]) -> Exit:
    """Build an agent and run it until SIGTERM or SIGINT; the batch in hand is finished and committed first.

    SIGHUP makes it look at its model again.

    Returns
    -------
    Exit
        `DONE` after a signal, `FAILED` when the source says that it cannot go on or something unforeseen happens,
        `BAD_MODEL` when the bundle is not to be used.
    """
    stop = Stop()
    try:
        with _handling({signal.SIGHUP: signal.SIG_IGN}):  # it would end a process that is still loading its model
            agent = build(stop)
        with agent.resources, _signals(stop, agent):
            agent.settle()
            log.info("started")
            agent.pipeline.run(agent.source)
    except ModelError as error:
        log.error("bad_model", error=str(error))
        return Exit.BAD_MODEL
    except SourceError as error:
        log.error("source_failed", error=str(error))
        return Exit.FAILED
    except SinkUnavailable as error:
        # Only when told to stop while waiting: nothing was acknowledged, the next start does it again.
        log.warning("stopped_while_waiting", error=str(error))
        return Exit.DONE if stop() else Exit.FAILED
    except Exception:  # the one place on the line where the unforeseen is caught (DESIGN.md section 7)
        log.exception("crashed")
        return Exit.FAILED
    log.info("stopped")
    return Exit.DONE


def _signals(stop: Stop, agent: Agent) -> AbstractContextManager[None]:
    def end(number: int, frame: FrameType | None) -> None:
        stop.say()
        agent.source.stop()

    def reload(number: int, frame: FrameType | None) -> None:
        agent.reload()

    return _handling({signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload})


@contextmanager
def _handling(handlers: Mapping[int, Callable[[int, FrameType | None], None] | signal.Handlers]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
