"""Runs without end: many at a time, small frames inside the documents, to Kafka and to Tiled as a beamline does it."""

import heapq
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import event_model
import h5py
import numpy as np
from bluesky_tiled_plugins import TiledWriter
from confluent_kafka import Producer

from camsortxs_agent.wire import encode

SHAPE = (64, 64)
DATASET = "/entry/data/data"
Document = tuple[str, dict[str, Any]]


@dataclass(kw_only=True)
class Load:
    """Publishes runs to a topic, by their uid (so that the partitions share them), and writes their ends to Tiled.

    `raw` is the container of raw runs, `runs` says how many frames each run has that is begun.
    """

    producer: Producer
    topic: str
    raw: Any
    rng: np.random.Generator
    frames: int = 4
    runs: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    sent: int = 0
    _open: list[tuple[float, str, Iterator[Document]]] = field(default_factory=list)
    _writers: dict[str, TiledWriter] = field(default_factory=dict)

    def begin(self) -> str:
        """Begin a run; its documents are sent by `go_on`."""
        uid = str(uuid4())
        heapq.heappush(self._open, (time.monotonic(), uid, run_documents(uid, frames=self.frames, rng=self.rng)))
        self.runs[uid] = self.frames
        return uid

    def begin_with_file(self, path: Path) -> str:
        """Begin a run whose one frame lies in the HDF5 file `path`; all its documents are sent at once."""
        uid = str(uuid4())
        self.runs[uid] = 1
        for name, document in file_documents(uid, path):
            self._emit(uid, name, document)
        return uid

    def send_plain(self, *, frames: int) -> str:
        """Send a whole run of a motor alone, without a frame in any of its events."""
        uid = str(uuid4())
        self.runs[uid] = 0
        for name, document in run_documents(uid, frames=frames, rng=self.rng, pixels=False):
            self._emit(uid, name, document)
        return uid

    def go_on(self, *, seconds: float) -> None:
        """Send what is due, for so long: a document of a run every 0.1 to 0.9 seconds."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            if self._open and self._open[0][0] <= now:
                self._send(*heapq.heappop(self._open)[1:])
            else:
                self.producer.poll(min(0.05, deadline - now))

    def finish(self) -> None:
        """Send the rest of every run."""
        while self._open:
            self._send(*heapq.heappop(self._open)[1:], pause=0.0)
        self.producer.flush(60.0)

    def _send(self, uid: str, documents: Iterator[Document], *, pause: float | None = None) -> None:
        for name, document in documents:
            self._emit(uid, name, document)
            wait = self.rng.uniform(0.1, 0.9) if pause is None else pause
            heapq.heappush(self._open, (time.monotonic() + wait, uid, documents))
            return

    def _emit(self, uid: str, name: str, document: dict[str, Any]) -> None:
        self.producer.produce(self.topic, value=encode(name, document), key=uid, on_delivery=self._delivered)
        self.sent += 1
        self.producer.poll(0)
        if name in ("start", "stop"):  # our agent never reads pixels of a live run from Tiled
            self._write(name, document)

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        if name == "start":
            self._writers[document["uid"]] = TiledWriter(self.raw)
        writer = self._writers[document["uid" if name == "start" else "run_start"]]
        writer(name, dict(document))
        if name == "stop":
            del self._writers[document["run_start"]]

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is not None:
            self.refused.append(str(error))


def run_documents(uid: str, *, frames: int, rng: np.random.Generator, pixels: bool = True) -> Iterator[Document]:
    """Compose a run of one detector, its frames inside the events; without `pixels` it has a motor only."""
    run = event_model.compose_run(uid=uid)
    image = {"dtype": "array", "shape": list(SHAPE), "source": "soak", "dtype_numpy": "<i4"}
    motor = {"dtype": "number", "shape": [], "source": "soak"}
    stream = run.compose_descriptor(name="primary", data_keys={"image": image} if pixels else {"motor": motor})
    yield "start", run.start_doc
    yield "descriptor", stream.descriptor_doc
    for index in range(frames):
        data = {"image": _picture(rng)} if pixels else {"motor": float(index)}
        yield "event", stream.compose_event(data=data, timestamps=dict.fromkeys(data, 1.0), validate=False)
    yield "stop", run.compose_stop()


def file_documents(uid: str, path: Path) -> Iterator[Document]:
    """Compose a run of one frame that lies in a file (see `write_file`), whether that is there already or not."""
    run = event_model.compose_run(uid=uid)
    key = {"dtype": "array", "shape": [1, *SHAPE], "source": "soak", "dtype_numpy": "<i4", "external": "STREAM:"}
    stream = run.compose_descriptor(name="primary", data_keys={"image": key}, object_keys={"pilatus": ["image"]})
    resource = run.compose_stream_resource(
        mimetype="application/x-hdf5",
        uri=f"file://localhost{path}",
        data_key="image",
        parameters={"dataset": DATASET, "chunk_shape": (1, *SHAPE)},
    )
    yield "start", run.start_doc
    yield "descriptor", stream.descriptor_doc
    yield "stream_resource", resource.stream_resource_doc
    first = {"start": 0, "stop": 1}
    datum = resource.compose_stream_datum(
        indices=first, seq_nums={"start": 1, "stop": 2}, descriptor=stream.descriptor_doc, validate=False
    )
    yield "stream_datum", datum
    yield "stop", run.compose_stop()


def write_file(path: Path, rng: np.random.Generator) -> None:
    """Write the file of one frame; it is there in one piece or not at all."""
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        file.create_dataset(DATASET, data=_picture(rng)[None], chunks=(1, *SHAPE))
    part.rename(path)


def _picture(rng: np.random.Generator) -> Any:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rate = 300.0 / (1 + np.hypot(rows - rng.uniform(20, 44), columns - 32) / 5) ** 2 + 0.5
    return rng.poisson(rate).astype(np.int32)
