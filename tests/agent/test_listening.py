"""The agent at a site without Kafka: wired from settings, a real Tiled, runs written while it listens."""

import threading

import numpy as np
import pytest
from pydantic import SecretStr

from camsortxs.testing import tiny_model
from camsortxs_agent import wiring
from camsortxs_agent.service import Stop
from camsortxs_agent.serving import Loaded
from camsortxs_agent.settings import Settings

IMAGES = np.full((2, 40, 60), 3, dtype=np.int32)

# Tiled 0.2.20 calls websockets 17 as older ones were called.
pytestmark = pytest.mark.filterwarnings("ignore:connect.* must be used as a context manager:DeprecationWarning")


@pytest.fixture
def settings(tiled_server, catalogue, tmp_path) -> Settings:
    return Settings(
        source="tiled",
        tiled={
            "uri": tiled_server.uri,
            "api_key": SecretStr(tiled_server.api_key),
            "raw_path": catalogue.raw_path,
            "results_path": catalogue.results_path,
            "poll_seconds": 0.5,
        },
        reconcile={"every_minutes": 0.002, "after_minutes": 0},  # both at once: a run is concluded once all the same
        dead_letters={"path": tmp_path / "dead-letters.jsonl"},
        http={"port": 0},
    )


@pytest.mark.filterwarnings("ignore:The callback:UserWarning")  # of event-model, when TiledWriter is answered 409
def test_runs_get_record_and_index_once_without_any_kafka(settings, catalogue, begin_raw_run):
    agent = wiring.build(settings, stop := Stop(), load=lambda model: Loaded(model=tiny_model()))

    def work() -> None:
        with agent.resources:
            agent.pipeline.run(agent.source)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        runs = [begin_raw_run(frames=IMAGES) for _ in range(4)]
        deadline = threading.Event()
        for _ in range(300):
            tagged = [run for run in runs if "camsortxs" in catalogue.raw[run].metadata]
            if len(tagged) == len(runs):
                break
            deadline.wait(0.1)
    finally:
        stop.say()
        agent.source.stop()
        thread.join(30)

    assert tagged == runs
    assert not thread.is_alive()
    assert sorted(record.metadata["start"]["raw_uid"] for record in catalogue.results.values()) == sorted(runs)
    assert [len(catalogue.raw[run].metadata_revisions[:]) for run in runs] == [1] * 4
    assert not settings.dead_letters.path.exists()
