import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from camsortxs.adapters.detector_files import read_hdf5
from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference, as_images
from camsortxs.errors import FrameError

IMAGES = np.arange(6 * 20 * 18, dtype=np.int32).reshape(6, 20, 18)
HDF5 = "application/x-hdf5"


def hdf5(path: Path, data: np.ndarray, dataset: str = "/entry/data/data") -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(dataset, data=data)
    return path


def pixels(root: Path, **options) -> FilePixels:
    return FilePixels(roots=[root], **{"patience": 0.0, **options})


def reason(reader: FilePixels, reference: PixelReference) -> str:
    with pytest.raises(FrameError) as caught:
        reader.read(reference)
    return caught.value.reason


@pytest.mark.parametrize("data", [IMAGES, IMAGES.reshape(3, 2, 20, 18)], ids=["frames run on", "an axis of their own"])
def test_an_event_of_two_frames_is_read_from_either_layout(tmp_path, data):
    path = hdf5(tmp_path / "a.h5", data, "/here")
    reference = PixelReference(uri=path.as_uri(), form=HDF5, parameters={"dataset": "/here"}, index=1, frames=2)
    np.testing.assert_array_equal(pixels(tmp_path).read(reference), IMAGES[2:4])


def test_old_resources_name_their_place_by_point_number(tmp_path):
    path = hdf5(tmp_path / "a.h5", IMAGES)
    reference = PixelReference(
        uri=str(path), form="AD_HDF5", parameters={"frame_per_point": 3}, datum={"point_number": 1}, frames=1
    )
    np.testing.assert_array_equal(pixels(tmp_path).read(reference), IMAGES[3:])


def test_a_file_that_is_being_written_by_swmr_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest", locking=False) as file:
        dataset = file.create_dataset("/entry/data/data", data=IMAGES, maxshape=(None, 20, 18))
        file.swmr_mode = True
        dataset.flush()
        reference = PixelReference(uri=(tmp_path / "a.h5").as_uri(), form=HDF5, index=5)
        np.testing.assert_array_equal(pixels(tmp_path).read(reference)[0], IMAGES[5])


@pytest.mark.parametrize(
    ("uri", "template"),
    [("{}/", "{{:04d}}.tiff"), ("{}", "/{{:04d}}.tiff"), ("{}", "/%4.4d.tiff")],
    ids=["folder", "slash in the template", "old style"],
)
def test_a_series_of_tiff_files(tmp_path, uri, template):
    for number, image in enumerate(IMAGES):
        tifffile.imwrite(tmp_path / f"{number:04d}.tiff", image)
    reference = PixelReference(
        uri=uri.format(tmp_path.as_uri()),
        form="multipart/related;type=image/tiff",
        parameters={"template": template.replace("{{", "{").replace("}}", "}"), "chunk_shape": (1, 20, 18)},
        index=2,
        frames=2,
    )
    np.testing.assert_array_equal(pixels(tmp_path).read(reference), IMAGES[4:])


def test_ad_tiff_and_ad_cbf_count_from_where_their_writers_do(tmp_path):
    fabio = pytest.importorskip("fabio")
    for number, image in enumerate(IMAGES):
        tifffile.imwrite(tmp_path / f"scan_{number:06d}.tiff", image)
        fabio.cbfimage.CbfImage(data=image).write(str(tmp_path / f"scan_{number + 1:05d}.cbf"))
    for form, template in (("AD_TIFF", "%s%s_%6.6d.tiff"), ("AD_CBF", "%s%s_%5.5d.cbf")):
        reference = PixelReference(
            uri=str(tmp_path),
            form=form,
            parameters={"template": template, "filename": "scan", "frame_per_point": 1},
            datum={"point_number": 4},
        )
        np.testing.assert_array_equal(pixels(tmp_path).read(reference)[0], IMAGES[4], err_msg=form)


def test_npy_series_of_simulated_detectors(tmp_path):
    np.save(tmp_path / "abc_3.npy", IMAGES[3])
    reference = PixelReference(uri=str(tmp_path / "abc"), form="NPY_SEQ", datum={"index": 3})
    np.testing.assert_array_equal(pixels(tmp_path).read(reference)[0], IMAGES[3])


def test_a_format_of_old_is_read_by_its_handler(tmp_path):
    hdf5(tmp_path / "a_000.h5", IMAGES[:2])
    reference = PixelReference(
        uri=str(tmp_path),
        form="AD_HDF5_SINGLE",
        parameters={"template": "%s%s_%3.3d.h5", "filename": "a"},
        datum={"point_number": 0},
    )
    np.testing.assert_array_equal(pixels(tmp_path).read(reference), IMAGES[:2])


def test_nobody_reads_an_unknown_form(tmp_path):
    assert reason(pixels(tmp_path), PixelReference(uri=str(tmp_path / "a"), form="FAX")) == "unsupported_form"
    assert reason(pixels(tmp_path), PixelReference(uri="https://host/a.h5", form=HDF5)) == "unsupported_form"


def test_the_path_map_says_where_a_folder_is_mounted_here(tmp_path):
    hdf5(tmp_path / "a b.h5", IMAGES)
    reader = pixels(tmp_path, path_map={"/beamline": "/nowhere", "/beamline/data": str(tmp_path)})
    reference = PixelReference(uri="file://localhost/beamline/data/a%20b.h5", form=HDF5)
    np.testing.assert_array_equal(reader.read(reference)[0], IMAGES[0])


def test_a_late_file_is_waited_for(tmp_path):
    path = tmp_path / "late.h5"
    writer = threading.Timer(0.3, hdf5, (path, IMAGES))
    writer.start()
    reference = PixelReference(uri=path.as_uri(), form=HDF5)
    np.testing.assert_array_equal(pixels(tmp_path, patience=20.0).read(reference)[0], IMAGES[0])
    writer.join()


def test_frames_that_are_not_in_the_file_yet_are_waited_for(tmp_path):
    path = hdf5(tmp_path / "short.h5", IMAGES[:1])
    writer = threading.Timer(0.3, hdf5, (path, IMAGES))
    writer.start()
    np.testing.assert_array_equal(
        pixels(tmp_path, patience=20.0).read(PixelReference(uri=path.as_uri(), form=HDF5, index=5))[0], IMAGES[5]
    )
    writer.join()


def test_a_missing_file_is_waited_for_once_and_not_again(tmp_path, monkeypatch):
    tries = []

    def read(path, *more):
        tries.append(path)
        return read_hdf5(path, *more)

    monkeypatch.setattr("camsortxs.adapters.pixels.read_hdf5", read)
    reader = pixels(tmp_path, patience=0.5)
    reference = PixelReference(uri=str(tmp_path / "never.h5"), form=HDF5)
    assert reason(reader, reference) == "missing_file"
    assert len(tries) > 1
    tries.clear()
    assert [reason(reader, reference) for _ in range(100)] == ["missing_file"] * 100
    assert len(tries) == 100
    hdf5(tmp_path / "never.h5", IMAGES)
    assert reader.read(reference).shape == (1, 20, 18)


@pytest.mark.parametrize("content", [b"", b"not a file", b"\x89HDF\r\n\x1a\n"], ids=["empty", "text", "cut short"])
@pytest.mark.parametrize("name", ["a.h5", "a.tiff", "a.cbf", "a.npy", "a.edf"])
def test_rubbish_is_unreadable(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    form = HDF5 if name.endswith("h5") else "image/whatever"
    assert reason(pixels(tmp_path), PixelReference(uri=str(tmp_path / name), form=form)) == "unreadable_file"


def test_as_images_refuses_what_is_no_image():
    for value, expected in (
        ([[1, 2], [3]], "not_numeric"),
        ([["a", "b"], ["c", "d"]], "not_numeric"),
        ([1, 2, 3], "not_2d"),
        (np.zeros((0, 5, 5)), "empty"),
        (np.zeros((3, 3), dtype=complex), "not_numeric"),
    ):
        with pytest.raises(FrameError) as caught:
            as_images(value)
        assert caught.value.reason == expected


@pytest.mark.parametrize("shape", [(100, 120, 3), (5, 100, 120, 4), (15, 120), (6, 100, 15)])
def test_as_images_refuses_images_with_a_short_side_whatever_was_declared(shape):
    with pytest.raises(FrameError, match="colour" if shape[-1] < 5 else "side below 16") as caught:
        as_images(np.ones(shape, dtype=np.uint8))
    assert caught.value.reason == "not_2d"


def test_a_trailing_axis_of_length_one_is_no_side():
    assert as_images(np.ones((5, 100, 120, 1))).shape == (5, 100, 120)


@pytest.mark.parametrize(("name", "form"), [("a.h5", HDF5), ("a.npy", "application/x-npy")])
def test_a_colour_image_is_no_stack_of_narrow_ones(tmp_path, name, form):
    colour = np.ones((100, 120, 3), dtype=np.uint8)
    np.save(tmp_path / name, colour) if name.endswith("npy") else hdf5(tmp_path / name, colour)
    reference = PixelReference(uri=str(tmp_path / name), form=form, shape=(100, 120))
    assert reason(pixels(tmp_path), reference) == "not_2d"
