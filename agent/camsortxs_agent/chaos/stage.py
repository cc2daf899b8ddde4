"""All that stands around the agents: a broker, a Tiled server, topics, containers, and the settings for them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from tiled.client import from_uri

from camsortxs_agent.chaos.load import Load
from camsortxs_agent.chaos.proxy import Proxy
from camsortxs_agent.chaos.wire import make_topic, open_producer
from camsortxs_agent.demo.agent import configuration
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.processes import free_port
from camsortxs_agent.demo.tiled_server import TiledServer, embedded_tiled

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where everything is. `settings` are those of every agent, less its port."""

    folder: Path
    broker: str
    tiled: TiledServer
    load: Load
    settings: Settings
    raw: str
    results: str


@contextmanager
def open_stage(
    *, seed: int, partitions: int = 1, frames: int = 4, session_seconds: float = 3.0, logs: Path | None = None
) -> Iterator[Stage]:
    """Start broker and Tiled for the length of the block, all else in a folder that is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camsortxs-soak-"))).resolve()
        logs = logs or folder
        broker = stack.enter_context(embedded_broker(log=logs / "broker.log"))
        tiled = stack.enter_context(embedded_tiled(folder / "tiled", readable=[folder], log=logs / "tiled.log"))
        yield stack.enter_context(
            set_stage(folder, broker, tiled, seed=seed, partitions=partitions, frames=frames, session=session_seconds)
        )


@contextmanager
def set_stage(
    folder: Path, broker: str, tiled: TiledServer, *, seed: int, partitions: int, frames: int, session: float
) -> Iterator[Stage]:
    """Make topics and containers of names that nobody has used, on servers that are there."""
    name = uuid4().hex[:8]
    raw, results = f"raw-{name}", f"results-{name}"
    topic, answers = f"{name}.bluesky.runengine.documents", f"{name}.bluesky.camsortxs.documents"
    make_topic(broker, topic, partitions=partitions)
    make_topic(broker, answers, partitions=1)
    client = from_uri(tiled.uri, api_key=tiled.api_key)
    pixels = folder / "detector"
    pixels.mkdir(exist_ok=True)
    settings = configuration(
        broker=broker, topic=topic, results=answers, tiled=tiled, pixels=pixels,
        dead_letters=folder / "dead-letters.jsonl",
    )  # fmt: skip
    settings["tiled"] |= {"raw_path": raw, "results_path": results}
    settings["kafka"]["session_timeout_seconds"] = session
    settings["pixels"]["late_file_seconds"] = 60.0
    settings["batch"] = {"workers": 1}
    load = Load(
        producer=open_producer(broker), topic=topic, raw=client.create_container(raw),
        rng=np.random.default_rng(seed), frames=frames,
    )  # fmt: skip
    try:
        yield Stage(folder=folder, broker=broker, tiled=tiled, load=load, settings=settings, raw=raw, results=results)
    finally:
        client.context.close()


@dataclass(frozen=True, kw_only=True)
class Wires:
    """A stage whose agents (and beamline) reach the broker, and whose agents reach Tiled, through wires of ours."""

    stage: Stage
    broker: Proxy
    tiled: Proxy


@contextmanager
def open_wires(
    folder: Path, tiled: TiledServer, *, seed: int, session: float = 6.0, logs: Path | None = None
) -> Iterator[Wires]:
    """Start a broker behind a wire, put another before `tiled`, and set the stage on them."""
    port = free_port()
    with (
        Proxy(port) as to_broker,
        Proxy(int(tiled.uri.rsplit(":", 1)[1])) as to_tiled,
        embedded_broker(port, advertised=to_broker.port, log=(logs or folder) / "broker.log"),
        set_stage(
            folder, f"127.0.0.1:{to_broker.port}", tiled, seed=seed, partitions=2, frames=3, session=session
        ) as stage,
    ):
        stage.settings["tiled"]["uri"] = f"http://127.0.0.1:{to_tiled.port}"
        yield Wires(stage=stage, broker=to_broker, tiled=to_tiled)
