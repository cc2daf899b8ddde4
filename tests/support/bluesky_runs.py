"""Runs as Bluesky writes them, in all four ways that pixels travel."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import event_model
import h5py
import numpy as np

Document = tuple[str, dict[str, Any]]


def image(index: int = 0, shape: tuple[int, int] = (48, 40), *, grazing: bool = False) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    rate = 200.0 / (1 + np.hypot(rows - 20, columns - 18) / 4) ** 2 + 0.5
    if grazing:
        rate = np.where(rows < 24, rate, 0.02)
    return np.random.default_rng(index).poisson(rate).astype(np.int32)


class BlueskyRun:
    """One run with one detector `pil`; each form has its own generator of documents, start and stop included."""

    def __init__(self, uid: str = "run", *, frames: int = 3, per_event: int = 1, **metadata: Any) -> None:
        self.uid = uid
        self.events = frames
        self.per_event = per_event
        self.images = np.stack([image(i) for i in range(frames * per_event)])
        self._run = event_model.compose_run(uid=uid, time=1_700_000_000.0, metadata=metadata)

    def _descriptor(self, *, external: str | None = None, **overrides: Any) -> Any:
        spec = {"dtype": "array", "shape": [self.per_event, 48, 40], "source": "sim", "dtype_numpy": "<i4"}
        if external is not None:
            spec["external"] = external
        return self._run.compose_descriptor(
            name="primary",
            data_keys={"pil_image": {**spec, **overrides}},
            object_keys={"pil": ["pil_image"]},
            configuration={
                "pil": {
                    "data": {"pil_cam_det_dist": 3500.0},
                    "timestamps": {"pil_cam_det_dist": 0.0},
                    "data_keys": {"pil_cam_det_dist": {"dtype": "number", "shape": [], "source": "sim", "units": "mm"}},
                }
            },
        )

    def _chunks(self) -> Iterator[np.ndarray]:
        yield from self.images.reshape(self.events, self.per_event, 48, 40)

    def inline(self, *, nested: bool = False) -> Iterator[Document]:
        descriptor = self._descriptor()
        yield "start", self._run.start_doc
        yield "descriptor", descriptor.descriptor_doc
        for number, chunk in enumerate(self._chunks()):
            data = {"pil_image": chunk.tolist() if nested else chunk}
            event = descriptor.compose_event(
                data=data, timestamps={"pil_image": 1.0}, time=1_700_000_001.0 + number, validate=False
            )
            yield "event", event
        yield "stop", self._run.compose_stop(time=1_700_000_100.0)

    def pages(self) -> Iterator[Document]:
        documents = list(self.inline())
        yield from documents[:2]
        yield "event_page", event_model.pack_event_page(*[doc for name, doc in documents if name == "event"])
        yield documents[-1]

    def resource(self, folder: Path, *, datum_pages: bool = False) -> Iterator[Document]:
        path = folder / f"{self.uid}.h5"
        write_hdf5(path, self.images)
        descriptor = self._descriptor(external="FILESTORE:")
        resource = self._run.compose_resource(
            spec="AD_HDF5",
            root=str(folder),
            resource_path=path.name,
            resource_kwargs={"frame_per_point": self.per_event},
        )
        yield "start", self._run.start_doc
        yield "descriptor", descriptor.descriptor_doc
        yield "resource", resource.resource_doc
        datums = [resource.compose_datum(datum_kwargs={"point_number": i}) for i in range(self.events)]
        if datum_pages:
            yield "datum_page", event_model.pack_datum_page(*datums)
        for number, datum in enumerate(datums):
            if not datum_pages:
                yield "datum", datum
            event = descriptor.compose_event(
                data={"pil_image": datum["datum_id"]},
                timestamps={"pil_image": 1.0},
                filled={"pil_image": False},
                time=1_700_000_001.0 + number,
                validate=False,
            )
            yield "event", event
        yield "stop", self._run.compose_stop(time=1_700_000_100.0)

    def stream(self, path: Path, *, steps: Sequence[tuple[int, int]] | None = None) -> Iterator[Document]:
        """Announce frames in `path`, an HDF5 file that the caller writes; `steps` are the (start, stop) of indices."""
        descriptor = self._descriptor(external="STREAM:")
        resource = self._run.compose_stream_resource(
            mimetype="application/x-hdf5",
            uri=path.as_uri().replace("file://", "file://localhost"),
            data_key="pil_image",
            parameters={"dataset": "/entry/data/data", "chunk_shape": (1, 48, 40)},
        )
        yield "start", self._run.start_doc
        yield "descriptor", descriptor.descriptor_doc
        yield "stream_resource", resource.stream_resource_doc
        for start, stop in steps or [(0, self.events)]:
            datum = resource.compose_stream_datum(
                indices={"start": start, "stop": stop},
                seq_nums={"start": start + 1, "stop": stop + 1},
                descriptor=descriptor.descriptor_doc,
                validate=False,
            )
            yield "stream_datum", datum
        yield "stop", self._run.compose_stop(time=1_700_000_100.0)


def write_hdf5(path: Path, images: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("/entry/data/data", data=images, chunks=(1, *images.shape[1:]))


_numbers = count()


def fresh_uid(stem: str = "run") -> str:
    """An identifier that no other test of this session uses."""
    return f"{stem}-{next(_numbers)}"
