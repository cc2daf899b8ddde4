"""A model is promoted under a running agent: its own process, a real broker over the wire, a real Tiled over HTTP."""

import signal
import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import httpx
import numpy as np
from classifiers.bundles import promote, spoil, write_bundle
from tiled.client import from_uri

from camsortxs_agent.demo.agent import configuration, running_agent
from camsortxs_agent.demo.beamline import open_beamline
from camsortxs_agent.demo.verify import read_back
from camsortxs_agent.demo.wire import create_topics


def test_a_promotion_reaches_a_running_agent_and_a_bad_one_does_not(broker, tiled_server, tmp_path, rng):
    models = tmp_path / "models"
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        write_bundle(models, name=f"tiny/{version}")
    promote(models, "0.1.0")
    spoil(models, "0.3.0")
    name = str(uuid4())
    raw, results = f"raw-{name}", f"results-{name}"
    client = from_uri(tiled_server.uri, api_key=tiled_server.api_key)
    client.create_container(raw)
    client.context.close()
    topics = {"topic": f"{name}.bluesky.runengine.documents", "results": f"{name}.bluesky.camsortxs.documents"}
    create_topics(broker, list(topics.values()))
    settings = configuration(
        broker=broker,
        **topics,
        tiled=tiled_server,
        pixels=tmp_path,
        dead_letters=tmp_path / "dead-letters.jsonl",
        model=models,
    )
    settings["tiled"] |= {"raw_path": raw, "results_path": results}
    settings["kafka"]["session_timeout_seconds"] = 2.0
    settings["model"]["watch_seconds"] = 0
    settings["batch"] = {"workers": 1}
    frames = list(rng.poisson(40 / (1 + np.hypot(*np.mgrid[-60:60, -50:50]) / 9) + 0.2, (3, 120, 100)))

    with (
        open_beamline(broker=broker, topic=topics["topic"], tiled=tiled_server, folder=tmp_path, path=raw) as beamline,
        running_agent(settings, folder=tmp_path, log=tmp_path / "agent.log") as agent,
    ):
        (port,) = (path.stem.removeprefix("agent-") for path in tmp_path.glob("agent-*.toml"))

        def exposed(line: str) -> bool:
            return line in httpx.get(f"http://127.0.0.1:{port}/metrics").text

        def names(model: str, run: str) -> bool:
            tag = read_back(tiled_server, [run], raw=raw, results=results)[run].tag
            return tag is not None and tag["model"] == model

        runs = []
        for version, result, serving in (
            ("0.1.0", "unchanged", "0.1.0"),
            ("0.2.0", "swapped", "0.2.0"),
            ("0.3.0", "refused", "0.2.0"),
        ):
            promote(models, version)
            agent.process.send_signal(signal.SIGHUP)
            _until(
                partial(exposed, f'camsortxs_model_reloads_total{{result="{result}",role="champion"}} 1.0'),
                alive=agent.check,
            )
            assert exposed(f'reference="tiny@{serving}"')
            assert exposed(f'camsortxs_model_refused{{role="champion"}} {float(result == "refused")}')
            runs.append(run := beamline.take(frames, form="event", interval=0.0))
            _until(partial(names, f"tiny@{serving}", run), alive=agent.check)
        agent.stop()

    for found in read_back(tiled_server, runs, raw=raw, results=results).values():
        assert (found.taggings, found.records, found.complete) == (1, 1, True)
        assert found.tag["frames"] == len(frames)


def _until(reached: Callable[[], bool], *, alive: Callable[[], None], timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not reached():
        alive()
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
