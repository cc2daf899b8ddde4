"""From settings to a running agent: the only place that names concrete classes."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

import structlog

from camsortxs.adapters.tiled import Bookmark, LiveTiledRuns
from camsortxs_agent import pixels
from camsortxs_agent.archive import catalogue, live, reconciler
from camsortxs_agent.behind import Behind
from camsortxs_agent.kafka import KafkaPublisher, KafkaSource, config
from camsortxs_agent.metrics import Metrics, Readiness, http_server
from camsortxs_agent.models import Models
from camsortxs_agent.outlets import outlets
from camsortxs_agent.runs import Runs
from camsortxs_agent.service import Agent, Stop
from camsortxs_agent.serving import Loaded, load_model
from camsortxs_agent.settings import ModelSettings, Settings
from camsortxs_agent.workers import Staff

log = structlog.get_logger()

_BEHIND = 32
"""How many writes and acknowledgements the catalogue may be behind the line: some five short runs."""


def _kafka_source(
    settings: Settings,
    metrics: Metrics,
    readiness: Readiness,
    runs: Runs,
    *,
    moved: Callable[[str], None],
    behind: Behind,
) -> KafkaSource:
    source = KafkaSource(
        config=config.consumer(settings.kafka),
        topics=settings.kafka.topics,
        runs=runs,
        batch_frames=settings.batch.frames,
        batch_seconds=settings.batch.wait_seconds,
        max_bytes=settings.kafka.max_message_bytes,
        run_age=settings.kafka.run_age_hours * 3600,
        queue_batches=settings.kafka.queue_batches,
        handover=settings.kafka.session_timeout_seconds / 2,
        moved=moved,
        behind=behind,
        ready=lambda ready: readiness.set("kafka", None if ready else "no broker, or no partition assigned"),
        received=lambda name: metrics.documents.labels(name).inc(),
        lag=lambda topic, partition, lag: metrics.lag.labels(topic, str(partition)).set(lag),
    )
    metrics.queued.set_function(lambda: source.queued)
    return source


def build(settings: Settings, stop: Stop, *, load: Callable[[ModelSettings], Loaded] | None = None) -> Agent:
    """Wire an agent; nothing connects yet. `load` loads its models another way than `load_model` does.

    Raises
    ------
    ModelError
        When the bundle is not to be used.
    """
    metrics = Metrics()
    workers = settings.batch.workers or os.cpu_count() or 1
    staff = Staff(settings, count=workers, lost=lambda reason: metrics.workers_lost.labels(reason).inc())
    metrics.workers.set_function(lambda: staff.processes)
    models = Models(settings.model, metrics, load=load or partial(load_model, meanwhile=staff.begin), staff=staff)
    readiness = Readiness(gauge=metrics.ready)
    readiness.set("source" if settings.source == "tiled" else "kafka", "nothing was read yet")
    runs = Runs(pixels=pixels.reader(settings.pixels), count=staff.count)
    metrics.open_runs.set_function(lambda: len(runs))
    tiled, mark = catalogue(settings.tiled), Bookmark()
    # Where the catalogue is the source, too, what it has not got yet would come once more.
    behind = Behind(limit=0 if settings.source == "tiled" else _BEHIND, failed=lambda: source.stop())
    metrics.behind.set_function(lambda: behind.waiting)
    publisher = KafkaPublisher(config=config.producer(settings.kafka)) if settings.source == "kafka" else None
    to = outlets(settings, metrics, readiness, publisher=publisher, archive=tiled, mark=mark, behind=behind, stop=stop)
    source: KafkaSource | LiveTiledRuns
    if settings.source == "tiled":
        source = live(
            settings,
            metrics,
            tiled,
            mark,
            ready=lambda ready: readiness.set("source", None if ready else "no answer of Tiled"),
        )
    else:
        source = _kafka_source(settings, metrics, readiness, runs, moved=to.forget, behind=behind)

    sweeps = reconciler(settings, metrics, line=models.line, stop=stop, busy=runs.__contains__)

    @contextmanager
    def resources() -> Iterator[None]:
        with (
            closing(tiled),
            sweeps,
            models.watched(),
            behind.running(),
            http_server(metrics, readiness, host=settings.http.host, port=settings.http.port) as port,
        ):
            log.info("listening", host=settings.http.host, port=port, model=models.reference)
            yield

    return Agent(
        pipeline=models.line(to.sink, metrics, workers=workers),
        source=source,
        resources=resources(),
        settle=partial(staff.settle, stop),
        reload=models.ask,
    )
