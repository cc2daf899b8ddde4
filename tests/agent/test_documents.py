from datetime import UTC, datetime

import numpy as np
import pytest
from support.bluesky_runs import BlueskyRun, write_hdf5

from camsortxs.adapters.pixels import FilePixels
from camsortxs.errors import FrameError
from camsortxs.frames import Frame, Rejected, RunEnd, Unread
from camsortxs_agent.announced import nobody_counts
from camsortxs_agent.documents import RunDocuments


def consume(documents, root, count=nobody_counts):
    documents = list(documents)
    run = RunDocuments(documents[0][1], pixels=FilePixels(roots=[root], patience=0.0), count=count)
    items = [item for name, document in documents[1:] for item in run.consume(name, document, time=1_700_000_005.0)]
    return [each for item in items for each in (item.read() if isinstance(item, Unread) else [item])]


def stream(run, folder):
    write_hdf5(folder / "stream.h5", run.images)
    return run.stream(folder / "stream.h5", steps=[(0, 1), (1, run.events)])


FORMS = {
    "inline": lambda run, folder: run.inline(),
    "inline, nested lists": lambda run, folder: run.inline(nested=True),
    "event_page": lambda run, folder: run.pages(),
    "resource and datum": lambda run, folder: run.resource(folder),
    "resource and datum_page": lambda run, folder: run.resource(folder, datum_pages=True),
    "stream_resource and stream_datum": stream,
}


@pytest.mark.parametrize("count", [nobody_counts, lambda announced: len(announced.load())], ids=["read", "counted"])
@pytest.mark.parametrize("per_event", [1, 2])
@pytest.mark.parametrize("form", FORMS)
def test_every_way_that_pixels_travel_gives_the_same_frames(form, per_event, count, tmp_path):
    run = BlueskyRun(frames=3, per_event=per_event, energy=12.4)
    *frames, end = consume(FORMS[form](run, tmp_path), tmp_path, count)
    assert end == RunEnd(run="run")
    assert [str(frame.key) for frame in frames] == [f"run/primary/pil_image[{i}]" for i in range(3 * per_event)]
    for frame, image in zip(frames, run.images, strict=True):
        np.testing.assert_array_equal(frame.image, image)
        assert frame.detector == "pil"
        assert frame.geometry.distance == 3.5
        assert frame.geometry.wavelength == pytest.approx(1e-10, rel=1e-3)
    first = frames[0].taken_at
    assert first == datetime.fromtimestamp(1_700_000_005 if "stream" in form else 1_700_000_001, UTC)


def test_where_somebody_else_counts_nothing_is_read_here_and_their_refusal_is_the_events(tmp_path):
    answers = iter([Rejected(reason="worker_died", message="of it"), 2])
    start, *rest = BlueskyRun(frames=3, per_event=2).resource(tmp_path)
    run = RunDocuments(start[1], pixels=FilePixels(roots=[]), count=lambda announced: next(answers))
    items = [item for name, document in rest for item in run.consume(name, document)]
    assert [type(item) for item in items] == [Rejected, Unread, Unread, RunEnd]
    assert items[0].reason == "worker_died"
    assert [item.key.index for item in items[1:3]] == [2, 4]
    assert next(answers, "nobody was asked again") == "nobody was asked again"


@pytest.mark.parametrize("form", FORMS)
def test_a_document_that_comes_twice_makes_the_same_frames_again(form, tmp_path):
    start, *rest = FORMS[form](BlueskyRun(), tmp_path)
    items = consume([start, *(twice for document in rest for twice in (document, document))], tmp_path)
    frames = {item.key: item.image for item in items if isinstance(item, Frame)}
    assert len(frames) == 3
    assert not [item for item in items if isinstance(item, Rejected)]


def test_a_second_file_of_a_detector_counts_from_its_own_beginning(tmp_path):
    run = BlueskyRun(frames=4)
    write_hdf5(tmp_path / "a.h5", run.images[:2])
    write_hdf5(tmp_path / "b.h5", run.images[2:])
    first = list(run.stream(tmp_path / "a.h5", steps=[(0, 2)]))
    resource = {**first[2][1], "uid": "second", "uri": (tmp_path / "b.h5").as_uri()}
    datum = {
        **first[3][1],
        "stream_resource": "second",
        "indices": {"start": 2, "stop": 4},
        "seq_nums": {"start": 3, "stop": 5},
    }
    *frames, _ = consume([*first[:4], ("stream_resource", resource), ("stream_datum", datum), first[4]], tmp_path)
    np.testing.assert_array_equal([frame.image for frame in frames], run.images)


def test_what_lies_before_the_first_image_of_its_file_is_refused(tmp_path):
    run = BlueskyRun(frames=4)
    write_hdf5(tmp_path / "a.h5", run.images)
    first = list(run.stream(tmp_path / "a.h5", steps=[(0, 2)]))
    resource = {**first[2][1], "uid": "second"}
    late, early = (
        {**first[3][1], "stream_resource": "second", "indices": {"start": at, "stop": at + 1}} for at in (14, 10)
    )
    consume([*first[:3], ("stream_resource", resource), ("stream_datum", late)], tmp_path)
    with pytest.raises(FrameError, match="event 10 lies before the first one of its file, 14"):
        consume([*first[:3], ("stream_resource", resource), ("stream_datum", late), ("stream_datum", early)], tmp_path)


def test_an_incidence_angle_that_is_scanned_goes_with_its_frame(tmp_path):
    documents = list(BlueskyRun().inline())
    documents[1][1]["data_keys"]["stage_incident_angle"] = {
        "dtype": "number",
        "shape": [],
        "source": "",
        "units": "deg",
    }
    for number, (_, event) in enumerate(documents[2:-1]):
        event["data"]["stage_incident_angle"] = 0.1 * (number + 1)
    *frames, _ = consume(documents, tmp_path)
    assert [frame.geometry.incidence_angle for frame in frames] == pytest.approx([0.1, 0.2, 0.3])
    assert frames[0].geometry.distance == 3.5


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [([], "number"), ([4096], "array"), ([1, 4096], "array"), ([8, 4096], "array"), ([15, 200], "array")],
)
def test_spectra_and_numbers_are_no_detectors(shape, dtype, tmp_path):
    documents = list(BlueskyRun().inline())
    documents[1][1]["data_keys"]["pil_image"].update(shape=shape, dtype=dtype)
    assert consume(documents, tmp_path) == [RunEnd(run="run")]


def test_one_detector_in_trouble_does_not_cost_the_other(tmp_path):
    documents = list(BlueskyRun().inline())
    documents[1][1]["data_keys"]["other_image"] = {**documents[1][1]["data_keys"]["pil_image"]}
    for _, event in documents[2:-1]:
        event["data"]["other_image"] = "no such datum"
    items = consume(documents, tmp_path)
    assert [item.reason for item in items if isinstance(item, Rejected)] == ["missing_datum"] * 3
    assert len([item for item in items if isinstance(item, Frame)]) == 3


def test_more_frames_than_the_first_event_had_are_refused_not_mixed_up(tmp_path):
    documents = list(BlueskyRun().inline())
    documents[3][1]["data"]["pil_image"] = np.concatenate([documents[3][1]["data"]["pil_image"]] * 2)
    items = consume(documents, tmp_path)
    assert [item.reason for item in items if isinstance(item, Rejected)] == ["shape_changed"]
    assert len({item.key for item in items if isinstance(item, Frame)}) == 3


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("descriptor", "data_keys", None),
        ("descriptor", "uid", 7),
        ("event", "data", []),
        ("event", "seq_num", "one"),
        ("event", "seq_num", 0),
        ("event", "seq_num", 2**63 + 1),
        ("start", "uid", "a\0b"),
        ("start", "uid", ""),
        ("start", "uid", "x" * 300),
        ("event", "descriptor", None),
        ("event_page", "uid", None),
        ("event_page", "data", {"pil_image": 3}),
        ("datum_page", "datum_kwargs", 5),
        ("stream_datum", "indices", {"start": "0"}),
        ("stream_datum", "indices", {"start": -2, "stop": 1}),
    ],
)
def test_a_malformed_document_is_refused_as_a_whole(name, field, value, tmp_path):
    form = {"event_page": "event_page", "datum_page": "resource and datum_page"}.get(name, "inline")
    form = "stream_resource and stream_datum" if name == "stream_datum" else form
    documents = list(FORMS[form](BlueskyRun(), tmp_path))
    bad = next(document for kind, document in documents if kind == name)
    bad[field] = value
    with pytest.raises(FrameError) as caught:
        consume(documents, tmp_path)
    assert caught.value.reason == "malformed"
