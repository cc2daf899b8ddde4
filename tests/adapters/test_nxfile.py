import h5py
import numpy as np
import pytest

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.nxfile import FrameFiles
from camsortxs.frames import Geometry


def read(path):
    return [frame for batch in FolderFrames([path]).batches() for frame in batch.frames]


def test_each_frame_keeps_its_own_geometry(tmp_path, make_frame):
    told = Geometry(distance=2.0, wavelength=1e-10, pixel_size=172e-6, beam_centre=(3.0, 4.0), incidence_angle=0.2)
    geometries = [None, told, Geometry(distance=3.0)]

    with FrameFiles(tmp_path) as files:
        places = [files.write("a", make_frame(geometry=geometry)) for geometry in geometries]

    assert [place for _, place in places] == [0, 1, 2]
    first, second, third = read(tmp_path / places[0][0])
    assert first.geometry is None
    assert second.geometry == told
    assert (third.geometry.distance, third.geometry.beam_centre) == (3.0, None)


def test_shapes_types_and_full_files_are_kept_apart(tmp_path, make_frame):
    small = make_frame(image=np.ones((5, 6), dtype=np.int32), mask=np.zeros((5, 6), dtype=bool))
    other = make_frame(image=np.ones((5, 6), dtype=np.float32), mask=np.zeros((5, 6), dtype=bool))

    with FrameFiles(tmp_path, most=2) as files:
        names = [files.write("a", frame)[0] for frame in (small, other, small, small)]

    assert names == ["a_5x6_int32_000.h5", "a_5x6_float32_000.h5", "a_5x6_int32_000.h5", "a_5x6_int32_001.h5"]
    assert [len(read(tmp_path / name)) for name in dict.fromkeys(names)] == [2, 1, 1]


def test_masks_and_parameters_lie_beside_the_pixels(tmp_path, make_frame):
    frame = make_frame()

    with FrameFiles(tmp_path) as files:
        name, _ = files.write("a", frame, {"radius": 12.5, "sample": "islands"})

    with h5py.File(tmp_path / name) as file:
        assert file["entry/simulation/parameters"].asstr()[0] == '{"radius": 12.5, "sample": "islands"}'
        assert np.array_equal(file["entry/instrument/detector/pixel_mask"][0], frame.mask)
        assert np.array_equal(file["entry/data/data"][0], frame.image)


def test_a_full_disk_is_told(tmp_path, make_frame):
    with pytest.raises(OSError, match=r"[Uu]nable"), FrameFiles(tmp_path / "not there") as files:
        files.write("a", make_frame())
