"""A sink that keeps trying, and gives up only on what will never work."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from time import monotonic

import stamina

from camsortxs.errors import SinkRejected, SinkUnavailable
from camsortxs.records import Outcome, Sink

MAX_WAIT_SECONDS = 5.0


class RetryingSink:
    """Hands an outcome on run by run, so that one run in trouble holds back no other.

    While the sink is unavailable it waits with exponential back-off: for ever, or as long as the error's `patience`
    allows. `waiting` is told of each failed try (to keep a consumer alive, to turn readiness off), `rejected` of what
    is given up, `forget` of each run that ends with it, whose record nobody will bring again, and `stopping` ends the
    waiting early.

    Raises
    ------
    SinkUnavailable
        From `write`, only when `stopping` says so: nothing was acknowledged.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        waiting: Callable[[SinkUnavailable], None] = lambda error: None,
        rejected: Callable[[Outcome, SinkRejected], None] = lambda outcome, error: None,
        forget: Callable[[str], None] = lambda run: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sink = sink
        self._waiting = waiting
        self._rejected = rejected
        self._forget = forget
        self._stopping = stopping

    def write(self, outcome: Outcome) -> None:
        """Write each run of the outcome until it is written or refused for good."""
        for part in by_run(outcome):
            try:
                self._persist(partial(self._sink.write, part))
            except SinkRejected as error:
                for end in part.ended:
                    self._forget(end.run)
                # Where what is given up is kept may itself be away for a while: a full disk, a broker.
                self._persist(partial(self._rejected, part, error))

    def _persist(self, write: Callable[[], None]) -> None:
        started = monotonic()

        def try_again(error: Exception) -> bool:
            if not isinstance(error, SinkUnavailable) or self._stopping():
                return False
            if error.patience is not None and monotonic() - started > error.patience:
                return False
            self._waiting(error)
            return True

        try:
            for attempt in stamina.retry_context(
                on=try_again, attempts=None, timeout=None, wait_initial=0.1, wait_max=MAX_WAIT_SECONDS, wait_jitter=0.1
            ):
                with attempt:
                    write()
        except SinkUnavailable as error:
            if error.patience is None or self._stopping():
                raise
            raise SinkRejected("out_of_patience", f"{error}, given up after {error.patience:g} s") from error


def by_run(outcome: Outcome) -> Iterator[Outcome]:
    """Split an outcome by run, in order of appearance; refusals that belong to no run come last."""
    keys = [*(r.key.run for r in outcome.records), *(r.key.run for r in outcome.rejected if r.key is not None)]
    for run in dict.fromkeys([*keys, *(end.run for end in outcome.ended)]):
        yield replace(
            outcome,
            records=tuple(r for r in outcome.records if r.key.run == run),
            rejected=tuple(r for r in outcome.rejected if r.key is not None and r.key.run == run),
            ended=tuple(end for end in outcome.ended if end.run == run),
        )
    if homeless := tuple(r for r in outcome.rejected if r.key is None):
        yield replace(outcome, records=(), rejected=homeless, ended=())
