import h5py
import hdf5plugin
import numpy as np
import pytest

from camsortxs.adapters import chunks
from camsortxs.adapters.chunks import read_image
from camsortxs.errors import FrameError

needs_decoder = pytest.mark.skipif(chunks.decompress is None, reason="dectris-compression needs a C compiler")
IMAGES = np.random.default_rng(0).poisson(3.0, (4, 61, 47))
BITSHUFFLE = {"lz4": hdf5plugin.Bitshuffle(cname="lz4"), "zstd": hdf5plugin.Bitshuffle(cname="zstd")}


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def reopened(dataset: h5py.Dataset) -> h5py.Dataset:
    """What was written chunk by chunk, as another process would see it."""
    name = dataset.file.filename
    dataset.file.close()
    return h5py.File(name)["d"]


def dataset(file: h5py.File, images: np.ndarray, **options) -> h5py.Dataset:
    return file.create_dataset(
        "d", data=images, **{"chunks": (*(1 for _ in images.shape[:-2]), *images.shape[-2:])} | options
    )


@pytest.fixture(params=["decoded directly", "by HDF5"])
def way(request, monkeypatch):
    if request.param == "by HDF5":
        monkeypatch.setattr(chunks, "decompress", None)
    elif chunks.decompress is None:
        pytest.skip("dectris-compression needs a C compiler")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dtype", ["<i4", "<u2", "<u4", ">i4", "u1", "<f4", "<i8"])
@pytest.mark.parametrize("compression", BITSHUFFLE.values(), ids=BITSHUFFLE)
def test_every_type_is_read_as_it_was_written(file, dtype, compression):
    images = IMAGES.astype(dtype)
    read = read_image(dataset(file, images, **compression), (2,))
    np.testing.assert_array_equal(read, images[2])
    assert read.dtype == images.dtype


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "options",
    [
        {"chunks": None},
        {"chunks": (2, 61, 47)},
        {"chunks": (1, 61, 20)},
        {"compression": "gzip"},
        {},
        {**BITSHUFFLE["lz4"], "chunks": (2, 61, 47)},
        {**BITSHUFFLE["lz4"], "fletcher32": True},
    ],
    ids=["contiguous", "two a chunk", "part of one a chunk", "gzip", "plain", "two a compressed chunk", "checksum"],
)
def test_other_layouts_are_read_all_the_same(file, options):
    np.testing.assert_array_equal(read_image(dataset(file, IMAGES, **options), (3,)), IMAGES[3])


@pytest.mark.usefixtures("way")
def test_an_image_lies_behind_any_number_of_axes(file):
    images = IMAGES.reshape(2, 2, 61, 47)
    np.testing.assert_array_equal(read_image(dataset(file, images, **BITSHUFFLE["lz4"]), (1, 0)), images[1, 0])


@pytest.mark.usefixtures("way")
def test_what_is_not_written_yet_is_the_fill_value(file):
    growing = file.create_dataset(
        "d", shape=(2, 61, 47), dtype="<i4", chunks=(1, 61, 47), fillvalue=-1, **BITSHUFFLE["lz4"]
    )
    assert (read_image(growing, (1,)) == -1).all()


@pytest.mark.usefixtures("way")
def test_a_chunk_that_the_writer_left_uncompressed_is_read(file):
    plain = dataset(file, IMAGES.astype("<i4"), **BITSHUFFLE["lz4"])
    plain.id.write_direct_chunk((1, 0, 0), IMAGES[0].astype("<i4").tobytes(), filter_mask=1)
    np.testing.assert_array_equal(read_image(reopened(plain), (1,)), IMAGES[0])


@needs_decoder
def test_the_decoder_is_used_where_it_can_be(file, monkeypatch):
    asked = []
    decoder = chunks.decompress
    monkeypatch.setattr(chunks, "decompress", lambda *a, **k: asked.append(a[1]) or decoder(*a, **k))
    read_image(dataset(file, IMAGES, **BITSHUFFLE["lz4"]), (0,))
    assert asked == ["bslz4"]


def damaged(images: h5py.Dataset, damage) -> h5py.Dataset:
    """The dataset with its first chunk changed, as another process would see it."""
    _, chunk = images.id.read_direct_chunk((0, 0, 0))
    images.id.write_direct_chunk((0, 0, 0), damage(chunk))
    return reopened(images)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "damage",
    [
        lambda chunk: chunk[: len(chunk) // 2],
        lambda chunk: chunk[:12],
        lambda chunk: bytes(8) + chunk[8:],
        lambda chunk: chunk[:8] + b"\xff\xff\xff\xf0" + chunk[12:],
    ],
    ids=["half", "header", "claims nothing", "huge blocks"],
)
def test_a_damaged_chunk_is_an_error(file, damage):
    images = damaged(dataset(file, IMAGES, **BITSHUFFLE["lz4"]), damage)
    with pytest.raises(OSError, match=r"."):
        read_image(images, (0,))


@pytest.mark.usefixtures("way")
def test_a_chunk_that_claims_a_terabyte_is_refused(file):
    images = damaged(dataset(file, IMAGES, **BITSHUFFLE["lz4"]), lambda chunk: (2**40).to_bytes(8, "big") + chunk[8:])
    with pytest.raises(FrameError) as caught:
        read_image(images, (0,))
    assert caught.value.reason == "too_large"


FILTERS = {
    "gzip": {"compression": "gzip"},
    "gzip after shuffle": {"compression": "gzip", "shuffle": True},
    "LZF": {"compression": "lzf"},
    "scale and offset": {"scaleoffset": 0},
    "SZIP": {"compression": "szip"},
    "checksum": {"fletcher32": True},
    "gzip and a checksum": {"compression": "gzip", "fletcher32": True},
    "shuffle alone": {"shuffle": True},
    "LZ4": hdf5plugin.LZ4(),
    "LZ4 in small blocks": hdf5plugin.LZ4(nbytes=512),
    "zstd": hdf5plugin.Zstd(),
    "Blosc": hdf5plugin.Blosc(),
    "bitshuffle and LZ4": BITSHUFFLE["lz4"],
    "bitshuffle and zstd": BITSHUFFLE["zstd"],
    "bitshuffle alone": hdf5plugin.Bitshuffle(cname="none"),
}


@pytest.mark.parametrize("chunks", [(1, 61, 47), (2, 61, 47), (3, 20, 20)])
@pytest.mark.parametrize("options", FILTERS.values(), ids=FILTERS)
def test_what_detectors_write_is_read_through_any_filter_whose_room_is_known(file, options, chunks):
    images = reopened(dataset(file, IMAGES, chunks=chunks, **options))
    np.testing.assert_array_equal(read_image(images, (3,)), IMAGES[3])


@pytest.mark.parametrize("bits", [16, 32])
def test_what_areadetector_packs_into_fewer_bits_is_read(file, bits):
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((1, 61, 47))
    creation.set_filter(h5py.h5z.FILTER_NBIT, 0, ())
    kind = h5py.h5t.NATIVE_INT32.copy()
    kind.set_precision(bits)
    packed = h5py.Dataset(h5py.h5d.create(file.id, b"d", kind, h5py.h5s.create_simple(IMAGES.shape), creation))
    packed[:] = IMAGES
    np.testing.assert_array_equal(read_image(reopened(packed), (3,)), IMAGES[3])


def test_what_a_filter_makes_room_for_must_be_known(file):
    images = reopened(dataset(file, IMAGES, **hdf5plugin.BZip2()))
    with pytest.raises(FrameError, match="nobody says") as caught:
        read_image(images, (3,))
    assert caught.value.reason == "unsupported_form"
