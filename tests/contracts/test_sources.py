"""What every source keeps to: the fake, files, Kafka over the wire, and archived runs in a real Tiled over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
import pytest
from event_model import compose_run

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.tiled import TiledRuns
from camsortxs.frames import Batch, FrameKey, RunEnd, Source
from camsortxs.testing import ListSource
from camsortxs_agent.kafka import KafkaPublisher, KafkaSource
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import encode

COUNT = 5


@dataclass(frozen=True, kw_only=True)
class Kit:
    """Makes a source of one run with the given images, afresh each time."""

    source: Callable[[np.ndarray], Source]


@pytest.fixture(params=["list", "folder", "kafka", "tiled"])
def kit(request, make_frame, tmp_path) -> Iterator[Kit]:
    if request.param == "tiled":
        yield from _tiled(request.getfixturevalue("catalogue"), request.getfixturevalue("begin_raw_run"))
    elif request.param == "kafka":
        yield from _kafka(request.getfixturevalue("broker"))
    else:
        yield from {"list": _list, "folder": _folder}[request.param](make_frame, tmp_path)


def _list(make_frame, tmp_path) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        frames = tuple(
            make_frame(
                image=image,
                mask=np.zeros(image.shape, dtype=bool),
                key=FrameKey(run="run", stream="primary", data_key="pilatus", index=i),
            )
            for i, image in enumerate(images)
        )
        return ListSource(contents=[Batch(frames=frames[:2]), Batch(frames=frames[2:], ended=(RunEnd(run="run"),))])

    yield Kit(source=source)


def _folder(make_frame, tmp_path) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        np.save(tmp_path / "scan.npy", images)
        return FolderFrames(paths=[tmp_path], batch=2)

    yield Kit(source=source)


@dataclass(frozen=True)
class _UntilTheRunEnds:
    """A live source goes on for ever; told to stop, it ends after the batch in hand."""

    source: KafkaSource

    def batches(self) -> Iterator[Batch]:
        for batch in self.source.batches():
            if batch.ended:
                self.source.stop()
            yield batch


def _kafka(broker) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        topic = f"{uuid4()}.bluesky.runengine.documents"
        documents = list(_documents(images))
        run = documents[0][1]["uid"]
        publisher = KafkaPublisher(config={"bootstrap.servers": broker})
        publisher.publish(topic, [(run, encode(name, document)) for name, document in documents])
        config = {
            "bootstrap.servers": broker,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
        return _UntilTheRunEnds(KafkaSource(config=config, topics=[topic], runs=Runs(pixels=FilePixels(roots=[]))))

    yield Kit(source=source)


def _documents(images: np.ndarray) -> Iterator[tuple[str, dict]]:
    run = compose_run()
    kind = {"source": "sim", "dtype": "array", "shape": list(images.shape[1:]), "dtype_numpy": images.dtype.str}
    stream = run.compose_descriptor(name="primary", data_keys={"pilatus": kind})
    yield "start", run.start_doc
    yield "descriptor", stream.descriptor_doc
    for image in images:
        yield "event", stream.compose_event(data={"pilatus": image}, timestamps={"pilatus": 1.0}, validate=False)
    yield "stop", run.compose_stop()


def _tiled(catalogue, begin_raw_run) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        begin_raw_run(frames=images)
        return TiledRuns(catalogue=catalogue, batch=2)

    yield Kit(source=source)


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.poisson(7.0, size=(COUNT, 40, 60)).astype(np.int32)


def test_each_image_comes_once_as_it_is(kit, images):
    frames = [frame for batch in kit.source(images).batches() for frame in batch.read().frames]

    assert [frame.key.index for frame in frames] == list(range(COUNT))
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    assert len({frame.key for frame in frames}) == COUNT


def test_the_run_ends_once_and_after_its_last_frame(kit, images):
    batches = [batch.read() for batch in kit.source(images).batches()]

    (end,) = [end for batch in batches for end in batch.ended]
    assert batches[-1].ended == (end,)
    assert {frame.key.run for batch in batches for frame in batch.frames} == {end.run}


def test_every_batch_can_be_acknowledged(kit, images):
    for batch in kit.source(images).batches():
        batch.acknowledge()


@pytest.mark.parametrize("kit", ["folder", "kafka", "tiled"], indirect=True)  # a list holds frames that exist already
def test_a_frame_without_a_valid_pixel_is_refused_and_the_others_come(kit, images):
    images = images.astype(np.float64)
    images[2] = np.nan

    batches = [batch.read() for batch in kit.source(images).batches()]

    assert [item.reason for batch in batches for item in batch.rejected] == ["all_bad"]
    assert [frame.key.index for batch in batches for frame in batch.frames] == [0, 1, 3, 4]
