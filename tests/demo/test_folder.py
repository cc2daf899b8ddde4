import gzip

import fabio
import h5py
import numpy as np
import pytest

from camsortxs_agent.demo.beamline import INLINE_BYTES
from camsortxs_agent.demo.folder import MAX_FRAMES, Folder


@pytest.fixture
def folder(tmp_path, rng):
    """A small EDF with a header, a gzipped .npy, an HDF5 file of three images, a large one, and a broken one."""
    small = rng.poisson(5, (60, 80)).astype(np.int32)
    header = {"SampleDistance": "2.5", "WaveLength": "1e-10", "PSize_1": "0.000172"}
    fabio.edfimage.EdfImage(data=small, header=header).write(str(tmp_path / "a.edf"))
    np.save(tmp_path / "plain.npy", small)
    (tmp_path / "b.npy.gz").write_bytes(gzip.compress((tmp_path / "plain.npy").read_bytes()))
    (tmp_path / "plain.npy").unlink()
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["raw/images"] = np.stack([small, small + 1, small + 2])
        file["raw/larger"] = np.zeros((9, 60, 80), dtype=np.int32)
    np.save(tmp_path / "d.npy", rng.poisson(5, (500, 400)).astype(np.int32))
    (tmp_path / "e.tif").write_bytes(b"II*\0 this is no image")
    (tmp_path / "notes.txt").write_text("not a detector file")
    return tmp_path


def _label(folder, *rows: str) -> None:
    lines = ["file,technique,hdf5_dataset,frame_index", *rows]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def test_every_readable_file_is_a_run_and_the_others_are_told(folder):
    source = Folder(folder)
    found = {measurement.name: measurement for measurement in source}
    assert set(found) == {"a.edf", "b.npy.gz", "c.h5", "d.npy"}
    assert set(source.unread) == {"e.tif"}
    assert all(measurement.truth is None for measurement in found.values())


def test_labels_name_the_truth_and_what_of_a_file_is_meant(folder):
    _label(folder, "a.edf,SAXS,,", "c.h5,GIWAXS,raw/images,1", "d.npy,tomography,,")
    found = {measurement.name: measurement for measurement in Folder(folder)}
    assert found["a.edf"].truth == "SAXS"
    assert found["c.h5"].truth == "GIWAXS"
    assert np.array_equal(found["c.h5"].frames[0], found["a.edf"].frames[0] + 1)
    assert len(found["c.h5"].frames) == 1
    assert found["d.npy"].truth is None


def test_the_header_travels_along(folder):
    (edf,) = (measurement for measurement in Folder(folder) if measurement.name == "a.edf")
    assert edf.configuration["det_dist"] == (pytest.approx(2500.0), "mm")
    assert edf.metadata["energy"] == pytest.approx(12.398, rel=1e-3)


def test_only_small_frames_travel_inline(folder):
    for measurement in Folder(folder):
        assert measurement.form.startswith("event") <= (measurement.frames[0].nbytes <= INLINE_BYTES)


def test_a_long_series_is_cut_and_said_so(tmp_path):
    np.save(tmp_path / "long.npy", np.ones((MAX_FRAMES + 5, 20, 20), dtype=np.int32))
    source = Folder(tmp_path)
    (measurement,) = source
    assert len(measurement.frames) == MAX_FRAMES
    assert list(source.unread) == [f"long.npy[{MAX_FRAMES}:]"]


def test_images_of_different_shape_are_runs_of_their_own(tmp_path):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(np.ones((20, 20), dtype=np.uint16))
        file.write(np.ones((30, 20), dtype=np.uint16))
    assert [measurement.frames[0].shape for measurement in Folder(tmp_path)] == [(20, 20), (30, 20)]


def test_the_real_frames_all_become_runs(real_frames):
    source = Folder(real_frames)
    truths = [measurement.truth for measurement in source]
    assert len(truths) == 59
    assert None not in truths
    assert source.unread == {}
