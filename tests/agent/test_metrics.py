import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import REGISTRY

from camsortxs import __version__
from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.records import Outcome, Prediction, Record
from camsortxs.techniques import Parent, Technique
from camsortxs_agent.metrics import Metrics, Readiness, http_server


def record(index: int, decided, *, contradiction: str | None = None, taken_at: datetime | None = None) -> Record:
    prediction = Prediction(
        key=FrameKey(run="r", stream="primary", data_key="pilatus", index=index),
        technique=decided if isinstance(decided, Technique) else None,
        decided=decided,
        probabilities=(0.7, 0.1, 0.1, 0.1),
        contradiction=contradiction,
    )
    return Record(
        prediction=prediction, model="m@1", threshold=0.5, feature_digest="d", seconds=0.01, taken_at=taken_at
    )


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_an_outcome_is_counted(metrics):
    before = datetime.now(UTC) - timedelta(seconds=20)
    outcome = Outcome(
        model="m@1",
        records=(
            record(0, Technique.SAXS),
            record(1, Technique.SAXS, contradiction="image says one, metadata another", taken_at=before),
            record(2, Parent.GRAZING),
        ),
        rejected=(Rejected(reason="not_2d", message="flat"),),
        ended=(RunEnd(run="r"), RunEnd(run="s", exit_status="incomplete"), RunEnd(run="t", exit_status="incomplete")),
        seconds={"featurize": 0.2, "write": 0.03},
    )
    metrics.observe(outcome)
    assert value(metrics, "camsortxs_runs_finished_total") == 0  # told when their records are written, which is later
    with metrics.recording(outcome, refused={"t"}):
        pass
    assert value(metrics, "camsortxs_frames_classified_total", decided="SAXS") == 2
    assert value(metrics, "camsortxs_frames_classified_total", decided="grazing incidence") == 1
    assert value(metrics, "camsortxs_frames_contradicted_total") == 1
    assert value(metrics, "camsortxs_items_rejected_total", reason="not_2d") == 1
    assert value(metrics, "camsortxs_runs_finished_total") == 2
    assert value(metrics, "camsortxs_runs_incomplete_total") == 1
    assert value(metrics, "camsortxs_batch_size_frames_sum") == 3
    assert value(metrics, "camsortxs_stage_duration_seconds_sum", stage="featurize") == pytest.approx(0.2)
    assert value(metrics, "camsortxs_stage_duration_seconds_count", stage="record") == 1
    assert value(metrics, "camsortxs_frame_latency_seconds_count") == 1
    assert value(metrics, "camsortxs_frame_latency_seconds_sum") >= 20


def test_a_clock_ahead_of_ours_gives_no_negative_latency(metrics):
    future = datetime.fromtimestamp(time.time() + 3600, tz=UTC)
    metrics.observe(Outcome(model="m@1", records=(record(0, Technique.WAXS, taken_at=future),)))
    assert value(metrics, "camsortxs_frame_latency_seconds_sum") == 0


def test_an_empty_outcome_is_no_batch(metrics):
    metrics.observe(Outcome(model="m@1"))
    assert value(metrics, "camsortxs_batch_size_frames_count") == 0


def test_two_agents_in_one_process_count_apart_and_the_global_registry_stays_empty(metrics):
    other = Metrics()
    metrics.retries.inc()
    assert value(other, "camsortxs_sink_retries_total") == 0
    assert REGISTRY.get_sample_value("camsortxs_sink_retries_total") is None


def test_readiness_says_why_and_moves_the_gauge(metrics):
    readiness = Readiness(gauge=metrics.ready)
    readiness.set("kafka", "no partition")
    readiness.set("tiled", "away")
    readiness.set("kafka", None)
    assert readiness.problems == {"tiled": "away"}
    assert value(metrics, "camsortxs_agent_ready") == 0
    readiness.set("tiled", None)
    assert value(metrics, "camsortxs_agent_ready") == 1


@pytest.fixture
def served(metrics):
    readiness = Readiness(gauge=metrics.ready)
    readiness.set("kafka", None)
    with http_server(metrics, readiness, host="127.0.0.1", port=0) as port:
        yield SimpleNamespace(readiness=readiness, get=lambda path: httpx.get(f"http://127.0.0.1:{port}{path}"))


def test_the_port_serves_metrics(served):
    answer = served.get("/metrics")
    assert answer.status_code == 200
    assert f'camsortxs_build_info{{version="{__version__}"}} 1.0' in answer.text


def test_ready_is_200_and_503_with_the_reasons(served):
    assert served.get("/readyz").status_code == 200
    served.readiness.set("catalogue", "Tiled cannot be reached")
    answer = served.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content) == {"problems": {"catalogue": "Tiled cannot be reached"}}
    assert served.get("/healthz").status_code == 200, "a restart would not bring Tiled back"


def test_other_paths_are_404(served):
    assert served.get("/metricsx").status_code == 404


def test_the_port_is_free_again_after(metrics):
    with http_server(metrics, Readiness(), host="127.0.0.1", port=0) as port:
        pass
    with http_server(metrics, Readiness(), host="127.0.0.1", port=port) as again:
        assert again == port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")
