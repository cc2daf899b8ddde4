"""Files and arrays that must not be read, or cannot be used."""

import os
import tracemalloc

import h5py
import numpy as np
import pytest
import tifffile
from support.bluesky_runs import BlueskyRun, write_hdf5

from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError
from camsortxs.frames import Frame, Rejected, Unread
from camsortxs_agent.documents import RunDocuments

HUGE = (10_000, 10_000)
IMAGES = np.ones((2, 20, 20), dtype=np.int32)


@pytest.fixture
def inside(tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    write_hdf5(folder / "secret.h5", IMAGES)
    for number in range(2):
        tifffile.imwrite(folder / f"{number}.tiff", IMAGES[0])
    return folder


def reason(root, reference) -> str:
    with pytest.raises(FrameError) as caught:
        FilePixels(roots=[root], patience=0.0).read(reference)
    return caught.value.reason


def test_a_path_outside_the_roots(inside, outside):
    for uri in (str(outside / "secret.h5"), (outside / "secret.h5").as_uri(), f"{inside}/../outside/secret.h5"):
        assert reason(inside, PixelReference(uri=uri, form="application/x-hdf5")) == "outside_roots"


def test_a_neighbour_whose_name_begins_like_the_root(inside, outside):
    twin = inside.with_name("inside-not")
    outside.rename(twin)
    uri = str(twin / "secret.h5")
    assert reason(inside, PixelReference(uri=uri, form="application/x-hdf5")) == "outside_roots"


def test_a_link_that_leads_outside(inside, outside):
    (inside / "link.h5").symlink_to(outside / "secret.h5")
    (inside / "folder").symlink_to(outside)
    for name in ("link.h5", "folder/secret.h5"):
        uri = str(inside / name)
        assert reason(inside, PixelReference(uri=uri, form="application/x-hdf5")) == "outside_roots"


def test_a_link_that_stays_inside_is_followed(inside):
    write_hdf5(inside / "a.h5", IMAGES)
    (inside / "link.h5").symlink_to(inside / "a.h5")
    reference = PixelReference(uri=str(inside / "link.h5"), form="AD_HDF5", datum={"point_number": 0})
    assert FilePixels(roots=[inside]).read(reference).shape == (1, 20, 20)


@pytest.mark.parametrize(
    ("form", "parameters", "datum"),
    [
        ("multipart/related;type=image/tiff", {"template": "/../outside/{:d}.tiff"}, None),
        ("AD_TIFF", {"template": "%s%s%d.tiff", "filename": "../outside/"}, {"point_number": 0}),
        ("AD_HDF5_SINGLE", {"template": "%s%s%d.tiff", "filename": "../outside/"}, {"point_number": 0}),
    ],
)
def test_a_template_that_leads_outside(inside, outside, form, parameters, datum):
    reference = PixelReference(uri=str(inside), form=form, parameters=parameters, datum=datum)
    assert reason(inside, reference) == "outside_roots"


def test_no_roots_no_files(inside):
    write_hdf5(inside / "a.h5", IMAGES)
    reader = FilePixels(roots=[])
    with pytest.raises(FrameError, match="allowed roots"):
        reader.read(PixelReference(uri=str(inside / "a.h5"), form="application/x-hdf5"))


@pytest.mark.parametrize("uri", ["file:///a\0b", "x" * 100_000, "file://elsewhere/a.h5", "s3://bucket/a.h5", ""])
def test_uris_that_are_no_paths(inside, uri):
    expected = reason(inside, PixelReference(uri=uri, form="application/x-hdf5"))
    assert expected in ("outside_roots", "unsupported_form")


def test_a_loop_of_links(inside):
    os.symlink(inside / "b", inside / "a")
    os.symlink(inside / "a", inside / "b")
    expected = reason(inside, PixelReference(uri=str(inside / "a"), form="application/x-hdf5"))
    assert expected in ("outside_roots", "unreadable_file")


def test_a_hundred_megapixels_are_refused_before_they_are_read(inside):
    with h5py.File(inside / "bomb.h5", "w") as file:  # 200 MB when unpacked, nothing on the disk
        file.create_dataset("/entry/data/data", shape=(1, *HUGE), dtype="u2", chunks=(1, 1000, 1000))
    tracemalloc.start()
    reference = PixelReference(uri=str(inside / "bomb.h5"), form="application/x-hdf5")
    assert reason(inside, reference) == "too_large"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_a_gigapixel_event_is_refused_before_it_is_read(inside):
    with h5py.File(inside / "bomb.h5", "w") as file:
        file.create_dataset("/entry/data/data", shape=(10_000, 1000, 1000), dtype="u2", chunks=(1, 1000, 1000))
    reference = PixelReference(uri=str(inside / "bomb.h5"), form="application/x-hdf5", frames=10_000)
    assert reason(inside, reference) == "too_large"


def items_of(documents):
    run = RunDocuments(documents[0][1], pixels=FilePixels(roots=[]))
    items = [item for name, document in documents[1:] for item in run.consume(name, document)]
    return [each for item in items for each in (item.read() if isinstance(item, Unread) else [item])]


ARRAYS = {
    "all NaN": (np.full((48, 40), np.nan), "all_bad"),
    "empty": (np.zeros((0, 40)), "empty"),
    "one-dimensional": (np.zeros(1920), "not_2d"),
    "a number": (np.float64(3), "not_2d"),
    "complex": (np.zeros((48, 40), dtype=complex), "not_numeric"),
    "words": (np.full((48, 40), "x"), "not_numeric"),
    "ragged lists": ([[1, 2], [3]], "not_numeric"),
    "nothing": (None, "not_2d"),
    "100 megapixels": (np.broadcast_to(np.uint8(1), HUGE), "too_large"),
}


@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_that_is_no_frame_costs_only_itself(array):
    value, expected = ARRAYS[array]
    documents = list(BlueskyRun(frames=3).inline())
    documents[3][1]["data"]["pil_image"] = value
    frames = items_of(documents)
    assert [item.reason for item in frames if isinstance(item, Rejected)] == [expected]
    assert [item.key.index for item in frames if isinstance(item, Frame)] == [0, 2]


def test_some_nan_are_masked():
    documents = list(BlueskyRun(frames=1).inline())
    image = documents[2][1]["data"]["pil_image"].astype(float)
    image[0, :3] = np.nan
    documents[2][1]["data"]["pil_image"] = image
    frame = items_of(documents)[0]
    assert frame.mask[:3].all()
    assert not frame.mask[3:].all()


def test_a_declared_hundred_megapixels_are_refused_unread():
    documents = list(BlueskyRun(frames=1).inline())
    documents[1][1]["data_keys"]["pil_image"]["shape"] = [1, *HUGE]
    assert items_of(documents)[0].reason == "too_large"
