"""Small files that claim to be huge, or unpack to it: refused before there is room made for them."""

import bz2
import gzip
import struct
import zlib
from contextlib import contextmanager
from pathlib import Path

import fabio
import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile

from camsortxs.adapters import unpack
from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.images import open_images
from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError

IMAGE = np.ones((400, 400), dtype=np.int32)
ZEROS = zlib.compress(bytes(300_000_000), 9)
SIDE = 9000
"""An image of this height and width has 81 megapixels: more than any, and yet a test that fails survives it."""


@contextmanager
def at_most(megabytes: float):
    """Fail when the process grows by more, even for a moment. Linux forgets its high-water mark when it is told to."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    yield
    grown = (_status("VmHWM") - before) / 1024
    assert grown < megabytes, f"the process grew by {grown:.0f} MB"


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def chunk(packed: bytes, shape=(1, 400, 400), **options):
    """A dataset whose first chunk is what it says."""

    def write(path):
        with h5py.File(path, "w") as file:
            data = file.create_dataset(
                "entry/data/data", (2, 400, 400), "i4", chunks=shape, maxshape=(None, None, None), **options
            )
            data.id.write_direct_chunk((0, 0, 0), packed)

    return write


def tiff(*, compression=None, tile=None, packed=None, **tags):
    """A TIFF file whose tags were changed, and its pixels replaced."""

    def write(path):
        tifffile.imwrite(path, IMAGE, compression=compression, tile=tile, metadata=None)
        if packed:
            tags.update(StripOffsets=path.stat().st_size, StripByteCounts=len(packed))
            path.write_bytes(path.read_bytes() + packed)
        with tifffile.TiffFile(path, mode="r+b") as file:
            for name, value in tags.items():
                file.pages[0].tags[name].overwrite(value)

    return write


def edf(**header):
    fields = {"ByteOrder": "LowByteFirst", "DataType": "SignedInteger", "Dim_1": 4, "Dim_2": 4} | header
    text = "\n\n\n{\n" + "".join(f"{name} = {value} ;\n" for name, value in fields.items())
    return lambda path: path.write_bytes(text.ljust(510).encode() + b"}\n" + bytes(64))


def cbf(*changes):
    def write(path):
        fabio.cbfimage.CbfImage(data=IMAGE).write(str(path))
        content = path.read_bytes()
        for old, new in changes:
            assert old in content
            content = content.replace(old, new)
        path.write_bytes(content)

    return write


def mar(side, packed_side):
    numbers = struct.pack("<16i", 1234, side, 0, 1, 1, side * side, *[1] * 10)
    packed = f"\nCCP4 packed image, X: {packed_side:04d}, Y: {packed_side:04d}\n".encode() + bytes(10_000)
    content = (numbers + b"mar research\nEND OF HEADER\n").ljust(4096) + packed
    return lambda path: path.write_bytes(content)


def npy(path):
    header = {"descr": "<i4", "fortran_order": False, "shape": (1, SIDE, SIDE)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * SIDE * SIDE)  # it has holes, and takes no room


TERABYTE = (2**40).to_bytes(8, "big") + (8192).to_bytes(4, "big") + bytes(100)
BOMBS = {
    "gzip.h5": chunk(ZEROS, compression="gzip"),
    "gzip after shuffle.h5": chunk(ZEROS, compression="gzip", shuffle=True),
    "gzip of images.h5": chunk(ZEROS, shape=(2, 200, 200), compression="gzip"),
    "LZF.h5": chunk(b"\x00a" + b"\xe0\xff\x00" * 400_000, compression="lzf"),
    "SZIP.h5": chunk(struct.pack("<I", 2**31) + bytes(100), compression="szip"),
    "bitshuffle.h5": chunk(TERABYTE, **hdf5plugin.Bitshuffle()),
    "bitshuffle and zstd.h5": chunk(TERABYTE, **hdf5plugin.Bitshuffle(cname="zstd")),
    "bitshuffle of images.h5": chunk(TERABYTE, shape=(2, 400, 400), **hdf5plugin.Bitshuffle()),
    "LZ4.h5": chunk(TERABYTE, **hdf5plugin.LZ4()),
    "Blosc.h5": chunk(
        b"\x02\x01\x01\x04" + struct.pack("<III", 2**31 - 1, 2**20, 200) + bytes(184), **hdf5plugin.Blosc()
    ),
    "zstd.h5": chunk(b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40) + bytes(100), **hdf5plugin.Zstd()),
    "huge chunk.h5": chunk(zlib.compress(b"1"), shape=(1, SIDE, SIDE), compression="gzip"),
    "deflate.tif": tiff(compression="zlib", packed=ZEROS),
    "declared.tif": tiff(ImageWidth=SIDE, ImageLength=SIDE),
    "tiles.tif": tiff(tile=(16, 16), compression="zlib", TileWidth=SIDE // 16 * 16, TileLength=SIDE // 16 * 16),
    "declared.edf": edf(Dim_1=SIDE, Dim_2=SIDE),
    "declared.cbf": cbf((b"Dimension: 400", b"Dimension: %d" % SIDE)),
    "declared.mar2300": mar(SIDE, SIDE),
    "declared twice.mar2300": mar(400, SIDE),
    "declared.npy": npy,
}


def refusals(path) -> list[str]:
    """Why a file is refused when it is named on a command line, and when a document points at it."""
    found = [item.reason for batch in FolderFrames(paths=[path]).batches() for item in batch.rejected]
    form = "application/x-hdf5" if path.suffix == ".h5" else "image/any"
    with pytest.raises(FrameError) as caught:
        FilePixels(roots=[path.parent], patience=0.0).read(PixelReference(uri=str(path), form=form))
    return [found[0], caught.value.reason]


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_claims_much_or_unpacks_to_it_takes_no_memory(tmp_path, name):
    path = tmp_path / name
    BOMBS[name](path)
    assert path.stat().st_blocks * 512 < 2_000_000
    refusals(path)  # what is imported, compiled or cached on the way is no part of this
    with at_most(64):
        assert refusals(path) == ["too_large", "too_large"]


@pytest.mark.parametrize("layers", [(gzip,), (bz2,), (gzip, gzip), (bz2, gzip), (gzip, bz2)])
@pytest.mark.parametrize("name", ["a.npy", "a.cbf", "a.edf", "a.h5"])
def test_packed_files_may_not_become_huge_nor_be_packed_again(tmp_path, monkeypatch, name, layers):
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 10_000_000)
    content = bytes(50_000_000)
    for layer in layers:
        name, content = f"{name}.{'gz' if layer is gzip else 'bz2'}", layer.compress(content)
    (tmp_path / name).write_bytes(content)
    with at_most(30):
        assert refusals(tmp_path / name)[0] == "too_large"


def test_a_number_beside_the_images_is_no_way_in(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = IMAGE[None]
        number = file.create_dataset(
            "entry/distance", (1,), "f8", chunks=(80_000_000,), maxshape=(None,), compression="gzip"
        )
        number.id.write_direct_chunk((0,), zlib.compress(b"1"))
    with at_most(64), open_images(path) as images, pytest.raises(FrameError) as caught:
        images.header(0)
    assert caught.value.reason == "too_large"


STRANGE = {
    "packed.edf": edf(Compression="GZIP", Size=64),
    "LZMA.tif": tiff(compression="zlib", Compression=34925),
    "elsewhere.edf": edf(EDF_BinaryFileName="secret.raw"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_may_unpack_to_anything_or_lies_elsewhere_is_not_read(tmp_path, name):
    (tmp_path / "secret.raw").write_bytes(bytes(64))
    STRANGE[name](tmp_path / name)
    assert refusals(tmp_path / name) == ["unsupported_form"] * 2


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0", b"<!DOCTYPE a>", b"ESPERANTO FORMAT 1", b"No", b"\0\0\0\3"])
def test_other_formats_that_fabio_knows_are_not_read_by_mistake(tmp_path, content):
    (tmp_path / "a.edf").write_bytes(content.ljust(20_000))
    assert refusals(tmp_path / "a.edf") == ["unsupported_form"] * 2


ENDLESS = {
    "size.edf": edf(Size=-510),
    "binary size.edf": edf(EDF_BinarySize=-509),
    "dimension.edf": edf(Dim_1=-127, Dim_2=1),
    "no pixels.cbf": cbf((b"\x0c\x1a\x04\xd5", bytes(4))),
    "pixels too early.cbf": cbf((b"\x0c\x1a\x04\xd5", bytes(4)), (b"VERSION", b"\x0c\x1a\x04\xd5")),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ENDLESS)
def test_what_fabio_would_read_for_ever_is_unreadable(tmp_path, name):
    ENDLESS[name](tmp_path / name)
    assert refusals(tmp_path / name) == ["unreadable", "unreadable_file"]
