"""Every metric of the agent, and the port that serves them. The only file that imports Prometheus."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from threading import Lock, Thread
from time import perf_counter, time
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from camsortxs import __version__
from camsortxs.drift import DRIFTED, Drift
from camsortxs.frames import INCOMPLETE
from camsortxs.model import Model
from camsortxs.records import Outcome
from camsortxs.techniques import Parent, Technique

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The numbers of one agent, in a registry of its own. It is an `Observer` of the pipeline."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.documents = Counter(
            "camsortxs_documents_received", "Bluesky documents received, by name.", ["name"], registry=registry
        )
        self.frames = Counter(
            "camsortxs_frames_classified", "Frames classified, by what was decided.", ["decided"], registry=registry
        )
        for decided in (*Technique, *Parent):  # from 0 on: a share of what never was is 0, not missing
            self.frames.labels(str(decided))
        self.contradictions = Counter(
            "camsortxs_frames_contradicted", "Frames whose metadata contradicts the image.", registry=registry
        )
        self.rejected = Counter(
            "camsortxs_items_rejected", "Messages and frames refused, by reason.", ["reason"], registry=registry
        )
        self.runs = Counter("camsortxs_runs_finished", "Runs whose record and index are written.", registry=registry)
        self.incomplete = Counter(
            "camsortxs_runs_incomplete", "Runs given up because their stop document never came.", registry=registry
        )
        self.dead_letters = Counter(
            "camsortxs_dead_letters_written", "Dead letters written, by reason.", ["reason"], registry=registry
        )
        self.retries = Counter(
            "camsortxs_sink_retries", "Failed tries to write, each followed by another.", registry=registry
        )
        self.stages = Histogram(
            "camsortxs_stage_duration_seconds",
            "Seconds spent on a batch in each stage of the line, by all workers together.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.latency = Histogram(
            "camsortxs_frame_latency_seconds",
            "Seconds from the frame being taken to its result being published.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.workers = Gauge(
            "camsortxs_workers",
            "Processes that look at frames; 0 where the agent's own threads do.",
            registry=registry,
        )
        self.workers_lost = Counter(
            "camsortxs_workers_lost",
            "Processes that died of a frame, or were killed because they gave no answer, by reason.",
            ["reason"],
            registry=registry,
        )
        self.batches = Histogram(
            "camsortxs_batch_size_frames",
            "Frames in a batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.reconciled = Counter(
            "camsortxs_runs_reconciled",
            "Runs that a sweep of the catalogue found and dealt with, by what became of them.",
            ["result"],
            registry=registry,
        )
        self.withheld = Counter(
            "camsortxs_indexes_withheld",
            "Runs with a record and no index, because it would have to stand in their start document.",
            registry=registry,
        )
        self.subscriptions = Counter(
            "camsortxs_subscriptions_begun",
            "Subscriptions to Tiled's notifications that were begun; more than one: the one before ended.",
            registry=registry,
        )
        self.sweeps = Counter(
            "camsortxs_sweeps_finished",
            "Sweeps of the catalogue, by whether they got through.",
            ["result"],
            registry=registry,
        )
        self.sweep_seconds = Gauge(
            "camsortxs_sweep_duration_seconds", "How long the last sweep of the catalogue took.", registry=registry
        )
        self.sweep_succeeded = Gauge(
            "camsortxs_sweep_succeeded_timestamp_seconds",
            "When a sweep last got through; before the first one, when the agent started.",
            registry=registry,
        )
        self.sweep_interval = Gauge(
            "camsortxs_sweep_interval_seconds", "How often the catalogue is swept; 0 for never.", registry=registry
        )
        self.lag = Gauge(
            "camsortxs_consumer_lag_messages",
            "Messages in the partition that are not acknowledged yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self.queued = Gauge(
            "camsortxs_batches_queued", "Batches that were read and wait for the line.", registry=registry
        )
        self.behind = Gauge(
            "camsortxs_writes_behind",
            "Writes to the catalogue, and acknowledgements, that were given and are not done.",
            registry=registry,
        )
        self.open_runs = Gauge("camsortxs_runs_open", "Runs begun and not finished.", registry=registry)
        self.ready = Gauge("camsortxs_agent_ready", "1 when the agent can do its work.", registry=registry)
        self.model = Info("camsortxs_model", "The model that serves.", registry=registry)
        self.challenger = Info("camsortxs_challenger", "The model that looks on.", registry=registry)
        self.reloads = Counter(
            "camsortxs_model_reloads",
            "Tries to have another bundle serve, or look on, by how they ended.",
            ["role", "result"],
            registry=registry,
        )
        self.model_refused = Gauge(
            "camsortxs_model_refused",
            "1 while the bundle that should serve, or look on, was refused, and the one before goes on.",
            ["role"],
            registry=registry,
        )
        self.challenged = Counter(
            "camsortxs_frames_challenged",
            "Frames that the challenger looked at too: what was decided, what it would have, whether they agree.",
            ["decided", "challenger", "agrees"],
            registry=registry,
        )
        self.challenger_failures = Counter(
            "camsortxs_challenger_failures", "Batches or frames that the challenger failed at.", registry=registry
        )
        self._drift = DriftMetrics()
        registry.register(self._drift)
        self.build = Info("camsortxs_build", "The software that runs.", registry=registry)
        self.build.info({"version": __version__})

    def serves(self, model: Model, drift: Drift | None = None) -> None:
        """Say which model serves, and what hears of the frames that it sees."""
        self.model.info({"reference": model.reference, "features": model.featurizer.digest})
        self._drift.follow(model, drift)

    def challenges(self, model: Model) -> None:
        """Say which model looks on."""
        self.challenger.info({"reference": model.reference, "features": model.featurizer.digest})

    def observe(self, outcome: Outcome) -> None:
        """Count what became of a batch."""
        now = time()
        for record in outcome.records:
            self.frames.labels(str(record.prediction.decided)).inc()
            if record.prediction.contradiction:
                self.contradictions.inc()
            if record.challenger is not None:
                ours, its = record.prediction.decided, record.challenger.prediction.decided
                self.challenged.labels(str(ours), str(its), "yes" if ours == its else "no").inc()
            if record.taken_at is not None:
                self.latency.observe(max(0.0, now - record.taken_at.timestamp()))
        for item in outcome.rejected:
            self.rejected.labels(item.reason).inc()
        if outcome.records:
            self.batches.observe(len(outcome.records))
        for stage, seconds in outcome.seconds.items():
            self.stages.labels(stage).observe(seconds)

    @contextmanager
    def recording(self, outcome: Outcome, *, refused: Collection[str] = ()) -> Iterator[None]:
        """Count the runs of an outcome once the block has written their records, but for those refused meanwhile."""
        began = perf_counter()
        yield
        written = [end for end in outcome.ended if end.run not in refused]
        self.runs.inc(len(written))
        self.incomplete.inc(sum(end.exit_status == INCOMPLETE for end in written))
        if outcome.ended:
            self.stages.labels("record").observe(perf_counter() - began)


class DriftMetrics(Collector):
    """What the drift of the serving model is when somebody asks: no batch waits for it."""

    def __init__(self) -> None:
        self._of: tuple[Model, Drift] | None = None

    def follow(self, model: Model, drift: Drift | None) -> None:
        """Tell of this model from now on."""
        self._of = None if drift is None else (model, drift)

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; without a sample where there is nothing to compare, or too few frames."""
        each = GaugeMetricFamily(
            "camsortxs_feature_drift_psi",
            "Population stability index of a feature, late frames beside training frames.",
            labels=["feature"],
        )
        drifted = GaugeMetricFamily(
            "camsortxs_features_drifted_ratio", f"Share of the features whose index is above {DRIFTED}."
        )
        outside = GaugeMetricFamily(
            "camsortxs_features_outside_ratio",
            "Share of the values in late frames that the training frames hardly ever had.",
        )
        window = GaugeMetricFamily("camsortxs_drift_window_frames", "Frames of late that this is told from.")
        if self._of is not None:
            model, drift = self._of
            window.add_metric([], drift.frames)
            if (psi := drift.psi()).size:
                for name, value in zip(model.featurizer.names, psi, strict=True):
                    each.add_metric([name], float(value))
                drifted.add_metric([], float((psi > DRIFTED).mean()))
                outside.add_metric([], drift.outside())
        yield from (each, drifted, outside, window)


@dataclass(kw_only=True)
class Readiness:
    """Whether the agent can do its work, and if not, why not. Safe to use from several threads."""

    gauge: Gauge | None = None
    _reasons: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def set(self, part: str, problem: str | None) -> None:
        """Note the problem of a part, or that it has none."""
        with self._lock:
            if problem is None:
                self._reasons.pop(part, None)
            else:
                self._reasons[part] = problem
            if self.gauge is not None:
                self.gauge.set(not self._reasons)

    @property
    def problems(self) -> dict[str, str]:
        """The problems by part; empty when ready."""
        with self._lock:
            return dict(self._reasons)


@contextmanager
def http_server(metrics: Metrics, readiness: Readiness, *, host: str, port: int) -> Iterator[int]:
    """Serve `/metrics`, `/healthz` (the process lives) and `/readyz` (200, or 503 with the reasons); yield the port."""
    server = make_server(host, port, _application(metrics, readiness), _Server, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _application(metrics: Metrics, readiness: Readiness) -> Callable[..., Iterable[bytes]]:
    expose = make_wsgi_app(metrics.registry)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            exposed: Iterable[bytes] = expose(environ, start_response)
            return exposed
        body: dict[str, Any]
        status, body = "404 Not Found", {"paths": ["/metrics", "/healthz", "/readyz"]}
        if path == "/healthz":
            status, body = "200 OK", {}
        elif path == "/readyz":
            problems = readiness.problems
            status, body = ("503 Service Unavailable" if problems else "200 OK"), {"problems": problems}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    return application


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a probe a second would drown the log."""
