"""The life of the daemon: start, work until told to stop, and an exit code that tells the supervisor what happened."""

import signal
from collections.abc import Callable, Iterator
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


@dataclass(kw_only=True)
class Agent:
    """All parts of a daemon, wired; `resources` serves metrics and health while it is entered, and cleans up."""

    pipeline: Pipeline
    source: LiveSource
    resources: AbstractContextManager[Any] = field(default_factory=nullcontext)


def run(build: Callable[[Stop], Agent]) -> Exit:
    """Build an agent and run it until SIGTERM or SIGINT; the batch in hand is finished and committed first.

    Returns
    -------
    Exit
        `DONE` after a signal, `FAILED` when the source says that it cannot go on or something unforeseen happens,
        `BAD_MODEL` when the bundle is not to be used.
    """
    stop = Stop()
    try:
        agent = build(stop)
        with agent.resources, _signals(stop, agent.source):
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
    except Exception:  # the one place where the unforeseen is caught (DESIGN.md section 7)
        log.exception("crashed")
        return Exit.FAILED
    log.info("stopped")
    return Exit.DONE


@contextmanager
def _signals(stop: Stop, source: LiveSource) -> Iterator[None]:
    def handle(number: int, frame: FrameType | None) -> None:
        stop.say()
        source.stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
