"""Where conclusions go: dead letters and results at once, records and indexes of the catalogue behind the line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import Bookmark, Catalogue, TiledSink
from camsortxs.errors import SinkRejected, SinkUnavailable
from camsortxs.records import Outcome, Sink
from camsortxs_agent.archive import Withheld
from camsortxs_agent.behind import Behind, Later
from camsortxs_agent.dead_letters import DeadLetters
from camsortxs_agent.metrics import Metrics, Readiness
from camsortxs_agent.results import ResultsTopic
from camsortxs_agent.service import Stop
from camsortxs_agent.settings import Settings
from camsortxs_agent.wire import Publisher

log = structlog.get_logger()


class InTurn:
    """Several sinks as one: each is given the outcome once the one before it has it; `written` is told at the end."""

    def __init__(self, sinks: Sequence[Sink], *, written: Callable[[], None]) -> None:
        self._sinks = tuple(sinks)
        self._written = written

    def write(self, outcome: Outcome) -> None:
        """Write to one sink after another; errors as of theirs."""
        for sink in self._sinks:
            sink.write(outcome)
        self._written()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """All places as one `sink`; `forget` drops what they keep of a run that another agent goes on with."""

    sink: Sink
    forget: Callable[[str], None]


def outlets(
    settings: Settings,
    metrics: Metrics,
    readiness: Readiness,
    *,
    publisher: Publisher | None,
    archive: Catalogue,
    mark: Bookmark,
    behind: Behind,
    stop: Stop,
) -> Outlets:
    """Return where conclusions go; nothing connects yet.

    Without a `publisher` no results go out, and dead letters are in a file only.
    """
    letters = DeadLetters(
        publisher,
        topic=settings.kafka.dead_letter_topic,
        file=settings.dead_letters.path,
        written=lambda reason: metrics.dead_letters.labels(reason).inc(),
    )
    topic = [ResultsTopic(publisher, topic=settings.kafka.results_topic)] if publisher else []
    withheld = Withheld(metrics, mark).note
    records = TiledSink(archive, by="live", patience=settings.tiled.index_patience_seconds, withheld=withheld)

    def waiting(part: str, error: SinkUnavailable) -> None:
        if part not in readiness.problems:
            log.warning("sink_unavailable", part=part, error=str(error))
        readiness.set(part, str(error))
        metrics.retries.inc()

    def patiently(
        part: str,
        sink: Sink,
        rejected: Callable[[Outcome, SinkRejected], None],
        forget: Callable[[str], None] = lambda run: None,
    ) -> Sink:
        return RetryingSink(sink, waiting=partial(waiting, part), rejected=rejected, forget=forget, stopping=stop)

    def given_up(outcome: Outcome, error: SinkRejected) -> None:
        log.error("dead_letter_lost", error=str(error))

    def refused(outcome: Outcome, error: SinkRejected) -> None:
        letters.refuse(outcome, error)
        for end in outcome.ended:
            unwritten.add(end.run)
            mark.settle(end.run)

    unwritten: set[str] = set()
    patient_records = patiently("catalogue", records, refused, records.forget)

    def record(outcome: Outcome) -> None:
        unwritten.clear()
        with metrics.recording(outcome, refused=unwritten):
            patient_records.write(outcome)
        readiness.set("catalogue", None)

    def forget(run: str) -> None:
        for sink in topic:
            sink.forget(run)
        behind.give(partial(records.forget, run))

    places = [
        patiently("sinks", letters, given_up),
        *(patiently("sinks", sink, letters.refuse) for sink in topic),
        Later(behind, record),
    ]
    return Outlets(sink=InTurn(places, written=lambda: readiness.set("sinks", None)), forget=forget)
