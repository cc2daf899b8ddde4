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
from camsortxs_agent.chaos.wire import make_topic, open_producer
from camsortxs_agent.demo.agent import configuration
from camsortxs_agent.demo.broker import embedded_broker
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
    settings["batch"] = {"workers": 1}
    load = Load(
        producer=open_producer(broker), topic=topic, raw=client.create_container(raw),
        rng=np.random.default_rng(seed), frames=frames,
    )  # fmt: skip
    try:
        yield Stage(folder=folder, broker=broker, tiled=tiled, load=load, settings=settings, raw=raw, results=results)
    finally:
        client.context.close()
