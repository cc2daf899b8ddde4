"""The catalogue from the settings: how it is reached, how it is swept, what is counted of that."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import structlog

from camsortxs.adapters.tiled import Bookmark, Catalogue, LiveTiledRuns, TiledRuns
from camsortxs.pipeline import Pipeline
from camsortxs.records import Sink
from camsortxs_agent.metrics import Metrics
from camsortxs_agent.reconcile import Reconciler, Swept, Told
from camsortxs_agent.service import Stop
from camsortxs_agent.settings import Settings, TiledSettings

log = structlog.get_logger()


def catalogue(settings: TiledSettings) -> Catalogue:
    """Return the catalogue, not opened yet."""
    return Catalogue(
        address=settings.uri,
        api_key=settings.api_key,
        raw_path=settings.raw_path,
        results_path=settings.results_path,
        write_start=settings.write_start,
    )


class Withheld:
    """Counts the runs that get a record and no index, and says once why."""

    def __init__(self, metrics: Metrics, mark: Bookmark) -> None:
        self._metrics = metrics
        self._mark = mark
        self._said = False

    def note(self, run: str) -> None:
        """Note a run, which is not to be found again."""
        self._mark.settle(run)
        self._metrics.withheld.inc()
        if not self._said:
            self._said = True
            log.warning(
                "index_withheld",
                run=run,
                why="this catalogue keeps no metadata beside the start document: set tiled.write_start to write there",
            )


def live(
    settings: Settings, metrics: Metrics, archive: Catalogue, mark: Bookmark, *, ready: Callable[[bool], None]
) -> LiveTiledRuns:
    """Return the catalogue as a source, for a site without Kafka; nothing connects yet."""
    return LiveTiledRuns(
        TiledRuns(catalogue=archive, batch=settings.batch.frames, bookmark=mark),
        mark,
        poll=settings.tiled.poll_seconds,
        ready=ready,
        subscribed=metrics.subscriptions.inc,
    )


def reconciler(
    settings: Settings,
    metrics: Metrics,
    *,
    line: Callable[[Sink], Pipeline],
    stop: Stop,
    busy: Callable[[str], bool],
) -> AbstractContextManager[None]:
    """Return what sweeps the catalogue while it is entered; nothing, where the settings say so."""
    metrics.sweep_interval.set(every := settings.reconcile.every_minutes * 60)
    metrics.sweep_succeeded.set_to_current_time()
    if not every:
        return nullcontext()

    def swept(one: Swept) -> None:
        metrics.sweeps.labels("done" if one.good else "failed").inc()
        metrics.sweep_seconds.set(one.seconds)
        if one.good:
            metrics.sweep_succeeded.set_to_current_time()

    return Reconciler(
        catalogue=catalogue(settings.tiled),
        line=line,
        every=every,
        rest=settings.reconcile.after_minutes * 60,
        limit=settings.reconcile.limit,
        stopping=stop,
        busy=busy,
        told=Told(run=lambda result: metrics.reconciled.labels(result).inc(), sweep=swept),
    ).running()
