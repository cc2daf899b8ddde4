import bz2
import csv
import gzip

import fabio
import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile

from camsortxs.adapters import unpack
from camsortxs.adapters.folder import FolderFrames


@pytest.fixture
def image(rng):
    return rng.poisson(9.0, size=(60, 80)).astype(np.int32)


def read(*paths, **options):
    batches = list(FolderFrames(paths=paths, **options).batches())
    frames = [frame for batch in batches for frame in batch.frames]
    return frames, [item for batch in batches for item in batch.rejected], batches


def _bitshuffle(path, image):
    with h5py.File(path, "w") as file:
        file["entry/instrument/detector/mask"] = np.zeros((600, 800))
        file["entry/x"] = np.arange(5.0)
        file.create_dataset("entry/data/data", data=image[None], chunks=(1, *image.shape), **hdf5plugin.Bitshuffle())


def _hipic(path, image):
    height, width = image.shape
    path.write_bytes(
        b"IM" + np.array([0, width, height, 0, 0, 2], "<u2").tobytes() + bytes(50) + image.astype("<u2").tobytes()
    )


WRITERS = {
    "frame.img": _hipic,
    "frame.tif": lambda path, image: tifffile.imwrite(path, image),
    "frame.edf": lambda path, image: fabio.edfimage.EdfImage(data=image).write(str(path)),
    "frame.cbf": lambda path, image: fabio.cbfimage.CbfImage(data=image).write(str(path)),
    "frame.npy": np.save,
    "frame.h5": _bitshuffle,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("packed", [None, ("gz", gzip), ("bz2", bz2)], ids=["plain", "gzip", "bzip2"])
def test_every_format_gives_the_same_image(tmp_path, image, name, packed, capsys):
    path = tmp_path / name
    WRITERS[name](path, image)
    if packed:
        suffix, packer = packed
        (tmp_path / f"{name}.{suffix}").write_bytes(packer.compress(path.read_bytes()))
        path.unlink()

    (frame,), rejected, _ = read(tmp_path)

    assert np.array_equal(frame.image, image)
    assert rejected == []
    assert capsys.readouterr().out == ""  # standard output belongs to the results


def test_a_folder_gives_its_known_files_sorted_and_each_is_a_run(tmp_path, image):
    for name in ("b.npy", "a/z.npy", "notes.txt", "c.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, image) if name.endswith("npy") else (tmp_path / name).write_text("x")

    frames, rejected, batches = read(tmp_path)

    names = [tmp_path / name for name in ("a/z.npy", "b.npy", "c.npy")]
    assert [frame.key.run for frame in frames] == [str(name) for name in names]
    assert [end.run for batch in batches for end in batch.ended] == [str(name) for name in names]
    assert rejected == []


def test_a_stack_comes_in_batches_and_one_image_can_be_asked_for(tmp_path, image):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = np.stack([image + i for i in range(5)])
        file["entry/other"] = np.zeros((3, 7, 7))

    frames, _, batches = read(path, batch=2)
    assert [frame.key.index for frame in frames] == [0, 1, 2, 3, 4]
    assert max(len(batch.frames) for batch in batches) == 2

    (third,), _, _ = read(f"{path}::entry/data/data[3]")
    assert np.array_equal(third.image, image + 3)
    assert (third.key.data_key, third.key.index) == ("entry/data/data", 3)


def test_the_data_of_a_master_file_is_found_behind_its_external_link(tmp_path, image):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["entry/data/data"] = image[None]
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("data.h5", "/entry/data/data")

    (frame,), _, _ = read(tmp_path / "master.h5")

    assert np.array_equal(frame.image, image)


def _master(path, image, *, files, written):
    """Write a master file as Eiger detectors do: it links all data files, beside a mask of its own that is larger."""
    with h5py.File(path, "w") as file:
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = np.zeros((600, 800), np.uint32)
        for number in range(1, files + 1):
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(f"{path.stem}_{number}.h5", "/entry/data/data")
    for number in written:
        with h5py.File(path.with_name(f"{path.stem}_{number}.h5"), "w") as file:
            file["entry/data/data"] = np.stack([image + 10 * number, image + 10 * number + 1])


def test_all_data_files_of_a_master_file_are_read(tmp_path, image):
    _master(tmp_path / "master.h5", image, files=3, written=(1, 2, 3))

    frames, refused, batches = read(tmp_path / "master.h5", batch=4)

    assert [int((frame.image - image).min()) for frame in frames] == [10, 11, 20, 21, 30, 31]
    assert [(frame.key.data_key[-1], frame.key.index) for frame in frames[1:4]] == [("1", 1), ("2", 0), ("2", 1)]
    assert len({frame.key for frame in frames}) == 6
    assert refused == []
    assert [len(batch.ended) for batch in batches] == [0, 1]


@pytest.mark.parametrize("written", [(1, 3), ()])
def test_a_data_file_that_is_not_there_is_missed(tmp_path, image, written):
    _master(tmp_path / "master.h5", image, files=3, written=written)

    frames, refused, _ = read(tmp_path / "master.h5")

    assert len(frames) == 2 * len(written)
    assert [item.reason for item in refused] == ["missing_file"] * (3 - len(written))
    assert "master_2.h5" in " ".join(str(item.message) for item in refused)


def test_one_image_of_a_file_without_datasets_is_named_by_its_place(tmp_path, image):
    np.save(tmp_path / "stack.npy", np.stack([image, image + 1, image + 2]))

    (frame,), _, _ = read(f"{tmp_path}/stack.npy::[1]")
    _, (refused,), _ = read(f"{tmp_path}/stack.npy::[3]")

    assert np.array_equal(frame.image, image + 1)
    assert refused.reason == "no_image"


def test_the_geometry_of_a_header_travels_along_unless_told_otherwise(tmp_path, image):
    header = {
        "SampleDistance": "2.46",
        "WaveLength": "1.5e-10",
        "PSize_1": "172e-6",
        "Center_1": "40",
        "Center_2": "30",
    }
    fabio.edfimage.EdfImage(data=image, header=header).write(str(tmp_path / "a.edf"))

    (frame,), _, _ = read(tmp_path / "a.edf")
    (blind,), _, _ = read(tmp_path / "a.edf", geometry=False)

    assert (frame.geometry.distance, frame.geometry.beam_centre) == (2.46, (30.0, 40.0))
    assert blind.geometry is None


def _h5(shape, dtype="int32"):
    def write(path, image):
        with h5py.File(path, "w") as file:
            file.create_dataset("data", shape=shape, dtype=dtype, chunks=True)

    return write


def _cut(write, path, image):
    write(path, image)
    path.write_bytes(path.read_bytes()[:-1000])


def _corrupt(packed):
    middle = len(packed) // 2
    return packed[:middle] + bytes(64) + packed[middle + 64 :]


BAD = {
    "missing.tif": (None, "missing_file"),
    "truncated.tif": (lambda path, image: path.write_bytes(b"II*\0\x08\0\0\0\xff"), "unreadable"),
    "noise.edf": (lambda path, image: path.write_bytes(bytes(range(256)) * 9), "unreadable"),
    "half.h5": (lambda path, image: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "unreadable"),
    "half.tif.gz": (lambda path, image: path.write_bytes(gzip.compress(bytes(9000))[:20]), "unreadable"),
    "corrupt.npy.gz": (lambda path, image: path.write_bytes(_corrupt(gzip.compress(image.tobytes()))), "unreadable"),
    "empty.mar2300": (lambda path, image: path.write_bytes(b""), "unreadable"),
    "cut.cbf": (lambda path, image: _cut(WRITERS["frame.cbf"], path, image), "unreadable"),
    "cut.edf": (lambda path, image: _cut(WRITERS["frame.edf"], path, image), "truncated"),
    "huge.h5": (_h5((20_000, 5_000)), "too_large"),
    "line.h5": (_h5((4096,)), "no_image"),
    "empty.npy": (lambda path, image: np.save(path, np.zeros((0, 5))), "empty"),
    "line.npy": (lambda path, image: np.save(path, np.zeros(7)), "not_2d"),
    "nan.npy": (lambda path, image: np.save(path, np.full((30, 30), np.nan)), "all_bad"),
    "complex.npy": (lambda path, image: np.save(path, np.zeros((9, 9), dtype=complex)), "not_numeric"),
    "object.npy": (
        lambda path, image: np.save(path, np.array([[{}]], dtype=object), allow_pickle=True),
        "unreadable",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_stops_nothing(tmp_path, image, name):
    write, reason = BAD[name]
    if write:
        write(tmp_path / name, image)
    np.save(tmp_path / "good.npy", image)

    frames, rejected, _ = read(tmp_path / name, tmp_path / "good.npy")

    assert [item.reason for item in rejected] == [reason]
    assert rejected[0].origin["path"] == str(tmp_path / name)
    assert len(frames) == 1


def test_one_damaged_image_does_not_lose_the_rest_of_its_stack(tmp_path, image):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        chunks = file.create_dataset("data", shape=(4, 60, 80), dtype="i4", chunks=(1, 60, 80), compression="gzip")
        chunks[:] = image
        place = chunks.id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(bytes(place.size))

    frames, rejected, _ = read(path)

    assert [frame.key.index for frame in frames] == [0, 2, 3]
    assert [(item.reason, item.origin["index"]) for item in rejected] == [("unreadable", 1)]


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 1000)
    (tmp_path / "bomb.npy.gz").write_bytes(gzip.compress(bytes(100_000)))

    _, rejected, _ = read(tmp_path / "bomb.npy.gz")

    assert [item.reason for item in rejected] == ["too_large"]


def test_an_index_beyond_the_stack_says_how_many_there_are(tmp_path, image):
    _h5((2, 60, 80))(tmp_path / "two.h5", image)

    _, rejected, _ = read(f"{tmp_path / 'two.h5'}::data[9]")

    assert "has 2 images" in rejected[0].message


def test_all_real_frames_load_as_their_labels_say(real_frames):
    with (real_frames / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        inside = f"::{row['hdf5_dataset']}[{row['frame_index'] or 0}]" if row["hdf5_dataset"] else ""

        (frame,), rejected, _ = read(f"{real_frames / row['file']}{inside}")

        assert rejected == [], row["file"]
        assert ("x".join(map(str, frame.image.shape)), str(frame.image.dtype)) == (row["shape"], row["dtype"])
        assert frame.mask.mean() < 0.3


@pytest.mark.parametrize("name", ["a.npy", "a.h5"])
def test_a_colour_image_is_refused_once_and_not_taken_for_many_narrow_ones(tmp_path, rng, name):
    colour = rng.integers(0, 255, size=(100, 120, 3), dtype=np.uint8)
    if name.endswith("npy"):
        np.save(tmp_path / name, colour)
    else:
        with h5py.File(tmp_path / name, "w") as file:
            file["entry/data/data"] = colour

    frames, rejected, _ = read(tmp_path / name)

    assert frames == []
    assert [item.reason for item in rejected] == ["not_2d"]
    assert "colour" in rejected[0].message


def test_small_images_of_a_file_are_the_users_own_affair(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 5, 6), dtype=np.int32))

    frames, rejected, _ = read(tmp_path / "a.npy")

    assert ([frame.image.shape for frame in frames], rejected) == ([(5, 6), (5, 6)], [])
