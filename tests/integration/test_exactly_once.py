"""The agent is killed without warning, against a real broker over the wire and a real Tiled over HTTP."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import numpy as np
import pytest
from tiled.client import from_uri

from camsortxs_agent.demo.agent import configuration, running_agent
from camsortxs_agent.demo.beamline import open_beamline
from camsortxs_agent.demo.results import listen
from camsortxs_agent.demo.verify import read_back, tagged
from camsortxs_agent.demo.wire import create_topics

FRAMES = 8


@pytest.fixture
def place(broker, tiled_server, tmp_path):
    """Topics and containers of this test alone, and an agent's settings for them."""
    name = str(uuid4())
    client = from_uri(tiled_server.uri, api_key=tiled_server.api_key)
    client.create_container(f"raw-{name}")
    topics = {"topic": f"{name}.bluesky.runengine.documents", "results": f"{name}.bluesky.camsortxs.documents"}
    create_topics(broker, list(topics.values()))
    pixels = tmp_path / "detector"
    pixels.mkdir()
    settings = configuration(
        broker=broker, **topics, tiled=tiled_server, pixels=pixels, dead_letters=tmp_path / "dead-letters.jsonl"
    )
    settings["tiled"] |= {"raw_path": f"raw-{name}", "results_path": f"results-{name}"}
    settings["batch"] = {"workers": 1}  # no processes of their own: what is killed here is who reads and writes
    yield settings, client, pixels
    client.context.close()


@pytest.mark.parametrize("moment", ["in the middle of the run", "while the record is written"])
def test_a_killed_agent_leaves_one_record_and_one_index(moment, place, broker, tiled_server, tmp_path, rng):
    settings, client, pixels = place
    raw, derived = settings["tiled"]["raw_path"], settings["tiled"]["results_path"]
    topic, results_topic = settings["kafka"]["topics"][0], settings["kafka"]["results_topic"]
    frames = list(rng.poisson(40 / (1 + np.hypot(*np.mgrid[-120:120, -100:100]) / 9) + 0.2, (FRAMES, 240, 200)))

    with (
        open_beamline(broker=broker, topic=topic, tiled=tiled_server, folder=pixels, path=raw) as beamline,
        listen(broker, results_topic) as results,
        ThreadPoolExecutor(1) as pool,
    ):
        with running_agent(settings, folder=tmp_path, log=tmp_path / "first.log") as first:
            scan = pool.submit(beamline.take, frames, form="stream_resource", interval=0.4)
            if moment == "in the middle of the run":
                _until(lambda: any(len(heard.frames) >= 2 for heard in results.runs.values()))
            else:
                _until(lambda: derived in client and len(client[derived]) > 0)
            os.kill(first.process.pid, signal.SIGKILL)
            assert first.process.wait() == -signal.SIGKILL
            if moment == "in the middle of the run":
                assert not scan.done(), "the scan was over before the agent was killed"
        run = scan.result()
        with running_agent(settings, folder=tmp_path, log=tmp_path / "second.log") as second:
            _until(lambda: run in tagged(tiled_server, raw=raw), alive=second.check)
            _until(lambda: results.runs[run].index is not None, alive=second.check)
            second.stop()

    found = read_back(tiled_server, [run], raw=raw, results=derived)[run]
    assert (found.taggings, found.records, found.complete) == (1, 1, True)
    assert found.tag["frames"] == FRAMES
    assert found.rejected == {}
    (record,) = client[derived].values()
    assert sorted(record["primary"]["raw_index"].read()) == list(range(FRAMES))
    assert "stop" in record.metadata
    # On the topic a frame may be told twice (at least once), but always under the same uid.
    assert sorted(index for _, _, index in results.runs[run].frames) == list(range(FRAMES))
    assert not results.runs[run].repeated


def _until(reached: Callable[[], bool], *, alive: Callable[[], None] = lambda: None, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not reached():
        alive()
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
