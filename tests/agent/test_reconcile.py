"""An outage of Kafka: runs that are in a real Tiled and never came down the live line."""

import threading
from contextlib import closing
from time import time

import httpx
import numpy as np
import pytest
import structlog
from pydantic import SecretStr

from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import Catalogue, TiledRuns, TiledSink, runs
from camsortxs.errors import SinkRejected
from camsortxs.pipeline import Pipeline
from camsortxs.records import Sink
from camsortxs.testing import tiny_model
from camsortxs_agent.archive import reconciler as wired
from camsortxs_agent.metrics import Metrics
from camsortxs_agent.reconcile import Reconciler, Swept, Told
from camsortxs_agent.service import Stop
from camsortxs_agent.settings import Settings

IMAGES = np.full((3, 40, 60), 3, dtype=np.int32)


def line(sink: Sink) -> Pipeline:
    return Pipeline(model=tiny_model(), sink=sink)


@pytest.fixture
def told():
    class Heard:
        def __init__(self) -> None:
            self.runs: list[str] = []
            self.sweeps: list[Swept] = []

    return Heard()


@pytest.fixture
def make(catalogue, told):
    """Make a reconciler of this test's runs."""

    def build(**options) -> Reconciler:
        defaults = {
            "catalogue": catalogue,
            "line": line,
            "every": 3600.0,
            "rest": 0.0,
            "limit": 100,
            "stopping": lambda: False,
            "told": Told(run=told.runs.append, sweep=told.sweeps.append),
        }
        return Reconciler(**{**defaults, **options})

    return build


def index_of(catalogue: Catalogue, run: str) -> dict:
    return catalogue.raw[run].metadata.get("camsortxs", {})


def test_runs_that_kafka_never_saw_get_record_and_index_once(make, catalogue, begin_raw_run, told):
    begun = [begin_raw_run(frames=IMAGES) for _ in range(3)]
    reconciler = make()

    assert [reconciler.sweep().runs for _ in range(3)] == [3, 0, 0]

    assert [index_of(catalogue, run)["by"] for run in begun] == ["reconciler"] * 3
    assert len(catalogue.results) == 3
    assert [len(catalogue.raw[run].metadata_revisions[:]) for run in begun] == [1, 1, 1]
    assert told.runs == ["tagged"] * 3
    assert [swept.good for swept in told.sweeps] == [True] * 3


def test_a_fresh_run_is_left_to_the_live_line(make, catalogue, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)

    assert make(rest=1800.0).sweep().runs == 0
    assert make(busy=lambda uid: uid == run).sweep().runs == 0
    assert index_of(catalogue, run) == {}


def test_an_index_that_the_live_line_writes_meanwhile_stays(make, catalogue, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)

    def overtaken(sink: Sink) -> Pipeline:
        class Late:
            """The live line finishes the run just before the sweep would."""

            def write(self, outcome):
                tag = {"camsortxs": {"model": "other@1", "by": "live"}}
                if outcome.ended:
                    catalogue.raw[run].patch_metadata(tag, content_type="application/merge-patch+json")
                sink.write(outcome)

        return line(Late())

    make(line=overtaken).sweep()

    assert index_of(catalogue, run) == {"model": "other@1", "by": "live"}


@pytest.mark.filterwarnings("ignore:The callback:UserWarning")  # of event-model, when TiledWriter is answered 409
def test_a_run_of_the_live_line_and_of_the_sweep_has_one_record(make, catalogue, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)
    live = TiledSink(catalogue, by="live")
    barrier = threading.Barrier(2)

    def together(sink: Sink) -> Pipeline:
        class Meeting:
            def write(self, outcome):
                if outcome.ended:
                    barrier.wait(30)
                sink.write(outcome)

        return line(Meeting())

    class AtOnce:
        def write(self, outcome):
            if outcome.ended:
                barrier.wait(30)
                RetryingSink(live).write(outcome)
            else:
                live.write(outcome)

    other = threading.Thread(target=lambda: line(AtOnce()).run(TiledRuns(catalogue=catalogue)))
    other.start()
    make(line=together).sweep()
    other.join()

    (record,) = catalogue.results.values()
    assert list(record["primary"]["raw_index"].read()) == [0, 1, 2]
    assert index_of(catalogue, run)["frames"] == 3


def test_a_run_that_tiled_refuses_is_told_once_and_not_found_again(make, catalogue, begin_raw_run, told, monkeypatch):
    refused, taken = (begin_raw_run(frames=IMAGES) for _ in range(2))
    write = TiledSink.write

    def refuse(self, outcome):
        if any(end.run == refused for end in outcome.ended):
            raise SinkRejected("tiled_422", "no")
        write(self, outcome)

    monkeypatch.setattr(TiledSink, "write", refuse)
    reconciler = make()

    assert [reconciler.sweep().runs for _ in range(2)] == [2, 0]

    assert told.runs == ["refused", "tagged"]
    assert index_of(catalogue, taken)["frames"] == 3


def test_a_run_that_nobody_understands_is_told_and_holds_back_no_other(make, catalogue, begin_raw_run, monkeypatch):
    odd, good = (begin_raw_run(frames=IMAGES) for _ in range(2))

    def misunderstand(run):
        if run.metadata["start"]["uid"] == odd:
            raise AttributeError("'list' object has no attribute 'get'")
        return found(run)

    found = runs.image_arrays
    monkeypatch.setattr(runs, "image_arrays", misunderstand)
    reconciler = make()

    with structlog.testing.capture_logs() as logs:
        assert [(swept.good, swept.runs) for swept in (reconciler.sweep(), reconciler.sweep())] == [
            (True, 1),
            (True, 0),
        ]

    assert [(event["event"], event["run"]) for event in logs if event["log_level"] == "warning"] == [
        ("unreadable", odd)
    ]
    assert index_of(catalogue, good)["frames"] == 3


def test_a_run_of_which_tiled_never_answers_holds_back_the_others_twice(make, catalogue, begin_raw_run, monkeypatch):
    odd, good = (begin_raw_run(frames=IMAGES) for _ in range(2))

    def never(run):
        if run.metadata["start"]["uid"] == odd:
            raise httpx.ReadTimeout("timed out")
        return found(run)

    found = runs.image_arrays
    monkeypatch.setattr(runs, "image_arrays", never)
    reconciler = make()

    assert [(swept.good, swept.runs) for swept in (reconciler.sweep() for _ in range(4))] == [
        (False, 0),
        (False, 0),
        (True, 1),
        (True, 0),
    ]
    assert index_of(catalogue, good)["frames"] == 3


def test_what_others_put_in_place_of_our_index_gives_way(make, catalogue, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)
    catalogue.raw[run].update_metadata({"camsortxs": "SAXS"})

    assert (make().sweep().good, index_of(catalogue, run)["frames"]) == (True, 3)


def test_what_nobody_foresaw_ends_a_sweep_and_not_the_sweeping(make, catalogue, begin_raw_run, monkeypatch):
    run = begin_raw_run(frames=IMAGES)
    sweeps: list[Swept] = []
    got_through = threading.Event()

    def swept(one: Swept) -> None:
        sweeps.append(one)
        if one.good:
            got_through.set()

    def fail_once():
        monkeypatch.setattr(reconciler, "_batches", batches)
        raise RuntimeError("nobody thought of this")

    reconciler = make(every=0.01, told=Told(sweep=swept))
    batches = reconciler._batches
    monkeypatch.setattr(reconciler, "_batches", fail_once)

    with structlog.testing.capture_logs() as logs, reconciler.running():
        assert got_through.wait(30)

    assert [(one.good, one.runs) for one in sweeps[:2]] == [(False, 0), (True, 1)]
    assert index_of(catalogue, run)["frames"] == 3
    (failed,) = [event for event in logs if event["event"] == "sweep_failed"]
    assert (failed["log_level"], failed["exc_info"]) == ("error", True)


def test_a_server_that_is_gone_fails_a_sweep_and_no_more(make, told, monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)
    with closing(Catalogue(address="http://127.0.0.1:9")) as nowhere:
        assert make(catalogue=nowhere).sweep().good is False
    assert [swept.good for swept in told.sweeps] == [False]


def test_told_to_stop_it_ends_between_two_batches_and_says_nothing(make, catalogue, begin_raw_run, told):
    run = begin_raw_run(frames=np.repeat(IMAGES, 12, axis=0))
    stop = Stop()

    def stopping(sink: Sink) -> Pipeline:
        class Stopped:
            def write(self, outcome):
                stop.say()
                sink.write(outcome)

        return line(Stopped())

    assert make(line=stopping, stopping=stop).sweep().good is False

    assert told.sweeps == []
    assert index_of(catalogue, run) == {}
    assert make().sweep().runs == 1


def test_the_agent_sweeps_in_a_thread_of_its_own_and_counts(tiled_server, catalogue, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)
    done = threading.Event()
    settings = Settings(
        tiled={
            "uri": tiled_server.uri,
            "api_key": SecretStr(tiled_server.api_key),
            "raw_path": catalogue.raw_path,
            "results_path": catalogue.results_path,
        },
        reconcile={"every_minutes": 0.001, "after_minutes": 0},
    )
    metrics = Metrics()
    before = time()

    def counted(sink: Sink) -> Pipeline:
        class Seen:
            def write(self, outcome):
                sink.write(outcome)
                if outcome.ended:
                    done.set()

        return line(Seen())

    with wired(settings, metrics, line=counted, stop=Stop(), busy=lambda uid: False):
        assert done.wait(30)

    assert index_of(catalogue, run)["by"] == "reconciler"
    assert "reconciler" not in {thread.name for thread in threading.enumerate()}
    value = metrics.registry.get_sample_value
    assert value("camsortxs_sweep_interval_seconds") == pytest.approx(0.06)
    assert value("camsortxs_sweep_succeeded_timestamp_seconds") >= before


def test_an_interval_of_zero_means_never(catalogue, begin_raw_run):
    begin_raw_run(frames=IMAGES)
    metrics = Metrics()

    with wired(Settings(reconcile={"every_minutes": 0}), metrics, line=line, stop=Stop(), busy=lambda uid: False):
        assert "reconciler" not in {thread.name for thread in threading.enumerate()}
    assert metrics.registry.get_sample_value("camsortxs_sweep_interval_seconds") == 0
