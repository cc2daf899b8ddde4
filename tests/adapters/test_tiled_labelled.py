"""Runs that somebody labelled, from a real Tiled over HTTP."""

import numpy as np
import pytest
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run

from camsortxs.adapters.tiled import Catalogue, LabelledRuns, frames_of_run
from camsortxs.errors import SourceError
from camsortxs.frames import Rejected


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.poisson(3.0, size=(9, 40, 60)).astype(np.int32)


@pytest.fixture
def label(catalogue):
    """Write into the index of a run: `label(uid, human=...)` as a person does, with a technique as the agent does."""

    def write(uid, *, human=None, machine=None):
        index = {"technique": machine, "model": "m@1.0.0"} if machine else {}
        index |= {"human": {"technique": human}} if human else {}
        catalogue.raw[uid].patch_metadata({"camsortxs": index}, content_type="application/merge-patch+json")

    return write


def test_people_are_believed_first_and_machines_never(catalogue, begin_raw_run, label):
    both = begin_raw_run(technique="SAXS")
    begin_raw_run(sample="nobody labelled this one")
    site = begin_raw_run(technique="WAXS")
    machine = begin_raw_run()
    person = begin_raw_run()
    label(both, human="GISAXS", machine="WAXS")
    label(machine, machine="GIWAXS")
    label(person, human="no_signal")

    found = list(LabelledRuns(catalogue=catalogue, label_key="technique").runs())

    assert [(run.uid, run.label, run.by) for run in found] == [
        (both, "GISAXS", "human"),
        (person, "no_signal", "human"),
        (site, "WAXS", "start document"),
    ]
    assert [run.uid for run in LabelledRuns(catalogue=catalogue).runs()] == [both, person]
    assert LabelledRuns(catalogue=catalogue).count() == 2


def test_a_query_asks_the_start_document(catalogue, begin_raw_run, label):
    runs = [begin_raw_run(plan_name=plan, cycle=cycle) for plan in ("count", "scan") for cycle in (1, 2)]
    for run in runs:
        label(run, human="SAXS")

    def asked(**query):
        return [run.uid for run in LabelledRuns(catalogue=catalogue, query=query).runs()]

    assert asked(plan_name="scan") == runs[2:]
    assert asked(plan_name="scan", cycle=1) == runs[2:3]
    assert asked(plan_name="nothing") == []


def test_runs_that_have_not_ended_are_left_alone(catalogue, begin_raw_run):
    begin_raw_run(technique="SAXS", complete=False)

    assert list(LabelledRuns(catalogue=catalogue, label_key="technique").runs()) == []


@pytest.mark.parametrize(
    ("start", "group_key", "group"),
    [
        ({"beamline_id": "SMI", "sample_name": "P3HT"}, None, "SMI P3HT"),
        ({"instrument": {"name": "xeuss"}, "sample": {"name": "AgBeh", "id": 3}}, None, "xeuss AgBeh"),
        ({"beamline_id": "SMI"}, None, "SMI {uid}"),
        ({"sample": "A"}, None, "{address} A"),
        ({"proposal": {"id": 312}, "sample": "A"}, "proposal.id", "312"),
        ({"sample": "A"}, "proposal.id", "{uid}"),
    ],
)
def test_what_must_stay_together_is_one_group(catalogue, begin_raw_run, start, group_key, group):
    uid = begin_raw_run(technique="SAXS", **start)

    (run,) = LabelledRuns(catalogue=catalogue, label_key="technique", group_key=group_key).runs()

    assert run.group == group.format(uid=uid, address=catalogue.address)


def test_labels_may_stand_deeper_in_the_start_document(catalogue, begin_raw_run):
    begin_raw_run(scan={"technique": " GIWAXS "})

    (run,) = LabelledRuns(catalogue=catalogue, label_key="scan.technique").runs()

    assert run.label == "GIWAXS"


def test_the_frames_of_a_run_are_spread_over_it(catalogue, begin_raw_run, images):
    run = begin_raw_run(frames=images)

    frames = list(frames_of_run(catalogue, run, most=3))

    assert [frame.key.index for frame in frames] == [0, 4, 8]
    assert all(np.array_equal(frame.image, images[frame.key.index]) for frame in frames)
    assert len(list(frames_of_run(catalogue, run, most=100))) == 9


def _two_detectors(container, images):
    """A run with two detectors in `primary`, and darks of a third in a stream of their own."""
    write, run = TiledWriter(container), compose_run()
    write("start", run.start_doc)
    kind = {"source": "sim", "dtype": "array", "shape": [40, 60], "dtype_numpy": "<i4"}
    for stream, keys in (("dark", ["third"]), ("primary", ["saxs", "waxs"])):
        bundle = run.compose_descriptor(name=stream, data_keys=dict.fromkeys(keys, kind))
        write("descriptor", bundle.descriptor_doc)
        data = {key: images[place] for place, key in enumerate(keys)}
        write("event", bundle.compose_event(data=data, timestamps=dict.fromkeys(keys, 1.0)))
    write("stop", run.compose_stop())
    return run.start_doc["uid"]


def test_of_several_detectors_one_must_be_named(catalogue, begin_raw_run, images):
    run = _two_detectors(begin_raw_run.container, images)

    (refused,) = frames_of_run(catalogue, run, most=3)
    (frame,) = frames_of_run(catalogue, run, most=3, data_key="waxs")
    (dark,) = frames_of_run(catalogue, run, most=3, data_key="third")

    assert isinstance(refused, Rejected)
    assert refused.reason == "several_detectors"
    assert "saxs, waxs" in refused.message
    assert np.array_equal(frame.image, images[1])
    assert dark.key.stream == "dark"


def test_a_run_without_images_or_without_itself_is_refused(catalogue, begin_raw_run):
    (empty,) = frames_of_run(catalogue, begin_raw_run(), most=3)
    (gone,) = frames_of_run(catalogue, "no-such-run", most=3)

    assert (empty.reason, gone.reason) == ("no_image", "unreadable")


def test_an_archive_out_of_reach_is_a_source_error(monkeypatch, catalogue):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)

    with pytest.raises(SourceError, match="Tiled cannot be read"):
        list(LabelledRuns(catalogue=Catalogue(address="http://127.0.0.1:9")).runs())
    (refused,) = frames_of_run(Catalogue(address="http://127.0.0.1:9"), "run", most=1)
    assert refused.reason == "unreadable"
    catalogue.raw_path = "nowhere"
    with pytest.raises(SourceError, match="no container 'nowhere'"):
        LabelledRuns(catalogue=catalogue).count()
