"""Archived runs, read back from a real Tiled over HTTP."""

from types import MappingProxyType, SimpleNamespace

import httpx
import numpy as np
import pytest
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run

from camsortxs.adapters.tiled import Catalogue, TiledRuns, TiledSink
from camsortxs.adapters.tiled.arrays import image_arrays
from camsortxs.errors import SourceError
from camsortxs.frames import MAX_PIXELS
from camsortxs.pipeline import Pipeline
from camsortxs.testing import tiny_model
from camsortxs_agent.streams import Stream


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.poisson(3.0, size=(5, 40, 60)).astype(np.int32)


def test_every_frame_of_a_run_comes_once_and_in_order(catalogue, begin_raw_run, images):
    run = begin_raw_run(frames=images)

    batches = list(TiledRuns(catalogue=catalogue, batch=2).batches())

    frames = [frame for batch in batches for frame in batch.frames]
    assert [frame.key.index for frame in frames] == [0, 1, 2, 3, 4]
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    assert [end.run for end in batches[-1].ended] == [run]
    assert max(len(batch.frames) for batch in batches) == 2


def test_a_tagged_run_is_not_found_again_so_a_second_backfill_does_nothing(catalogue, begin_raw_run, images):
    for _ in range(3):
        begin_raw_run(frames=images[:1])
    source = TiledRuns(catalogue=catalogue)
    line = Pipeline(model=tiny_model(), sink=TiledSink(catalogue, by="back-fill"))
    assert source.count() == 3

    line.run(source)

    assert source.count() == 0
    assert list(source.batches()) == []
    assert {run.metadata["camsortxs"]["by"] for run in catalogue.raw.values()} == {"back-fill"}


def test_a_run_that_has_not_ended_is_left_alone(catalogue, begin_raw_run, images):
    begin_raw_run(frames=images, complete=False)

    assert list(TiledRuns(catalogue=catalogue).batches()) == []


def test_a_human_label_alone_does_not_hide_a_run(catalogue, begin_raw_run, images):
    run = begin_raw_run(frames=images)
    label = {"camsortxs": {"human": {"technique": "SAXS"}}}
    catalogue.raw[run].patch_metadata(label, content_type="application/merge-patch+json")

    assert TiledRuns(catalogue=catalogue).count() == 1


def test_the_geometry_of_the_start_document_travels_along(catalogue, begin_raw_run, images):
    begin_raw_run(frames=images[:1], detector_distance={"value": 250.0, "units": "mm"}, energy=12.4)

    (frame,) = [frame for batch in TiledRuns(catalogue=catalogue).batches() for frame in batch.frames]

    assert frame.geometry.distance == 0.25
    assert frame.geometry.wavelength == pytest.approx(1e-10, rel=1e-3)


def two_detectors():
    """A run in progress, and its one stream: SAXS far away, WAXS near by, and an energy that both share."""

    def device(**data):
        keys = {name: {"dtype": "number", "shape": [], "source": "sim"} for name in data}
        return {"data": data, "timestamps": dict.fromkeys(data, 0.0), "data_keys": keys}

    image = {"dtype": "array", "shape": [40, 60], "source": "sim", "dtype_numpy": "<i4"}
    run = compose_run(metadata={"sdd": 1.0})
    stream = run.compose_descriptor(
        name="primary",
        data_keys={"saxs_image": dict(image), "waxs_image": dict(image)},
        object_keys={"saxs": ["saxs_image"], "waxs": ["waxs_image"]},
        configuration={
            "waxs": device(waxs_det_dist=0.2),
            "saxs": device(saxs_det_dist=5.0),
            "mono": device(mono_energy=12.4),
        },
    )
    return run, stream


def told_live(run, stream):
    seen = Stream.of(run.start_doc, stream.descriptor_doc)
    return {detector.data_key: (detector.name, detector.geometry) for detector in seen.detectors}


def write_run(container, run, stream, events):
    """Write a run with these events of its one stream as a beamline does."""
    write = TiledWriter(container)
    write("start", run.start_doc)
    write("descriptor", stream.descriptor_doc)
    for data in events:
        write("event", stream.compose_event(data=data, timestamps=dict.fromkeys(data, 1.0)))
    write("stop", run.compose_stop())


def test_two_detectors_in_one_stream_stand_where_the_live_agent_says(catalogue, begin_raw_run):
    run, stream = two_detectors()
    live = told_live(run, stream)
    write_run(begin_raw_run.container, run, stream, [{key: np.ones((40, 60), np.int32) for key in live}])

    frames = [frame for batch in TiledRuns(catalogue=catalogue).batches() for frame in batch.frames]

    assert {frame.key.data_key: (frame.detector, frame.geometry) for frame in frames} == live
    assert {frame.detector: frame.geometry.distance for frame in frames} == {"saxs": 5.0, "waxs": 0.2}


def test_a_databroker_stream_is_described_by_its_first_descriptor():
    run, stream = two_detectors()
    arrays = {key: SimpleNamespace(shape=(3, 40, 60)) for key in ("saxs_image", "waxs_image")}

    class Node(dict):
        metadata = MappingProxyType({"start": run.start_doc, "descriptors": [stream.descriptor_doc]})

    found = image_arrays(Node(primary=Node(data=arrays)))

    assert {images.data_key: (images.detector, images.geometry(0)) for images in found} == told_live(run, stream)


def test_many_long_spectra_are_no_image(catalogue, begin_raw_run):
    run, kinds = compose_run(), {"image": (40, 60), "spectrum": (64,)}
    keys = {name: {"source": "s", "dtype": "array", "shape": shape} for name, shape in kinds.items()}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    event = {name: np.ones(shape, np.int32) for name, shape in kinds.items()}
    write_run(begin_raw_run.container, run, stream, [event] * 20)

    assert catalogue.raw[run.start_doc["uid"]]["primary"]["spectrum"].shape == (20, 64)
    keys = [frame.key for batch in TiledRuns(catalogue=catalogue).batches() for frame in batch.frames]
    assert [(key.data_key, key.index) for key in keys] == [("image", index) for index in range(20)]


def test_what_a_motor_read_with_each_event_says_where_its_frames_stood(catalogue, begin_raw_run):
    run, angles = compose_run(metadata={"distance": 3.0}), [0.1, 0.2, 0.3]
    keys = {
        "image": {"source": "s", "dtype": "array", "shape": (2, 40, 60)},
        "alpha_i": {"source": "s", "dtype": "number", "shape": (), "units": "deg"},
    }
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    events = [{"image": np.ones((2, 40, 60), np.int32), "alpha_i": angle} for angle in angles]
    write_run(begin_raw_run.container, run, stream, events)

    frames = [frame for batch in TiledRuns(catalogue=catalogue).batches() for frame in batch.frames]

    stood = [(frame.geometry.incidence_angle, frame.geometry.distance) for frame in frames]
    assert stood == [(angle, 3.0) for angle in angles for _ in range(2)]


@pytest.mark.parametrize("declared", [[0, 0, 0], [3, 0, 0], [], None, [64, 60]])
def test_whatever_was_declared_of_images_they_are_images(declared):
    class Node(dict):
        metadata = MappingProxyType({"start": {}, "descriptors": [{"data_keys": {"image": {"shape": declared}}}]})

    (found,) = image_arrays(Node(primary=Node(data={"image": SimpleNamespace(shape=(3, 64, 60))})))

    assert found.count == 3


def with_motors(**fields):
    class Node(dict):
        metadata = MappingProxyType({"start": {}, "data_keys": {"alpha_i": {}, "energy": {"units": "keV"}}})

    return list(image_arrays(Node(primary=Node(image=SimpleNamespace(shape=(4, 64, 60)), **fields))))


def answering(status):
    return httpx.HTTPStatusError(str(status), request=None, response=httpx.Response(status))


@pytest.mark.parametrize("error", [answering(500), ValueError("arrow"), NotImplementedError("arrow")])
def test_a_motor_that_tiled_cannot_read_costs_no_frame(error):
    def broken(columns):
        raise error

    (found,) = with_motors(internal=SimpleNamespace(columns=["alpha_i"], read=broken))

    assert [found.geometry(index) for index in range(found.count)] == [None] * 4


def test_a_tiled_that_is_not_well_is_asked_again():
    def broken(columns):
        raise answering(503)

    with pytest.raises(httpx.HTTPStatusError):
        with_motors(internal=SimpleNamespace(columns=["alpha_i"], read=broken))


def test_readings_that_do_not_go_with_the_frames_do_not_move_those_that_do():
    def column(*values):
        return SimpleNamespace(shape=(len(values),), read=lambda: np.array(values))

    (found,) = with_motors(alpha_i=column(0.1, 0.2, 0.3), energy=column(10.0, 20.0))
    assert [round(1e10 * found.geometry(i).wavelength, 2) for i in range(4)] == [1.24, 1.24, 0.62, 0.62]
    assert found.geometry(0).incidence_angle is None
    (found,) = with_motors(alpha_i=column(0.1, 0.2, 0.3, 0.4), energy=column())
    assert [found.geometry(i).incidence_angle for i in range(4)] == [0.1, 0.2, 0.3, 0.4]


def test_a_spectrum_that_is_named_like_a_motor_is_not_fetched():
    with_motors(energy=SimpleNamespace(shape=(4, 4096), read=pytest.fail))


@pytest.mark.parametrize(
    ("images", "angles", "expected"),
    [((3, 40, 60), (3,), [0.0, 1.0, 2.0]), ((4, 40, 60), (3,), [None] * 4), ((3, 40, 60), (3, 2), [None] * 3)],
    ids=["one each", "other numbers", "not a number each"],
)
def test_databroker_keeps_what_a_motor_read_in_an_array(images, angles, expected):
    data_keys = {"image": {"dtype": "array", "shape": [40, 60]}, "alpha_i": {"dtype": "number", "shape": []}}
    values = np.broadcast_to(np.arange(3.0).reshape(3, *[1] * (len(angles) - 1)), angles)

    class Node(dict):
        metadata = MappingProxyType({"start": {}, "descriptors": [{"data_keys": data_keys}]})

    data = {"image": SimpleNamespace(shape=images), "alpha_i": SimpleNamespace(shape=angles, read=lambda: values)}
    (found,) = image_arrays(Node(primary=Node(data=data)))

    stood = [where and where.incidence_angle for where in map(found.geometry, range(found.count))]
    assert stood == expected


def test_the_limit_counts_runs(catalogue, begin_raw_run, images):
    for _ in range(3):
        begin_raw_run(frames=images)
    source = TiledRuns(catalogue=catalogue, limit=2)

    assert source.count() == 2
    assert sum(len(batch.ended) for batch in source.batches()) == 2


def test_an_absurd_array_is_refused_before_it_is_fetched(catalogue, begin_raw_run, images, monkeypatch):
    begin_raw_run(frames=images[:1])
    monkeypatch.setattr("camsortxs.frames.MAX_PIXELS", 1_000)
    assert MAX_PIXELS > 1_000

    batches = list(TiledRuns(catalogue=catalogue).batches())

    assert [item.reason for batch in batches for item in batch.rejected] == ["too_large"]
    assert len(batches[-1].ended) == 1


def test_a_server_out_of_reach_is_a_source_error(monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)

    with pytest.raises(SourceError, match="cannot be reached"):
        list(TiledRuns(catalogue=Catalogue(address="http://127.0.0.1:9")).batches())
