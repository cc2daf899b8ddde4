"""HDF5 files that point at others: behind links, or as a mosaic of them."""

import os
import zlib

import h5py
import numpy as np
import pytest

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError

IMAGES = np.arange(1, 1 + 8 * 20 * 18, dtype=np.int32).reshape(8, 20, 18)
DATASET = "entry/data/data"


@pytest.fixture
def inside(tmp_path):
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    return tmp_path / "outside"


def written(path, images=IMAGES, **options):
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset(DATASET, data=images, **options)
    return path


def linked(path, target, dataset=DATASET):
    with h5py.File(path, "w") as file:
        file[DATASET] = h5py.ExternalLink(str(target), dataset)
    return path


def mosaic(path, *places, shape=IMAGES.shape, **options):
    """A virtual dataset; each place is (where, file, shape of the source, what of it)."""
    layout = h5py.VirtualLayout(shape, dtype=IMAGES.dtype, **options)
    for where, file, size, what in places:
        layout[where] = h5py.VirtualSource(str(file), DATASET, size, **options)[what]
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset(DATASET, layout, fillvalue=-1)
    return path


def events(path, root, count=8, frames=1):
    """What a document points at, through the two ways that lead to HDF5: a stack, and a file of a series."""
    reader = FilePixels(roots=[root], patience=0.0)
    parameters = {"dataset": DATASET}
    stack = [
        reader.read(
            PixelReference(uri=str(path), form="application/x-hdf5", parameters=parameters, index=index, frames=frames)
        )
        for index in range(count // frames)
    ]
    whole = reader.read(PixelReference(uri=str(path), form="multipart/related", parameters=parameters))
    np.testing.assert_array_equal(np.concatenate(stack), whole)
    return whole


def reasons(path, root):
    found = []
    for form in ("application/x-hdf5", "multipart/related"):
        reference = PixelReference(uri=str(path), form=form, parameters={"dataset": DATASET})
        with pytest.raises(FrameError) as caught:
            FilePixels(roots=[root], patience=0.0).read(reference)
        found.append(caught.value.reason)
    return found


def named(path):
    """What a command line reads, and why not."""
    batches = list(FolderFrames(paths=[path]).batches())
    frames = [frame.image for batch in batches for frame in batch.frames]
    return frames, [item.message for batch in batches for item in batch.rejected]


def test_a_link_that_stays_inside_is_followed(inside):
    written(inside / "data.h5")
    np.testing.assert_array_equal(events(linked(inside / "master.h5", "data.h5"), inside), IMAGES)


@pytest.mark.parametrize("relative", [True, False])
def test_a_link_that_leads_outside_is_for_the_command_line_only(inside, outside, relative):
    secret = written(outside / "secret.h5")
    master = linked(inside / "master.h5", "../outside/secret.h5" if relative else secret)
    assert reasons(master, inside) == ["outside_roots"] * 2
    np.testing.assert_array_equal(named(master)[0], IMAGES)


def test_a_link_to_a_name_inside_that_is_a_symbolic_link_leads_outside(inside, outside):
    (inside / "data.h5").symlink_to(written(outside / "secret.h5"))
    assert reasons(linked(inside / "master.h5", "data.h5"), inside) == ["outside_roots"] * 2
    assert (
        reasons(mosaic(inside / "v.h5", (np.s_[:], "data.h5", IMAGES.shape, np.s_[:])), inside) == ["outside_roots"] * 2
    )


def test_a_link_through_a_file_inside_leads_outside_all_the_same(inside, outside):
    written(outside / "secret.h5")
    linked(inside / "step.h5", "../outside/secret.h5")
    for master in (
        linked(inside / "master.h5", "step.h5"),
        mosaic(inside / "virtual.h5", (np.s_[:], "step.h5", IMAGES.shape, np.s_[:])),
    ):
        assert reasons(master, inside) == ["outside_roots"] * 2


def halves(folder, *, begin=""):
    written(folder / "1.h5", IMAGES[:4])
    written(folder / "2.h5", IMAGES[4:])
    return [
        (np.s_[:4], f"{begin}1.h5", (4, 20, 18), np.s_[:]),
        (np.s_[4:], f"{begin}2.h5", (4, 20, 18), np.s_[:]),
    ]


@pytest.mark.parametrize("frames", [1, 2, 8])
def test_a_mosaic_of_the_files_that_a_detector_wrote_one_after_another(inside, frames):
    np.testing.assert_array_equal(events(mosaic(inside / "v.h5", *halves(inside)), inside, frames=frames), IMAGES)


def test_a_mosaic_over_files_outside_is_for_the_command_line_only(inside, outside):
    path = mosaic(inside / "v.h5", *halves(outside, begin="../outside/"))
    assert reasons(path, inside) == ["outside_roots"] * 2
    np.testing.assert_array_equal(named(path)[0], IMAGES)


def test_only_the_source_of_what_is_asked_for_matters(inside):
    path = mosaic(inside / "v.h5", *halves(inside))
    (inside / "2.h5").unlink()
    reader = FilePixels(roots=[inside], patience=0.0)
    reference = PixelReference(uri=str(path), form="application/x-hdf5", parameters={"dataset": DATASET}, index=3)
    np.testing.assert_array_equal(reader.read(reference)[0], IMAGES[3])


def test_a_source_that_is_missing_is_late_and_never_made_up(inside, monkeypatch):
    path = mosaic(inside / "v.h5", *halves(inside))
    os.rename(inside / "1.h5", inside / "late.h5")
    assert reasons(path, inside) == ["missing_file", "unreadable_file"]
    frames, messages = named(path)
    np.testing.assert_array_equal(frames, IMAGES[4:])
    assert all("is not there" in message for message in messages)
    assert len(messages) == 4
    os.rename(inside / "late.h5", inside / "1.h5")
    np.testing.assert_array_equal(events(path, inside), IMAGES)


def test_the_folder_that_we_were_started_in_is_no_place_to_look(inside, outside, monkeypatch):
    path = mosaic(inside / "v.h5", *halves(outside))
    monkeypatch.chdir(outside)
    assert reasons(path, inside) == ["missing_file", "unreadable_file"]


def test_a_source_that_is_short_or_without_its_dataset_is_unreadable_yet(inside):
    path = mosaic(inside / "v.h5", (np.s_[:4], "1.h5", (8, 20, 18), np.s_[:4]))
    written(inside / "1.h5", IMAGES[:0], maxshape=(None, 20, 18), chunks=(1, 20, 18))
    assert reasons(path, inside) == ["unreadable_file"] * 2
    with h5py.File(inside / "1.h5", "w") as file:
        file["elsewhere"] = IMAGES
    assert reasons(path, inside) == ["unreadable_file"] * 2
    written(inside / "1.h5", IMAGES)
    np.testing.assert_array_equal(named(path)[0], IMAGES[:4])


def test_a_frame_that_no_source_has_is_unreadable(inside):
    first, _ = halves(inside)
    frames, messages = named(mosaic(inside / "v.h5", first))
    np.testing.assert_array_equal(frames, IMAGES[:4])
    assert all("no source" in message for message in messages)


def test_modules_with_a_gap_between_them(inside):
    whole = np.full((8, 43, 18), -1)
    whole[:, :20], whole[:, 23:] = IMAGES, IMAGES + 1
    written(inside / "1.h5")
    written(inside / "2.h5", IMAGES + 1)
    path = mosaic(
        inside / "v.h5",
        (np.s_[:, :20], "1.h5", IMAGES.shape, np.s_[:]),
        (np.s_[:, 23:], "2.h5", IMAGES.shape, np.s_[:]),
        shape=whole.shape,
    )
    np.testing.assert_array_equal(events(path, inside), whole)


@pytest.mark.parametrize("block", [1, 2])
def test_writers_that_take_turns(inside, block):
    turns = np.arange(8) // block % 2
    for turn in (0, 1):
        written(inside / f"{turn}.h5", IMAGES[turns == turn])
    places = [
        (h5py.MultiBlockSlice(turn * block, 2 * block, 4 // block, block), f"{turn}.h5", (4, 20, 18), np.s_[:])
        for turn in (0, 1)
    ]
    path = mosaic(inside / "v.h5", *places)
    np.testing.assert_array_equal(events(path, inside), IMAGES)
    os.remove(inside / "1.h5")
    frames, messages = named(path)
    np.testing.assert_array_equal(frames, IMAGES[turns == 0])
    assert len(messages) == 4


def test_a_mosaic_that_grows_with_its_source(inside):
    written(inside / "1.h5", maxshape=(None, 20, 18), chunks=(1, 20, 18))
    growing = np.s_[: h5py.h5s.UNLIMITED]
    path = mosaic(inside / "v.h5", (growing, "1.h5", IMAGES.shape, growing), maxshape=(None, 20, 18))
    np.testing.assert_array_equal(events(path, inside), IMAGES)


def test_one_file_for_each_image_and_a_mosaic_of_mosaics(inside):
    for number, image in enumerate(IMAGES):
        written(inside / f"{number}.h5", image)
    mosaic(inside / "all.h5", *[(number, f"{number}.h5", (20, 18), np.s_[:]) for number in range(8)])
    path = mosaic(inside / "v.h5", (np.s_[:4], "all.h5", IMAGES.shape, np.s_[1::2]), shape=(4, 20, 18))
    np.testing.assert_array_equal(events(path, inside, count=4), IMAGES[1::2])
    os.remove(inside / "5.h5")
    assert len(named(path)[0]) == 3


def test_a_source_that_is_being_written(inside):
    path = mosaic(inside / "v.h5", (np.s_[:], "1.h5", IMAGES.shape, np.s_[:]))
    with h5py.File(inside / "1.h5", "w", libver="latest", locking=False) as file:
        dataset = file.create_dataset(DATASET, data=IMAGES, maxshape=(None, 20, 18), chunks=(1, 20, 18))
        file.swmr_mode = True
        dataset.flush()
        reader = FilePixels(roots=[inside], patience=0.0)
        reference = PixelReference(uri=str(path), form="application/x-hdf5", parameters={"dataset": DATASET}, index=7)
        np.testing.assert_array_equal(reader.read(reference)[0], IMAGES[7])


def test_a_bomb_in_a_source_costs_the_images_in_it(inside):
    path = mosaic(inside / "v.h5", *halves(inside))
    with h5py.File(inside / "1.h5", "w") as file:
        data = file.create_dataset(DATASET, (4, 20, 18), "i4", chunks=(1, 20, 18), compression="gzip")
        data[:] = IMAGES[:4]
        data.id.write_direct_chunk((2, 0, 0), zlib.compress(bytes(5_000_000)))
    frames, messages = named(path)
    np.testing.assert_array_equal(frames, np.delete(IMAGES, 2, axis=0))
    assert ["claims more" in message for message in messages] == [True]


def test_pixels_in_a_file_that_is_no_hdf5_are_nobodys(inside, outside):
    (outside / "passwords").write_bytes(b"secret" * 240)
    with h5py.File(inside / "a.h5", "w") as file:
        file.create_dataset(DATASET, (1, 20, 18), "i4", external=[(str(outside / "passwords"), 0, 1440)])
    assert reasons(inside / "a.h5", inside) == ["unsupported_form"] * 2


def test_a_mosaic_of_itself_comes_to_an_end(inside):
    path = mosaic(inside / "v.h5", (np.s_[:], "v.h5", IMAGES.shape, np.s_[:]))
    assert reasons(path, inside) == ["unsupported_form"] * 2
