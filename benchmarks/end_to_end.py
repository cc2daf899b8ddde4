"""The agent at work: documents on a real wire, bitshuffle HDF5 on disk, records in a real Tiled server.

    python benchmarks/end_to_end.py

Broker, Tiled, the detector that publishes and the agent share the cores of one machine. First as fast as it goes, then
at the pace of a detector. "Latency" is from handing the document to Kafka until the result has come back over Kafka.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import event_model
import h5py
import hdf5plugin
import numpy as np
import psutil
from bluesky_tiled_plugins import TiledWriter
from confluent_kafka import Producer
from frames import SHAPE
from tiled.client import from_uri

from camsortxs.derived import INDEX_KEY
from camsortxs.simulate import draw
from camsortxs.techniques import TECHNIQUES
from camsortxs_agent.demo.agent import Agent, configuration, running_agent
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.results import Results, listen
from camsortxs_agent.demo.tiled_server import embedded_tiled
from camsortxs_agent.wire import encode

DATASET = "/entry/data/data"
RAW, RESULTS = "bench.bluesky.runengine.documents", "bench.bluesky.camsortxs.documents"
CAPACITY = 240
COMMAND = "make bench"
Document = tuple[str, dict[str, Any]]


def rows(*, frames: int = 1200, paced: int = 600, rate: float = 20.0) -> list[dict[str, Any]]:
    """Measure how many frames a second the agent keeps up with, then how soon each is answered at `rate`."""
    with tempfile.TemporaryDirectory(prefix="camsortxs-bench-") as folder, _system(Path(folder)) as system:
        system.measure(frames=64)  # fills the cache of files
        while b"workers_ready" not in system.agent.log.read_bytes():  # until they are, threads of the agent work
            system.measure(frames=16)
        flat_out = system.measure(frames=frames)
        at_pace = system.measure(frames=paced, rate=rate)
    speed = frames / flat_out.seconds
    p50, p99, longest = (float(value) for value in np.percentile(at_pace.latencies, (50, 99, 100)) * 1000)
    return [
        {
            "name": "a frame, end to end, all documents there at once",
            "ours_ms": round(1000 / speed, 2),
            "peer": "a detector at 60 frames a second",
            "peer_ms": round(1000 / 60, 2),
            "ratio": round(speed / 60, 3),
            "agreement": {
                "frames_per_second": round(speed, 1),
                "frames": frames,
                "frames_recorded_in_tiled": flat_out.recorded,
                "tagged_after_the_last_result_s": round(flat_out.tagged, 2),
                "agent_memory_mb": flat_out.memory,
            },
            "command": COMMAND,
        },
        {
            "name": f"from document to result at {rate:g} frames a second, 99th percentile",
            "ours_ms": round(p99, 1),
            "peer": "250 ms",
            "peer_ms": 250.0,
            "ratio": round(250 / p99, 3),
            "agreement": {
                "p50_ms": round(p50, 1),
                "max_ms": round(longest, 1),
                "frames": paced,
                "frames_recorded_in_tiled": at_pace.recorded,
            },
            "command": COMMAND,
        },
    ]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds: from the first announcement to the last result, of each frame, from the last result to the tag."""

    seconds: float
    latencies: Sequence[float]
    tagged: float
    recorded: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class System:
    """A broker, a Tiled server and an agent, a file of frames for them to work on, and what is heard of it."""

    broker: str
    tiled: Any
    agent: Agent
    results: Results
    file: Path

    def measure(self, *, frames: int, rate: float | None = None) -> Measured:
        """Take a run of so many frames through the system, `rate` frames a second or all at once."""
        uid = str(uuid4())
        documents = list(_documents(uid, self.file, frames))
        write = TiledWriter(self.tiled)
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 0})
        begin = due = time.time()
        for name, document in documents:
            if rate is not None and name == "stream_datum":
                due += 1 / rate
                time.sleep(max(0.0, due - time.time()))
            producer.produce(RAW, value=encode(name, document), key=uid)
            producer.poll(0)
        producer.flush()
        for name, document in documents:  # what the beamline's own writer does, in its own process
            write(name, document)
        # First the results, which come by themselves: whoever asks Tiled meanwhile takes time from what is measured.
        while uid not in self.results.runs or len(self.results.runs[uid].frames) < frames:
            self.agent.check()
            time.sleep(0.2)
        heard = self.results.runs[uid]
        while INDEX_KEY not in (metadata := self.tiled[uid].metadata):
            self.agent.check()
            time.sleep(0.2)
        tagged = time.time()
        return Measured(
            seconds=heard.at - begin,
            latencies=heard.latencies,
            tagged=tagged - heard.at,
            recorded=metadata[INDEX_KEY]["frames"],
            memory=_memory(psutil.Process(self.agent.process.pid)) // 2**20,
        )


def _memory(agent: psutil.Process) -> int:
    """Return the bytes that an agent and its workers hold; what they share counts once."""
    return sum(process.memory_full_info().pss for process in (agent, *agent.children(recursive=True)))


@contextmanager
def _system(folder: Path) -> Iterator[System]:
    folder = folder.resolve()
    file = _detector_file(folder / "frames.h5")
    with ExitStack() as stack:
        broker = stack.enter_context(embedded_broker(log=folder / "broker.log"))
        tiled = stack.enter_context(embedded_tiled(folder / "tiled", readable=[folder]))
        settings = configuration(
            broker=broker,
            topic=RAW,
            results=RESULTS,
            tiled=tiled,
            pixels=folder,
            dead_letters=folder / "dead-letters.jsonl",
        )
        producer = Producer({"bootstrap.servers": broker})
        producer.produce(RAW, value=encode("stop", {"run_start": "nobody"}))  # makes the topic
        producer.flush()
        client = from_uri(tiled.uri, api_key=tiled.api_key)
        results = stack.enter_context(listen(broker, RESULTS))
        agent = stack.enter_context(running_agent(settings, folder=folder, log=folder / "agent.log"))
        yield System(broker=broker, tiled=client, agent=agent, results=results, file=file)


def _detector_file(path: Path, distinct: int = 12) -> Path:
    """Write frames as detectors do: a chunk each, bitshuffle and LZ4. A few distinct ones repeat."""
    kinds = [str(TECHNIQUES[i % len(TECHNIQUES)]) for i in range(distinct)]
    images = [draw(kind, seed=5, index=i, shape=SHAPE).frame().image.astype(np.int32) for i, kind in enumerate(kinds)]
    with h5py.File(path, "w") as file:
        options = dict(hdf5plugin.Bitshuffle(cname="lz4"))
        data = file.create_dataset(DATASET, (CAPACITY, *SHAPE), dtype="<i4", chunks=(1, *SHAPE), **options)
        for index, image in enumerate(images):
            data[index] = image
        file.flush()
        packed = [data.id.read_direct_chunk((index, 0, 0)) for index in range(distinct)]
        for index in range(distinct, CAPACITY):
            unfiltered, chunk = packed[index % distinct]
            data.id.write_direct_chunk((index, 0, 0), chunk, filter_mask=unfiltered)
    return path


def _documents(uid: str, file: Path, frames: int) -> Iterator[Document]:
    """Compose a run of one detector; a file holds `CAPACITY` frames, then the next one (the same again) begins."""
    run = event_model.compose_run(uid=uid)
    key = {"dtype": "array", "shape": [1, *SHAPE], "source": "bench", "dtype_numpy": "<i4", "external": "STREAM:"}
    stream = run.compose_descriptor(name="primary", data_keys={"image": key}, object_keys={"pilatus": ["image"]})
    yield "start", run.start_doc
    yield "descriptor", stream.descriptor_doc
    indices = iter(range(frames))
    while part := list(islice(indices, CAPACITY)):
        resource = run.compose_stream_resource(
            mimetype="application/x-hdf5",
            uri=f"file://localhost{file}",
            data_key="image",
            parameters={"dataset": DATASET, "chunk_shape": (1, *SHAPE)},
        )
        yield "stream_resource", resource.stream_resource_doc
        for index in part:
            datum = resource.compose_stream_datum(
                indices={"start": index, "stop": index + 1},
                seq_nums={"start": index + 1, "stop": index + 2},
                descriptor=stream.descriptor_doc,
                validate=False,
            )
            yield "stream_datum", datum
    yield "stop", run.compose_stop()


if __name__ == "__main__":
    import json
    import sys

    json.dump(rows(), sys.stdout, indent=2)
